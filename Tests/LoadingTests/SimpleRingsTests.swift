import Foundation
import Geo
import GeoNative
import TestKit
import Testing

@testable import Loading

@Suite struct SimpleRingsTests {
    private let context = GEOSContext()

    /// Closed, without a vertex twice in a row, and rounded, as the checker hands them over.
    private func polygon(_ vertices: [Point]) -> Geometry? {
        var geometry = Geometry.polygon([vertices])
        geometry.roundToStorage()
        var ring: [Point] = []
        for i in 0..<geometry.vertexCount where ring.last != geometry.vertex(i) { ring.append(geometry.vertex(i)) }
        while ring.count > 1 && ring.first == ring.last { ring.removeLast() }
        guard ring.count >= 3 else { return nil }
        return .polygon([ring + [ring[0]]])
    }

    /// Few places to choose from, so that vertices meet, lines overlap and run through vertices; at Japan's longitudes, where a double is coarse.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func `what is proved simple GEOS finds valid`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var proved = 0
        for _ in 0..<400 {
            let grid = [1, 2, 3, 5, 9, 40].randomElement(using: &generator)!
            let step = [1e-9, 3e-9, 1e-7, 1e-5, 1.0 / 3 * 1e-4].randomElement(using: &generator)!
            let vertices = (0..<Int.random(in: 3...8, using: &generator)).map { _ in
                Point(
                    x: 139.7 + step * Double(Int.random(in: 0...grid, using: &generator)),
                    y: 35.7 + step * Double(Int.random(in: 0...grid, using: &generator)))
            }
            guard let shape = polygon(vertices) else { continue }
            guard SimpleRings.areCertainlyValid(shape) else { continue }
            proved += 1
            #expect(try NativeGeometry(shape, in: context).isValid(), "\(vertices)")
        }
        #expect(proved > 10)
    }

    /// Vertices put exactly onto other segments, as far as doubles can: the cases that rounding decides.
    @Test(arguments: 0..<30 as Range<UInt64>)
    func `near touches are left to GEOS or judged as it does`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let a = Point(x: 139 + .random(in: 0...1, using: &generator), y: 35 + .random(in: 0...1, using: &generator))
            let b = Point(x: a.x + .random(in: 0...0.01, using: &generator), y: a.y + .random(in: -0.01...0.01, using: &generator))
            let share = Double.random(in: 0...1, using: &generator)
            let on = Point(x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y))
            let off = Double.random(in: -2e-9...2e-9, using: &generator)
            let c = Point(x: b.x, y: b.y + 0.02)
            guard let shape = polygon([a, b, c, Point(x: on.x + off, y: on.y - off), Point(x: a.x, y: a.y + 0.02)]) else { continue }
            if SimpleRings.areCertainlyValid(shape) {
                #expect(try NativeGeometry(shape, in: context).isValid(), "seed \(seed)")
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `ordinary shapes are proved without GEOS`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for count in [3, 4, 6, 12, 30] {
            let ring = RandomGeometry().ring(centre: Point(x: 139.7, y: 35.7), radius: 0.0001, vertices: count, using: &generator)
            guard let shape = polygon(ring) else { continue }
            #expect(SimpleRings.areCertainlyValid(shape))
        }
        // A right angle whose sides run with the axes, and a vertex in the middle of a side.
        let corner = [(0, 0), (1, 0), (2, 0), (2, 2), (0, 2)].map { Point(x: 139.7 + 1e-5 * Double($0.0), y: 35.7 + 1e-5 * Double($0.1)) }
        #expect(SimpleRings.areCertainlyValid(polygon(corner)!))
    }

    @Test func `holes, spikes and bow ties are not proved`() {
        let ring = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)].map { Point(x: Double($0.0), y: Double($0.1)) }
        let hole = [(1, 1), (1, 2), (2, 2), (1, 1)].map { Point(x: Double($0.0), y: Double($0.1)) }
        #expect(!SimpleRings.areCertainlyValid(.polygon([ring, hole])))
        #expect(!SimpleRings.areCertainlyValid(.multiPolygon([[ring], [hole]])))
        #expect(!SimpleRings.areCertainlyValid(polygon([(0, 0), (4, 4), (4, 0), (0, 4)].map { Point(x: $0.0, y: $0.1) })!))
        #expect(!SimpleRings.areCertainlyValid(polygon([(0, 0), (4, 0), (4, 4), (4, 9), (4, 4), (0, 4)].map { Point(x: $0.0, y: $0.1) })!))
        #expect(!SimpleRings.areCertainlyValid(polygon([(0, 0), (4, 0), (2, 0)].map { Point(x: $0.0, y: $0.1) })!))
    }
}
