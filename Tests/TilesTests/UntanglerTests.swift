import Geo
import TestKit
import Testing

@testable import Tiles

@Suite struct UntanglerTests {
    let witness = Witness()

    /// Rings as given, none dropped and none turned, untangled: polygons for the witness.
    private func untangled(_ given: [[GridPoint]]) -> [[[RandomShapes.Place]]] {
        var rings = GridRings()
        for ring in given {
            let start = rings.points.count
            for point in ring { rings.points.append(point) }
            rings.rings.append(GridRings.Ring(start: start, end: rings.points.count, part: 0, isHole: false))
        }
        var untangler = Untangler()
        var limit = WorkLimit()
        untangler.untangle(&rings, within: &limit)
        var result: [[[RandomShapes.Place]]] = []
        for number in 0..<rings.rings.count {
            let ring = rings.rings[number]
            let places: [RandomShapes.Place] = (ring.start..<ring.end).map { (Double(rings.points[$0].x), Double(rings.points[$0].y)) }
            if ring.isHole { result[result.count - 1].append(places) } else { result.append([places]) }
        }
        return result
    }

    /// How often rings wind around a place that lies on none of their vertices' rows.
    private func winding(_ rings: [[GridPoint]], x: Double, y: Double) -> Int {
        var result = 0
        for ring in rings {
            for (i, a) in ring.enumerated() {
                let b = ring[(i + 1) % ring.count]
                guard (Double(a.y) < y) != (Double(b.y) < y) else { continue }
                let crossing = Double(a.x) + (y - Double(a.y)) / Double(b.y - a.y) * Double(b.x - a.x)
                if crossing < x { result += b.y < a.y ? 1 : -1 }
            }
        }
        return result
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `wild rings along rows and columns cover exactly the cells they wind around`(seed: UInt64) {
        var shapes = RandomShapes(seed: seed)
        let side = shapes.whole(3...24)
        let rings = (0..<shapes.whole(1...4)).map { _ in
            let count = shapes.whole(2...20)
            let columns = (0..<count).map { _ in Int32(shapes.whole(0...side)) }
            let rows = (0..<count).map { _ in Int32(shapes.whole(0...side)) }
            return (0..<count).flatMap { i in
                [GridPoint(x: columns[i], y: rows[i]), GridPoint(x: columns[(i + 1) % count], y: rows[i])]
            }
        }
        let figure = witness.polygons(untangled(rings))
        #expect(figure.invalidity == nil)
        var cells = 0
        for x in 0..<side {
            for y in 0..<side where winding(rings, x: Double(x) + 0.5, y: Double(y) + 0.5) > 0 { cells += 1 }
        }
        #expect(figure.area == Double(cells))
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `wild rings become valid and cover what they wind around`(seed: UInt64) {
        var shapes = RandomShapes(seed: seed)
        let side = [6, 20, 100, 300][Int(seed % 4)]
        var length = 0.0
        let rings = (0..<shapes.whole(1...4)).map { _ in
            (0..<shapes.whole(3...30)).map { _ in GridPoint(x: Int32(shapes.whole(-64...side)), y: Int32(shapes.whole(-64...side))) }
        }
        for ring in rings {
            for (i, a) in ring.enumerated() {
                let b = ring[(i + 1) % ring.count]
                let (x, y) = (Double(b.x - a.x), Double(b.y - a.y))
                length += (x * x + y * y).squareRoot()
            }
        }
        let figure = witness.polygons(untangled(rings))
        #expect(figure.invalidity == nil)
        var samples = 0.0
        let pitch = side > 100 ? 4.0 : side > 50 ? 2 : 0.5
        var x = -64 + pitch / 2
        while x < Double(side) {
            var y = -64 + pitch / 2
            while y < Double(side) {
                if winding(rings, x: x, y: y) > 0 { samples += pitch * pitch }
                y += pitch
            }
            x += pitch
        }
        // Bending moves an edge by at most half a unit along an axis, and sampling errs likewise; most of it cancels.
        #expect(abs(figure.area - samples) <= 0.25 * length + 2, "\(figure.area) for \(samples)")
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `wild rings across the whole tile become valid`(seed: UInt64) {
        var shapes = RandomShapes(seed: seed)
        let ring = (0..<80).map { _ in GridPoint(x: Int32(shapes.whole(-64...4160)), y: Int32(shapes.whole(-64...4160))) }
        let figure = witness.polygons(untangled([ring]))
        #expect(figure.invalidity == nil)
        #expect(figure.area > 0)
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `untangling what is valid changes no area, and doing it again nothing`(seed: UInt64) {
        var shapes = RandomShapes(seed: seed)
        let wild = [(0..<12).map { _ in GridPoint(x: Int32(shapes.whole(0...40)), y: Int32(shapes.whole(0...40))) }]
        let once = untangled(wild)
        let rings = once.joined().map { $0.map { GridPoint(x: Int32($0.x), y: Int32($0.y)) } }
        let twice = untangled(Array(rings))
        #expect(witness.polygons(once).area == witness.polygons(twice).area)
        #expect(once.count == twice.count)
    }

    @Test func `a hole that touches its shell twice cuts the polygon in two`() {
        let shell = [(0, 0), (10, 0), (10, 10), (0, 10)].map { GridPoint(x: $0.0, y: $0.1) }
        let hole = [(5, 0), (4, 5), (5, 10), (6, 5)].map { GridPoint(x: $0.0, y: $0.1) }
        let polygons = untangled([shell, hole])
        #expect(polygons.count == 2 && polygons.allSatisfy { $0.count == 1 })
        #expect(witness.polygons(polygons).area == 90)
    }

    @Test func `an island in a lake on an island keeps its place`() {
        func square(_ low: Int32, _ high: Int32, clockwise: Bool) -> [GridPoint] {
            let ring = [
                GridPoint(x: low, y: low), GridPoint(x: high, y: low), GridPoint(x: high, y: high), GridPoint(x: low, y: high),
            ]
            return clockwise ? ring : ring.reversed()
        }
        let polygons = untangled([
            square(0, 100, clockwise: true), square(10, 90, clockwise: false), square(20, 80, clockwise: true),
            square(30, 40, clockwise: false), square(50, 60, clockwise: false),
        ])
        #expect(polygons.map(\.count) == [2, 3])
        #expect(witness.polygons(polygons).area == 10000 - 6400 + 3600 - 200)
    }
}
