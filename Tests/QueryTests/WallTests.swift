import Foundation
import Geo
import GeoNative
import LayerStore
import TestKit
import Testing
import Tiles

@testable import Query

/// Houses among which few stand wall to wall: their layer gets no levels, and only those are put on the grid together.
@Suite struct WallTests {
    typealias Place = SIMD2<Int32>

    /// World units of one place of zoom 20: about a centimetre.
    private struct Town {
        var houses: [[Place]] = []
        /// Of which row of houses each is; houses that stand alone have their own.
        var rows: [Int] = []

        mutating func add(_ ring: [Place], row: Int, at origin: Place, turn: Double) {
            let (sine, cosine) = (sin(turn), cos(turn))
            houses.append(
                ring.map {
                    let (x, y) = (Double($0.x), Double($0.y))
                    return Place(origin.x + Int32((x * cosine - y * sine).rounded()), origin.y + Int32((x * sine + y * cosine).rounded()))
                })
            rows.append(row)
        }
    }

    private func town(_ generator: inout SeededGenerator) -> Town {
        var town = Town()
        let origin = Place(1_666_000_000, -430_000_000)
        for row in 0..<20 {
            let place = Place(origin.x + Int32(row % 5) * 30_000, origin.y + Int32(row / 5) * 30_000)
            // A place lies exactly on a wall, between its ends, only where the wall runs along an axis.
            let hasBacks = row % 2 == 1
            let turn = hasBacks ? 0 : Double.random(in: 0...6.28, using: &generator)
            let depth = Int32.random(in: 300...1500, using: &generator)
            var west: Int32 = 0
            for number in 0..<(row % 3 == 0 ? 1 : Int.random(in: 2...8, using: &generator)) {
                let width = Int32.random(in: 600...1500, using: &generator)
                let (third, half, east) = (west + width / 3, west + width / 2, west + width)
                // A bay towards the street, from a centimetre on: houses have so many corners that few of all edges are shared.
                let bay = Int32.random(in: 1...200, using: &generator)
                let house: [Place] = [
                    [west, 0], [third, 0], [third, -bay], [half, -bay], [half, 0], [east, 0], [east, depth], [west, depth], [west, 0],
                ]
                town.add(house, row: row, at: place, turn: turn)
                if hasBacks && number % 3 == 1 {
                    // A house behind that ends on the wall of the next one.
                    let back: [Place] = [
                        [west, depth], [east, depth], [east + 40, depth], [east + 40, depth + 400], [half, depth + 900],
                        [west, depth + 500],
                        [west, depth],
                    ]
                    town.add(back, row: row, at: place, turn: turn)
                }
                west = east
            }
        }
        return town
    }

    private func geometry(_ house: [Place]) -> Geometry {
        .polygon([house.map { WebMercator.unproject(x: Double($0.x), y: Double($0.y)) }.reversed()])
    }

    private func layer(_ town: Town) throws -> (file: LayerFile, source: RowSource, folder: TemporaryFolder) {
        let folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: [Attribute(name: "row", type: .integer)]), scratch: scratch.url)
        for (house, row) in zip(town.houses, town.rows) {
            builder.set(0, integer: Int64(row))
            var stored = geometry(house)
            stored.roundToStorage()
            try builder.endFeature(geometry: stored, sourceRow: 0)
        }
        let summary = try builder.seal(as: folder.path("a.layer"), identity: Identity(), facts: LayerFacts())
        #expect(summary.outlines == .notNeeded)
        let file = try LayerFile.open(folder.path("a.layer"))
        return (file, RowSource(layer: "t", file: file, columns: [0]), folder)
    }

    /// Edges that two houses have, whichever way they run, in world units as stored.
    private func walls(_ file: LayerFile) throws -> [(a: Int, b: Int, from: Place, to: Place)] {
        struct Edge: Hashable { var low, high: Place }
        var first: [Edge: Int] = [:]
        var walls: [(Int, Int, Place, Place)] = []
        for row in 0..<file.geometryCount {
            let shape = try file.shape(row)
            let places = (0..<shape.vertexCount).map { Place(shape.mercator[2 * $0], shape.mercator[2 * $0 + 1]) }
            for (a, b) in zip(places, places.dropFirst()) {
                let edge = (a.x, a.y) < (b.x, b.y) ? Edge(low: a, high: b) : Edge(low: b, high: a)
                if let other = first[edge] { walls.append((other, row, a, b)) } else { first[edge] = row }
            }
        }
        return walls
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `houses that stand wall to wall do so in the tile, without a gap and without an overlap`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let layer = try layer(town(&generator))
        let context = GEOSContext()
        let details = try #require(try layer.file.details())
        try details.touch(0..<layer.file.geometryCount)
        let walls = try walls(layer.file)
        let (meeting, alone) = (Set(walls.flatMap { [$0.a, $0.b] }), (0..<layer.file.geometryCount).filter { !details[$0].meetsOthers })
        #expect(!alone.isEmpty && meeting.allSatisfy { details[$0].meetsOthers } && meeting.isDisjoint(with: alone))
        // Both ways are gone: some are rounded alone, others together.
        #expect(meeting.contains { details[$0].apartZoom <= 16 } && meeting.contains { details[$0].apartZoom > 16 })
        let pairs = Dictionary(grouping: walls) { [$0.a, $0.b] }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
        var compared = 0
        for zoom in [12, 13, 14, 15, 16, 18] {
            for tile in tiles(layer.file, zoom).prefix(3) {
                do {
                    let text = "seed \(seed), \(tile)"
                    let bytes = try TileDrawer().draw(layer.source, MapTile(tile), TilePolicy(), Deadline(seconds: nil)).bytes
                    // What is shown by its share of area has no attributes.
                    var figures: [Int: Figure] = [:]
                    let unit = Double(tile.side) / 4096
                    for feature in try DecodedTile(bytes).layers.first?.features ?? [] where feature.attributes["row"] != nil {
                        let row = try #require(try layer.file.row(number: UInt64(feature.id!)))
                        // Nor are those this small put on the grid together.
                        if Double(details[row].area) < 4 * unit * unit { continue }
                        figures[row] = try feature.figure(context)
                        #expect(try figures[row]!.native.isValid(), "\(text)")
                    }
                    let rows = figures.keys.sorted()
                    let sum = try rows.reduce(0.0) { $0 + (try figures[$1]!.native.area()) }
                    let together = try Figure.union(rows.map { figures[$0]! }, context)
                    #expect(abs(sum - (try together.native.area())) < 1e-6, "\(text): they lie over each other")
                    // Farther out a house may be a line where it is narrow.
                    for ofPair in zoom >= 14 ? pairs : [] {
                        guard let a = figures[ofPair[0].a], let b = figures[ofPair[0].b] else { continue }
                        func snapped(_ place: Place) -> SIMD2<Double> {
                            SIMD2(
                                ((Double(Int64(place.x) - tile.minX) + unit / 2) / unit).rounded(.down),
                                ((Double(Int64(place.y) - tile.minY) + unit / 2) / unit).rounded(.down))
                        }
                        var length = 0.0
                        for wall in ofPair {
                            let (from, to) = (snapped(wall.from), snapped(wall.to))
                            let isInside = [from.x, from.y, to.x, to.y].allSatisfy { (0...4096).contains($0) }
                            if isInside { length += ((to - from) * (to - from)).sum().squareRoot() }
                        }
                        let common = try a.native.intersection(b.native).length()
                        #expect(common >= length - 1e-6, "\(text): rows \(ofPair[0].a) and \(ofPair[0].b)")
                        compared += 1
                    }
                }
            }
        }
        #expect(compared > 50)
    }

    /// The tiles of a zoom that the layer lies in.
    private func tiles(_ file: LayerFile, _ zoom: Int) -> [TileCoordinate] {
        guard let extent = file.extent else { return [] }
        let northWest = WebMercator.project(longitude: extent.minX, latitude: extent.maxY)
        let southEast = WebMercator.project(longitude: extent.maxX, latitude: extent.minY)
        func index(_ units: Int32) -> Int { Int((Int64(units) + 1 << 31) >> (32 - Int64(zoom))) }
        return (index(northWest.y)...index(southEast.y)).flatMap { row in
            (index(northWest.x)...index(southEast.x)).map { TileCoordinate(zoom: zoom, column: $0, row: row)! }
        }
    }
}
