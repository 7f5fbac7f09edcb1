import Foundation
import Geo
import TestKit
import Testing

@testable import Tiles

/// Polygons thinner than the grid: of each rounding makes nothing or too much, of all together they must be what they are.
@Suite struct ThinPolygonTests {
    private typealias Place = RandomShapes.Place
    private let tile = TileCoordinate(zoom: 10, column: 900, row: 400)!
    private let witness = Witness()

    private func shape(_ ring: [Place]) -> WorldShape { WorldShape(.polygon, [[ring.map { WorldShape.vertex($0.x, $0.y, in: tile) }]]) }

    /// What is drawn of each: polygons, their rings, their vertices; none where nothing is.
    private func polygons(_ encoder: inout TileEncoder, _ count: Int) throws -> [[[[Place]]]] {
        let features = try DecodedTile(encoder.finish()).layers.first?.features ?? []
        return (0..<count).map { place in
            features.first { $0.id == UInt64(place + 1) }.map { $0.polygons.map { $0.map { $0.map { (Double($0.x), Double($0.y)) } } } }
                ?? []
        }
    }

    /// Each rounded by itself.
    private func drawn(_ rings: [[Place]]) throws -> [[[[Place]]]] {
        var encoder = TileEncoder()
        encoder.start(tile, layer: "t", keys: [])
        let shapes = rings.map { shape($0) }
        for (place, shape) in shapes.enumerated() where encoder.draw(shape.shape, id: UInt64(place + 1)) { encoder.endFeature() }
        return try polygons(&encoder, rings.count)
    }

    /// All rounded together.
    private func arranged(_ rings: [[Place]]) throws -> [[[[Place]]]] {
        var encoder = TileEncoder()
        encoder.start(MapTile(tile), layer: "t", keys: [], keepsStraight: true)
        let shapes = rings.map { shape($0) }
        let owners = shapes.map { encoder.gather($0.shape, levels: nil, rank: 1, isInside: false) }
        encoder.arrangeGathered()
        for (place, shape) in shapes.enumerated() where encoder.draw(shape.shape, id: UInt64(place + 1), owner: owners[place]) {
            encoder.endFeature()
        }
        return try polygons(&encoder, rings.count)
    }

    private func area(_ ring: [Place]) -> Double {
        var area = 0.0
        for (a, b) in zip(ring, ring.dropFirst() + ring.prefix(1)) { area += a.x * b.y - a.y * b.x }
        return abs(area) / 2
    }

    @Test(arguments: 0..<10 as Range<UInt64>, [0.05, 0.2, 0.5, 0.8])
    func `slivers are drawn with the area that they have together`(seed: UInt64, width: Double) throws {
        var shapes = RandomShapes(seed: seed)
        let rings = (0..<300).map { _ in
            let (x, y) = (shapes.number(500...3500), shapes.number(500...3500))
            let (dx, dy) = (shapes.number(-200...200), shapes.number(-200...200))
            let length = (dx * dx + dy * dy).squareRoot()
            let (nx, ny) = (-dy / length * width, dx / length * width)
            return [(x, y), (x + dx, y + dy), (x + dx + nx, y + dy + ny), (x + nx, y + ny)]
        }
        let figures = try drawn(rings).map { witness.polygons($0) }
        let truth = rings.reduce(0) { $0 + area($1) }
        var total = 0.0
        for figure in figures {
            #expect(figure.invalidity == nil && figure.area > 0)
            total += figure.area
        }
        #expect(abs(total / truth - 1) < 0.05, "seed \(seed): \(total) of \(truth)")
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `what stands for a thin polygon that bends lies along it`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        // Two arms, a tenth of a unit wide.
        let (x, y) = (shapes.number(1000...3000), shapes.number(1000...3000))
        let (ax, ay) = (shapes.number(-300...300), shapes.number(100...300))
        let (bx, by) = (shapes.number(-300...300), shapes.number(100...300))
        let ring = [(x, y), (x + ax, y + ay), (x + ax + 0.1, y + ay), (x + 0.1, y + 0.1), (x + bx + 0.1, y - by), (x + bx, y - by)]
        let arms = witness.lines([[(x, y), (x + ax, y + ay)], [(x, y), (x + bx, y - by)]])
        for polygons in [try drawn([ring])[0], try arranged([ring])[0]] {
            #expect(!polygons.isEmpty && witness.polygons(polygons).invalidity == nil)
            for (x, y) in polygons.flatMap({ $0.flatMap { $0 } }) {
                #expect(arms.distance(x: x, y: y) < 8 + 2.5, "seed \(seed): \(x) \(y)")
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `what stands for a thorn that reaches into the tile from outside lies along it, not along the edge`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        // From a large square to the west, across the buffer's edge.
        let (foot, tip) = (shapes.number(100...4000), shapes.number(-500...4500))
        let ring = [(-6000.0, -6000.0), (-3000, -6000), (-3000, foot), (2500, tip), (-3000, foot + 0.2), (-3000, 6000), (-6000, 6000)]
        let thorn = witness.lines([[(-3000, foot), (2500, tip)]])
        for polygons in [try drawn([ring])[0], try arranged([ring])[0]] {
            #expect(!polygons.isEmpty)
            for (x, y) in polygons.flatMap({ $0.flatMap { $0 } }) {
                #expect(thorn.distance(x: x, y: y) < 8 + 2.5, "seed \(seed): \(x) \(y)")
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a small square with a long thorn stays where it is`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let (x, y, size) = (shapes.number(1000...2000), shapes.number(1000...2000), shapes.number(3...6))
        let ring = [
            (x, y), (x + size, y), (x + size, y + size / 2), (x + shapes.number(200...900), y + shapes.number(0...100)),
            (x + size, y + size / 2 + 0.02), (x + size, y + size), (x, y + size),
        ]
        for polygons in [try drawn([ring])[0], try arranged([ring])[0]] {
            let square = witness.polygons([[[(x, y), (x + size, y), (x + size, y + size), (x, y + size)]]])
            #expect(square.intersection(witness.polygons(polygons)).area > square.area / 2, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `wedges around a place leave no gap and lie over none, however thin`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let centre: Place = (shapes.number(500...3500), shapes.number(500...3500))
        // Some reach beyond the tile, where they are less than a world unit wide.
        let radius = shapes.number(200...6000)
        let angles = (0..<240).map { _ in shapes.number(0...(2 * .pi)) }.sorted()
        let rim = angles.map { (centre.x + radius * cos($0), centre.y + radius * sin($0)) }
        let rings = rim.indices.map { [centre, rim[$0], rim[($0 + 1) % rim.count]] }
        let all = try arranged(rings).filter { !$0.isEmpty }.map { witness.polygons($0) }
        #expect(all.count > 100)
        let together = all.dropFirst().reduce(all[0]) { $0.union($1) }
        let total = all.reduce(0) { $0 + $1.area }
        #expect(abs(total - together.area) < 1e-6, "seed \(seed): \(total - together.area) lie over others")
        #expect(together.holeCount == 0, "seed \(seed)")
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `thin bands beside each other have the area that they have, and none lies over another`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        // A river between its banks, with a vertex every two units.
        let width = shapes.number(0.3...0.8)
        let (slope, swing, wave) = (shapes.number(-1...1), shapes.number(2...12), shapes.number(20...60))
        let borders = (0..<5).map { border in
            (0..<300).map { step -> Place in
                let x = 1000 + 2 * Double(step)
                return (x, 2000 + slope * (x - 1000) + swing * cos(x / wave) + Double(border) * width)
            }
        }
        let rings = (0..<4).map { borders[$0] + borders[$0 + 1].reversed() }
        let all = try arranged(rings).map { witness.polygons($0) }
        let truth = rings.reduce(0) { $0 + area($1) }
        let total = all.reduce(0) { $0 + $1.area }
        #expect(abs(total / truth - 1) < 0.15, "seed \(seed): \(total) of \(truth)")
        for (i, figure) in all.enumerated() {
            #expect(figure.invalidity == nil, "seed \(seed)")
            for other in all[..<i] { #expect(figure.intersection(other).area == 0, "seed \(seed)") }
        }
    }
}
