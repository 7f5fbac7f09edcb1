import Geo
import TestKit
import Testing

@testable import Tiles

/// Vertices that lie exactly straight between their neighbours on the grid say nothing: they are left out where nobody shares them.
@Suite struct StraightVertexTests {
    let witness = Witness()
    let tile = TileCoordinate(zoom: 14, column: 14552, row: 6451)!

    private func draw(_ shape: WorldShape, keepsStraight: Bool = false, isInside: Bool = false) throws -> DecodedTile.Feature {
        var encoder = TileEncoder()
        encoder.start(MapTile(tile), layer: "t", keys: [], keepsStraight: keepsStraight)
        if encoder.draw(shape.shape, id: 1, isInside: isInside) { encoder.endFeature() }
        return try #require(try DecodedTile(encoder.finish()).layers.first?.features.first)
    }

    private func draw(safe ring: [RandomShapes.Place], reversed: Bool, keepsStraight: Bool = false) throws -> DecodedTile.Feature {
        let vertices = (reversed ? ring.reversed() : ring).map { WorldShape.vertex($0.x, $0.y, in: tile) }
        let source = WorldShape(.polygon, [[vertices]])
        var encoder = TileEncoder()
        encoder.start(MapTile(tile), layer: "t", keys: [], keepsStraight: keepsStraight)
        withExtendedLifetime(source) { encoder.draw(safeRing: source.shape.mercator, isClockwise: !reversed, id: 1) }
        encoder.endFeature()
        return try #require(try DecodedTile(encoder.finish()).layers.first?.features.first)
    }

    private func figure(_ rings: [[DecodedTile.Place]]) -> Witness.Figure {
        witness.polygons([rings.map { $0.map { (Double($0.x), Double($0.y)) } }])
    }

    /// Whether `b` lies on the segment between its neighbours.
    private func isStraight(_ a: DecodedTile.Place, _ b: DecodedTile.Place, _ c: DecodedTile.Place) -> Bool {
        let (x, y, u, v) = (b.x - a.x, b.y - a.y, c.x - b.x, c.y - b.y)
        return x * v == y * u && x * u + y * v > 0
    }

    private func straightVertices(_ ring: [DecodedTile.Place]) -> Int {
        ring.indices.count { isStraight(ring[($0 + ring.count - 1) % ring.count], ring[$0], ring[($0 + 1) % ring.count]) }
    }

    /// A convex polygon in the tile, clockwise on the map, with places of the grid that lie on its sides added, begun anywhere.
    private func crowded(_ shapes: inout RandomShapes) -> (ring: [RandomShapes.Place], corners: Int) {
        let corners: [(x: Int, y: Int)] = [
            [(1000, 1000), (1090, 1000), (1090, 1060), (1000, 1060)], [(1000, 1000), (1012, 1004), (1008, 1020)],
            [(500, 40), (800, 340), (500, 640), (200, 340)], [(300, 300), (310, 300), (340, 330), (340, 345), (325, 360), (300, 360)],
        ][shapes.whole(0...3)]
        var ring: [RandomShapes.Place] = []
        for (from, to) in zip(corners, corners.dropFirst() + corners.prefix(1)) {
            ring.append((Double(from.x), Double(from.y)))
            let (width, height) = (to.x - from.x, to.y - from.y)
            let steps = (1...300).last { width % $0 == 0 && height % $0 == 0 }!
            for step in 1..<max(2, steps) where step < steps && shapes.whole(0...2) == 0 {
                ring.append((Double(from.x + width / steps * step), Double(from.y + height / steps * step)))
            }
        }
        let start = shapes.whole(0...ring.count - 1)
        return (Array(ring[start...] + ring[..<start]), corners.count)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `a ring keeps its corners and loses what lies straight between them, wherever it begins`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let (ring, corners) = crowded(&shapes)
        let vertices = ring.map { WorldShape.vertex($0.x, $0.y, in: tile) }
        let source = witness.polygons([[ring]])
        let whole = WorldShape(.polygon, [[vertices]])
        for feature in [
            try draw(whole), try draw(whole, isInside: true), try draw(safe: ring, reversed: false), try draw(safe: ring, reversed: true),
        ] {
            let drawn = try #require(feature.polygons.first)
            #expect(feature.polygons.count == 1 && drawn.count == 1 && drawn[0].count == corners, "seed \(seed)")
            #expect(straightVertices(drawn[0]) == 0, "seed \(seed)")
            #expect(figure(drawn).area == source.area && figure(drawn).intersection(source).area == source.area, "seed \(seed)")
        }
        // Where a neighbour may turn at such a vertex, it stays.
        for feature in [try draw(whole, keepsStraight: true), try draw(safe: ring, reversed: seed % 2 == 0, keepsStraight: true)] {
            #expect(feature.paths[0].count == ring.count, "seed \(seed)")
            #expect(Set(feature.paths[0].map { [$0.x, $0.y] }) == Set(ring.map { [Int($0.x), Int($0.y)] }), "seed \(seed)")
        }
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `a polygon without them covers the same, holes and cut edges included`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        // Few places to choose from, so that many lie in a row.
        let coarse = [8.0, 32, 128][shapes.whole(0...2)]
        let centre: RandomShapes.Place = seed % 2 == 0 ? (2048, 2048) : (0, 2048)
        let rings = shapes.polygon(centre: centre, size: 300).map { ring in
            ring.map { WorldShape.vertex(($0.x / coarse).rounded() * coarse, ($0.y / coarse).rounded() * coarse, in: tile) }
        }
        let source = WorldShape(.polygon, [rings])
        let all = try draw(source, keepsStraight: true).polygons
        let few = try draw(source).polygons
        let (before, after) = (
            witness.polygons(all.map { $0.map { $0.map { (Double($0.x), Double($0.y)) } } }),
            witness.polygons(few.map { $0.map { $0.map { (Double($0.x), Double($0.y)) } } })
        )
        #expect(after.invalidity == nil && after.area == before.area, "seed \(seed)")
        for (all, few) in zip(all.joined(), few.joined()) {
            #expect(few.count >= 3 && straightVertices(few) == 0, "seed \(seed)")
            #expect(few.count == all.count - straightVertices(all), "seed \(seed)")
            #expect(Set(few).isSubset(of: Set(all)), "seed \(seed)")
        }
        #expect(all.map(\.count) == few.map(\.count), "seed \(seed)")
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `a line keeps its ends and the places where it turns round`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        var places: [SIMD2<Int>] = [SIMD2(1000, 1000)]
        for _ in 0..<shapes.whole(1...40) {
            let step = SIMD2(shapes.whole(-1...1), shapes.whole(-1...1))
            places.append(places[places.count - 1] &+ (step == .zero ? SIMD2(1, 0) : step))
        }
        let source = WorldShape(.lineString, [[places.map { WorldShape.vertex(Double($0.x), Double($0.y), in: tile) }]])
        let line = try draw(source, isInside: seed % 2 == 0).paths[0]
        // The slow way: a place stays where the way before it and the way after it differ.
        let expected = places.indices.filter { i in
            i == 0 || i == places.count - 1 || places[i] &- places[i - 1] != places[i + 1] &- places[i]
        }
        #expect(line.map { [$0.x, $0.y] } == expected.map { [places[$0].x, places[$0].y] }, "seed \(seed)")
        let whole = try draw(source, keepsStraight: true).paths[0]
        #expect(whole.map { [$0.x, $0.y] } == places.map { [$0.x, $0.y] }, "seed \(seed)")
    }
}
