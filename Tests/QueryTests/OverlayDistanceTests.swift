import Geo
import GeoNative
import LayerStore
import TestKit
import Testing

@testable import Query

/// Metres between two geometries, found the slow way: every end of every edge against every edge of the other, the nearest place sought by thirds.
private func slowDistance(_ a: Geometry, _ b: Geometry, _ context: GEOSContext) throws -> Double {
    if try NativeGeometry(a, in: context).intersects(NativeGeometry(b, in: context)) { return 0 }
    var best = Double.infinity
    for (from, to) in [(a, b), (b, a)] {
        for vertex in 0..<from.vertexCount {
            for ring in to.ringEnds.indices {
                let range = to.vertices(ofRing: ring)
                if range.count == 1 { best = min(best, Ellipsoid.distance(from.vertex(vertex), to.vertex(range.lowerBound))) }
                for i in range.dropFirst() { best = min(best, thirds(from.vertex(vertex), to.vertex(i - 1), to.vertex(i))) }
            }
        }
    }
    return best
}

private func thirds(_ place: Point, _ a: Point, _ b: Point) -> Double {
    var (low, high) = (0.0, 1.0)
    func at(_ share: Double) -> Double { Ellipsoid.distance(place, Point(x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y))) }
    for _ in 0..<60 {
        let (left, right) = (low + (high - low) / 3, high - (high - low) / 3)
        if at(left) < at(right) { high = right } else { low = left }
    }
    return min(at(low), at(0), at(1))
}

@Suite struct OverlayDistanceTests {
    let never = Deadline(seconds: nil)

    /// Few vertices, so that the slow way ends.
    static func small(_ generator: inout SeededGenerator, spread: Double, size: Double) -> Geometry {
        let low = Point(
            x: 139.5 + Double.random(in: 0..<spread, using: &generator), y: 35.5 + Double.random(in: 0..<spread, using: &generator))
        func near() -> Point {
            Point(
                x: low.x + Double.random(in: -size..<size, using: &generator), y: low.y + Double.random(in: -size..<size, using: &generator)
            )
        }
        var result: Geometry
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: result = .point(low.x, low.y)
        case 1: result = .lineString([low, near(), near()])
        default: result = .polygon([RandomGeometry().ring(centre: low, radius: size, vertices: 4, using: &generator)])
        }
        result.roundToStorage()
        return result
    }

    @Test(arguments: [(0.001, 0.0005), (0.01, 0.001), (0.1, 0.01), (0.1, 0.05), (1, 0.1), (5, 1)], 0..<3 as Range<UInt64>)
    func `distances are right to a millimetre, or a ten millionth`(scale: (spread: Double, size: Double), seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let context = GEOSContext()
        for _ in 0..<12 {
            let a = OverlayDistanceTests.small(&generator, spread: scale.spread, size: scale.size)
            let b = OverlayDistanceTests.small(&generator, spread: scale.spread, size: scale.size)
            let exact = try slowDistance(a, b, context)
            let found = try #require(Outline(a).distance(to: Outline(b), atMost: 1e7, DistanceScratch()))
            #expect(abs(found - exact) < max(1e-3, 1e-7 * exact))
            #expect(found >= exact - 1e-6)
            if exact > 0 {
                #expect(Outline(a).distance(to: Outline(b), atMost: exact * 0.999_999, DistanceScratch()) == nil)
                #expect(Outline(a).distance(to: Outline(b), atMost: exact * 1.000_001 + 1e-6, DistanceScratch()) != nil)
            }
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `between large outlines the distance is that of all pairs of edges`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let apart = [0.0, 0.011, 0.03, 0.2][Int(seed)]
        func ring(_ x: Double, _ vertices: Int) -> Outline {
            let outline = Outline(
                .polygon([RandomGeometry().ring(centre: Point(x: x, y: 35.6), radius: 0.01, vertices: vertices, using: &generator)]))
            outline.prepare()
            return outline
        }
        let (a, b) = (ring(139.6, 160), ring(139.6 + apart + 0.008, 140))
        let found = a.distance(to: b, atMost: 1e6, DistanceScratch()) ?? .infinity
        var all = Double.infinity
        if a.meets(b, MeetScratch()) {
            all = 0
        } else {
            for (from, to) in [(a, b), (b, a)] {
                for vertex in 0..<from.vertexCount {
                    let place = Point(x: from.x(vertex), y: from.y(vertex))
                    for edge in to.edges(ofRing: 0) {
                        let (start, end) = (Point(x: to.x(edge), y: to.y(edge)), Point(x: to.x(edge + 1), y: to.y(edge + 1)))
                        all = min(all, Outline.measure(place, toEdge: start, end))
                    }
                }
            }
        }
        #expect(abs(found - all) < 1e-4)
        if all > 0 { #expect(a.distance(to: b, atMost: all * 0.9999, DistanceScratch()) == nil) }
    }

    @Test func `the antimeridian is no border`() {
        let (east, west) = (Outline(.point(179.9995, 10)), Outline(.point(-179.9995, 10)))
        let metres = Ellipsoid.distance(Point(x: 179.9995, y: 10), Point(x: -179.9995, y: 10))
        #expect(metres < 200)
        #expect(abs((east.distance(to: west, atMost: 500, shift: 360, DistanceScratch()) ?? .infinity) - metres) < 1e-3)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `features within a distance and the nearest ones are those of the slow way`(seed: UInt64) throws {
        let target = try SampleLayer(count: 50, seed: 100 + 2 * seed) { OverlayDistanceTests.small(&$0, spread: 0.05, size: 0.002) }
        let overlay = try SampleLayer(count: 45, seed: 101 + 2 * seed) { OverlayDistanceTests.small(&$0, spread: 0.05, size: 0.002) }
        let context = GEOSContext()
        var distances: [(target: Int, overlay: Int, metres: Double)] = []
        for (t, a) in target.geometries.enumerated() {
            for (o, b) in overlay.geometries.enumerated() {
                if let a, let b { distances.append((t, o, try slowDistance(a, b, context))) }
            }
        }
        let witness = OverlayWitness(target, overlay)
        let figures: [OverlayRequest.Aggregate] = [.count, .distinct(.init(.overlay, "name")), .sum(.init(.overlay, "height"))]
        let grouping: [OverlayRequest.Property] = [.init(.target, "storeys"), .init(.overlay, "usage")]
        for metres in [0.0, 35, 400, 2500] {
            let request = OverlayRequest(relation: .distance(metres), groupBy: grouping, aggregates: figures)
            let pairs = distances.filter { $0.metres <= metres }.map { (target: $0.target, overlay: $0.overlay) }
            let result = try target.publicSource.overlay(overlay.publicSource, request, deadline: never)
            #expect(OverlayWitness.agree(result.rows, try witness.table(request, pairs)))
        }
        for (count, limit) in [(1, nil), (3, nil), (3, 900.0), (60, nil)] as [(Int, Double?)] {
            let request = OverlayRequest(relation: .nearest(count, within: limit), groupBy: grouping, aggregates: figures)
            var pairs: [(target: Int, overlay: Int)] = []
            for (t, geometry) in target.geometries.enumerated() where geometry != nil {
                let near = try distances.filter { $0.target == t && $0.metres <= limit ?? .infinity }.sorted {
                    try $0.metres != $1.metres ? $0.metres < $1.metres : overlay.file.number($0.overlay) < overlay.file.number($1.overlay)
                }
                for item in near.prefix(count) { pairs.append((t, item.overlay)) }
            }
            let result = try target.publicSource.overlay(overlay.publicSource, request, deadline: never)
            #expect(OverlayWitness.agree(result.rows, try witness.table(request, pairs)))
        }
    }

    @Test func `equally near features come in the order of their ids`() throws {
        var places = [(139.5, 35.5), (139.501, 35.5), (139.499, 35.5), (139.501, 35.5), (139.5, 35.502)].makeIterator()
        let overlay = try SampleLayer(count: 5, seed: 400) { _ in
            let place = places.next()!
            return .point(place.0, place.1)
        }
        var centre = try SampleLayer(count: 1, seed: 402) { _ in .point(139.501, 35.5) }
        if centre.geometries[0] == nil { centre = try SampleLayer(count: 1, seed: 403) { _ in .point(139.501, 35.5) } }
        let request = OverlayRequest(relation: .nearest(1, within: nil), groupBy: [.init(.overlay, "name")], aggregates: [.count])
        let result = try centre.publicSource.overlay(overlay.publicSource, request, deadline: never)
        let there = overlay.geometries.indices.filter { overlay.geometries[$0] == .point(139.501, 35.5) }
        let first = try there.min { try overlay.file.number($0) < overlay.file.number($1) }
        #expect(result.rows == [[overlay.values[try #require(first)][5], .integer(1)]])
    }
}
