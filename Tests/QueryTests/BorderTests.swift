import Foundation
import Geo
import GeoNative
import LayerStore
import TestKit
import Testing
import Tiles

@testable import Query

/// A geometry of GEOS that can be kept in an array.
final class Figure {
    let native: NativeGeometry

    init(_ native: consuming NativeGeometry) { self.native = native }

    static func union(_ figures: [Figure], _ context: GEOSContext) throws -> Figure {
        try figures.reduce(Figure(NativeGeometry(.multiPolygon([]), in: context))) { Figure(try $0.native.union($1.native)) }
    }
}

/// A layer of areas that share their borders, sealed with or without ranks.
struct BorderLayer {
    let folder: TemporaryFolder
    let file: LayerFile
    let source: RowSource

    /// - Parameter isHazard: the rank is the class, and graver classes win.
    init(_ features: [(geometry: Geometry, rank: Int)], isHazard: Bool, previous: LayerFile? = nil) throws {
        folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(
            settings: .init(
                attributes: [Attribute(name: "rank", type: .integer)],
                hazard: isHazard
                    ? HazardRanks(column: 0) { value in if case .integer(let rank) = value { UInt8(rank) } else { nil } } : nil),
            scratch: scratch.url)
        for (i, feature) in features.enumerated() {
            builder.set(0, integer: Int64(feature.rank))
            var stored = feature.geometry
            stored.roundToStorage()
            try builder.endFeature(geometry: stored, sourceRow: UInt64(i))
        }
        let summary = try builder.seal(as: folder.path("a.layer"), identity: Identity(previous: previous), facts: LayerFacts())
        #expect(summary.outlines == .done)
        file = try LayerFile.open(folder.path("a.layer"))
        source = RowSource(layer: "t", file: file, columns: [0])
    }

    /// World units become degrees that are rounded to the same units again, or to a neighbour: the same place for all that share it.
    init(_ map: PlanarMap, isHazard: Bool, previous: LayerFile? = nil) throws {
        try self.init(
            map.areas.map { area in
                let polygons = area.polygons.map { polygon in
                    polygon.enumerated().map { number, ring in
                        let places = ring.map { WebMercator.unproject(x: Double($0.x), y: Double($0.y)) }
                        // Clockwise with y growing south; stored shells run the other way (RFC 7946, 3.1.6).
                        return Array(places.reversed())
                    }
                }
                return (.multiPolygon(polygons), area.rank)
            }, isHazard: isHazard, previous: previous)
    }

    func draw(_ tile: TileCoordinate, _ policy: TilePolicy) throws -> [DecodedTile.Feature] {
        let drawn = try TileDrawer().draw(source, MapTile(tile), policy, Deadline(seconds: nil))
        #expect(drawn.leftOut == 0)
        return try DecodedTile(drawn.bytes).layers.first?.features ?? []
    }

    /// The tiles of a zoom that the layer lies in.
    func tiles(_ zoom: Int) -> [TileCoordinate] {
        guard let extent = file.extent else { return [] }
        let northWest = WebMercator.project(longitude: extent.minX, latitude: extent.maxY)
        let southEast = WebMercator.project(longitude: extent.maxX, latitude: extent.minY)
        func index(_ units: Int32) -> Int { Int((Int64(units) + 1 << 31) >> (32 - Int64(zoom))) }
        return (index(northWest.y)...index(southEast.y)).flatMap { row in
            (index(northWest.x)...index(southEast.x)).map { TileCoordinate(zoom: zoom, column: $0, row: row)! }
        }
    }

    /// What a row is in truth, in the grid units of a tile.
    func truth(_ row: Int, _ tile: TileCoordinate, _ context: GEOSContext) throws -> Figure {
        let shape = try file.shape(row)
        var geometry = Geometry(kind: .multiPolygon)
        let unit = Double(tile.side) / 4096
        for i in 0..<shape.vertexCount {
            geometry.coordinates.append(Double(Int64(shape.mercator[2 * i]) - tile.minX) / unit)
            geometry.coordinates.append(Double(Int64(shape.mercator[2 * i + 1]) - tile.minY) / unit)
        }
        geometry.ringEnds = shape.ringEnds.map { Int($0) }
        geometry.partEnds = shape.partEnds.map { Int($0) }
        return Figure(try NativeGeometry(geometry, in: context))
    }
}

extension DecodedTile.Feature {
    /// In grid units.
    func figure(_ context: GEOSContext) throws -> Figure {
        Figure(
            try NativeGeometry(
                .multiPolygon(polygons.map { $0.map { ring in (ring + ring.prefix(1)).map { Point(x: Double($0.x), y: Double($0.y)) } } }),
                in: context))
    }

    var rank: Int { if case .integer(let rank)? = attributes["rank"] { Int(rank) } else { 0 } }
}

@Suite struct BorderTests {
    private static let box = Envelope(minX: 0, minY: 0, maxX: 4096, maxY: 4096)

    private func map(_ seed: UInt64, hasGaps: Bool) -> PlanarMap {
        var generator = SeededGenerator(seed: seed)
        return PlanarMap(
            side: 24, spacing: 1 << 12, origin: [1_666_000_000, -430_000_000], kinds: Int.random(in: 3...9, using: &generator), ranks: 3,
            hasGaps: hasGaps, using: &generator)
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `a hazard is drawn over all that it is in truth, each class over its own and the graver ones`(seed: UInt64) throws {
        let context = GEOSContext()
        let layer = try BorderLayer(map(seed, hasGaps: true), isHazard: true)
        let ranks = try (0..<layer.file.geometryCount).map { row -> Int in
            if case .integer(let rank) = try layer.file.columns[0].attributeValue(row) { Int(rank) } else { 0 }
        }
        var compared = 0
        for zoom in [8, 10, 12, 13, 16] {
            // All of the far ones, some of the near.
            for tile in layer.tiles(zoom).prefix(6) {
                let features = try layer.draw(tile, TilePolicy(coversAll: true, classAttribute: "rank"))
                let drawn = try features.map { try $0.figure(context) }
                for shape in drawn { #expect(try shape.native.isValid()) }
                for rank in 1...3 {
                    let rows = ranks.indices.filter { ranks[$0] >= rank }
                    let truth = try Figure.union(
                        rows.map { Figure(try layer.truth($0, tile, context).native.clipped(to: Self.box)) }, context)
                    let shown = try Figure.union(features.indices.filter { features[$0].rank >= rank }.map { drawn[$0] }, context)
                    let missing = try truth.native.difference(shown.native).area()
                    // Where the tile's edge cuts, a crossing is rounded to a world unit.
                    #expect(missing <= 1e-3 * Double(1 << max(0, zoom - 10)), "seed \(seed), \(tile), rank \(rank)")
                    // Two units of simplification, one of margin and rounding along each axis.
                    let (grown, exact) = (
                        try shown.native.intersection(NativeGeometry(Self.box, in: context)).area(), try truth.native.area()
                    )
                    #expect(grown <= exact + 4 * (try truth.native.length()) + 200, "seed \(seed), \(tile), rank \(rank)")
                    if exact > 0 { compared += 1 }
                }
                // Nothing lies over another in the source, so nothing does here.
                let (sum, covered) = (try drawn.reduce(0.0) { $0 + (try $1.native.area()) }, try Figure.union(drawn, context).native.area())
                #expect(abs(sum - covered) < 1e-6, "seed \(seed), \(tile)")
            }
        }
        #expect(compared > 20)
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `neighbours that share a border in the source share it in the tile`(seed: UInt64) throws {
        let context = GEOSContext()
        let layer = try BorderLayer(map(seed, hasGaps: false), isHazard: false)
        for zoom in [8, 9, 10, 11, 12, 14, 16] {
            for tile in layer.tiles(zoom).prefix(4) {
                let drawn = try layer.draw(tile, TilePolicy()).map { try $0.figure(context) }
                for shape in drawn { #expect(try shape.native.isValid()) }
                let sum = try drawn.reduce(0.0) { $0 + (try $1.native.area()) }
                let together = try Figure.union(drawn, context).native.geometry()
                let covered = try NativeGeometry(together, in: context).area()
                #expect(abs(sum - covered) < 1e-6, "seed \(seed), \(tile): they lie over each other")
                // Gaps: holes in what all of them cover.
                var gaps = 0.0
                for part in together.partEnds.indices {
                    for ring in together.rings(ofPart: part).dropFirst() {
                        let places = together.vertices(ofRing: ring).map { together.vertex($0) }
                        var doubled = 0.0
                        for (a, b) in zip(places, places.dropFirst()) { doubled += a.x * b.y - b.x * a.y }
                        gaps += abs(doubled) / 2
                    }
                }
                #expect(gaps == 0, "seed \(seed), \(tile): \(gaps)")
            }
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `a graver zone that lies on a lesser one takes nothing from it, one beside it shares the border`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func square(_ x: Double, _ y: Double, _ side: Double) -> Geometry {
            .multiPolygon([[[(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)].map { Point(x: $0.0, y: $0.1) }]])
        }
        let jitter = { Double.random(in: 0...1e-4, using: &generator) }
        let (x, y) = (138.8 + jitter(), 35.1 + jitter())
        // Yellow with red on it, as landslide zones are; and beside it one that ends where the yellow one does.
        let layer = try BorderLayer(
            [(square(x, y, 0.01), 1), (square(x + 0.003 + jitter(), y + 0.003 + jitter(), 0.004), 2), (square(x + 0.01, y, 0.01), 2)],
            isHazard: true)
        let context = GEOSContext()
        for zoom in [11, 13, 15] {
            for tile in layer.tiles(zoom) {
                let features = try layer.draw(tile, TilePolicy(coversAll: true, classAttribute: "rank"))
                let drawn = try features.map { try $0.figure(context) }
                let truths = try features.map { feature in
                    let row = try #require(try layer.file.row(number: UInt64(feature.id!)))
                    return Figure(try layer.truth(row, tile, context).native.clipped(to: Self.box))
                }
                for (place, feature) in features.enumerated() {
                    // The yellow one loses at most a strip to its neighbour; the red ones cover all they are.
                    let lost = try truths[place].native.difference(drawn[place].native).area()
                    let most = feature.rank == 1 ? 1.5 * (try truths[place].native.length()) / 4 + 4 : 0.01
                    #expect(lost <= most, "seed \(seed), \(tile), rank \(feature.rank)")
                    for other in features.indices.dropFirst(place + 1)
                    where try truths[place].native.intersection(truths[other].native).area() == 0 {
                        #expect(try drawn[place].native.intersection(drawn[other].native).area() == 0, "seed \(seed), \(tile)")
                    }
                }
            }
        }
    }

    @Test func `far tiles carry few vertices, and with nothing thinned all that the grid tells apart`() throws {
        let layer = try BorderLayer(map(3, hasGaps: false), isHazard: false)
        func vertices(_ zoom: Int, _ policy: TilePolicy) throws -> Int {
            try layer.tiles(zoom).reduce(0) { $0 + (try layer.draw($1, policy)).reduce(0) { $0 + $1.paths.reduce(0) { $0 + $1.count } } }
        }
        // Areas of some 250 square units keep their corners.
        #expect(try 3 * vertices(10, TilePolicy()) < 2 * vertices(10, TilePolicy(thins: false)))
        #expect(try vertices(16, TilePolicy()) == vertices(16, TilePolicy(thins: false)))
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `tiles that meet no change are drawn alike, although neighbours of what changed keep other vertices`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let before = PlanarMap(
            side: 30, spacing: 1 << 14, origin: [1_666_000_000, -430_000_000], kinds: 50, ranks: 3, hasGaps: true, using: &generator)
        var after = before
        // One area goes, and with it junctions on the borders of others.
        after.areas.remove(at: after.areas.count / 2)
        for isHazard in [false, true] {
            let old = try BorderLayer(before, isHazard: isHazard)
            let new = try BorderLayer(after, isHazard: isHazard, previous: old.file)
            let changes = try #require(try new.file.drawnChanges(since: old.file, limit: 1000) {})
            let step = TileHistory.Step(base: "1", boxes: changes)
            let history = TileHistory()
            history.add(step, of: "t", "2")
            var same = 0
            for tile in [8, 12, 13, 14, 15].flatMap({ old.tiles($0) }) {
                let policy = TilePolicy(coversAll: isHazard, classAttribute: "rank")
                guard history.lastChange(of: "t", "2", MapTile(tile)) == "1" else { continue }
                same += 1
                let drawn = try [old, new].map { try TileDrawer().draw($0.source, MapTile(tile), policy, Deadline(seconds: nil)) }
                #expect(drawn[0] == drawn[1], "seed \(seed), \(tile)")
            }
            #expect(same > 0)
        }
    }

    @Test(arguments: [6, 9, 11, 13, 15])
    func `WorldCRS84Quad leaves out the same vertices as the zoom that is as wide`(zoom: Int) throws {
        let layer = try BorderLayer(map(5, hasGaps: false), isHazard: false)
        let context = GEOSContext()
        let extent = try #require(layer.file.extent)
        let side = 180 / Double(1 << zoom)
        var (drawn, sum) = ([Figure](), 0.0)
        let tile = try #require(
            MapTile(.worldCRS84Quad, zoom: zoom, column: Int((extent.centre.x + 180) / side), row: Int((90 - extent.centre.y) / side)))
        let bytes = try TileDrawer().draw(layer.source, tile, TilePolicy(), Deadline(seconds: nil)).bytes
        for feature in try DecodedTile(bytes).layers[0].features {
            let figure = try feature.figure(context)
            #expect(try figure.native.isValid())
            sum += try figure.native.area()
            drawn.append(figure)
        }
        #expect(abs(sum - (try Figure.union(drawn, context).native.area())) < 1e-6)
    }
}
