import Foundation
import Geo
import GeoNative
import TestKit
import Testing

@Suite struct NativeGeometryTests {
    let context = GEOSContext()

    private func polygon(_ rings: [[(Double, Double)]]) -> Geometry {
        .polygon(rings.map { $0.map { Point(x: $0.0, y: $0.1) } })
    }

    private let square = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (0.0, 0.0)]

    @Test func `every kind goes in and comes out the same`() throws {
        let shapes: [Geometry] = [
            .point(1, 2), .lineString([Point(x: 0, y: 0), Point(x: 1, y: 1)]),
            polygon([square, [(1, 1), (1, 2), (2, 2), (1, 1)]]),
            Geometry(kind: .multiPoint, coordinates: [1, 2, 3, 4], ringEnds: [1, 2], partEnds: [1, 2]),
            Geometry(kind: .multiLineString, coordinates: [0, 0, 1, 1, 2, 2, 3, 3], ringEnds: [2, 4], partEnds: [1, 2]),
            .multiPolygon([[square.map { Point(x: $0.0, y: $0.1) }], [square.map { Point(x: $0.0 + 10, y: $0.1) }]]),
            Geometry(
                kind: .geometryCollection, coordinates: [1, 2, 0, 0, 1, 1], ringEnds: [1, 3], partEnds: [1, 2],
                partKinds: [.point, .lineString]),
            Geometry(kind: .multiPolygon), Geometry(kind: .geometryCollection),
        ]
        for shape in shapes {
            #expect(try NativeGeometry(shape, in: context).geometry() == shape)
            var bytes: [UInt8] = []
            WKBWriter.write(shape, to: &bytes)
            try bytes.withUnsafeBytes { raw in
                let back = try NativeGeometry(wkb: raw, in: context).geometry()
                #expect(back == shape)
            }
        }
    }

    @Test func `what GEOS throws comes as an error with its words`() throws {
        let open = Geometry(kind: .polygon, coordinates: [0, 0, 1, 0, 1, 1, 0, 1], ringEnds: [4], partEnds: [1])
        #expect {
            _ = try NativeGeometry(open, in: context).isValid()
        } throws: { error in
            (error as? GEOSError)?.message.contains("closed") == true
        }
        let junk: [UInt8] = [1, 3, 0, 0, 0, 255, 255, 255, 255]
        junk.withUnsafeBytes { raw in
            _ = #expect(throws: GEOSError.self) { _ = try NativeGeometry(wkb: raw, in: context).isValid() }
        }
    }

    @Test func `each rule is named, with a place`() throws {
        let bowtie = polygon([[(0, 0), (4, 4), (4, 0), (0, 4), (0, 0)]])
        #expect(
            try NativeGeometry(bowtie, in: context).validityProblem() == ValidityProblem(rule: .selfIntersection, near: Point(x: 2, y: 2)))
        let outside = polygon([square, [(10, 10), (10, 11), (11, 11), (10, 10)]])
        #expect(try NativeGeometry(outside, in: context).validityProblem()?.rule == .holeOutsideShell)
        let nested = polygon([square, [(1, 1), (1, 3), (3, 3), (3, 1), (1, 1)], [(1.5, 1.5), (1.5, 2), (2, 2), (1.5, 1.5)]])
        #expect(try NativeGeometry(nested, in: context).validityProblem()?.rule == .nestedHoles)
        let touching = polygon([[(0, 0), (4, 0), (2, 2), (4, 4), (0, 4), (2, 2), (0, 0)]])
        #expect(try NativeGeometry(touching, in: context).validityProblem()?.rule == .ringSelfIntersection)
        let shells = Geometry.multiPolygon([
            [square.map { Point(x: $0.0, y: $0.1) }], [[(1.0, 1.0), (2, 1), (2, 2), (1, 1)].map { Point(x: $0.0, y: $0.1) }],
        ])
        #expect(try NativeGeometry(shells, in: context).validityProblem()?.rule == .nestedShells)
        let cut = polygon([square, [(2, 0), (3, 2), (2, 4), (1, 2), (2, 0)]])
        #expect(try NativeGeometry(cut, in: context).validityProblem()?.rule == .disconnectedInterior)
        let nan = polygon([[(0, 0), (4, 0), (.nan, 4), (0, 0)]])
        #expect(try NativeGeometry(nan, in: context).validityProblem()?.rule == .notFinite)
        #expect(try NativeGeometry(polygon([square]), in: context).validityProblem() == nil)
    }

    @Test func `repair keeps shells and holes what they are`() throws {
        let bowtie = polygon([[(0, 0), (4, 4), (4, 0), (0, 4), (0, 0)]])
        let repaired = try NativeGeometry(bowtie, in: context).repaired()
        #expect(try repaired.isValid())
        #expect(try repaired.area() == 8)
        let spike = polygon([[(0, 0), (4, 0), (4, 4), (4, 9), (4, 4), (0, 4), (0, 0)]])
        let cut = try NativeGeometry(spike, in: context).repaired()
        #expect(try cut.geometry().kind == .polygon)
        #expect(try cut.area() == 16)
        #expect(cut.dimension == 2)
    }

    private func randomPolygon(_ generator: inout SeededGenerator) -> Geometry {
        let x = Double.random(in: 0...20, using: &generator)
        let y = Double.random(in: 0...20, using: &generator)
        let count = Int.random(in: 3...9, using: &generator)
        var ring: [Point] = []
        for i in 0..<count {
            let angle = 2 * Double.pi * Double(i) / Double(count)
            let radius = Double.random(in: 0.5...5, using: &generator)
            ring.append(Point(x: x + radius * cos(angle), y: y + radius * sin(angle)))
        }
        return .polygon([ring + [ring[0]]])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `prepared and plain answer alike`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let first = randomPolygon(&generator)
        let prepared = try PreparedGeometry(NativeGeometry(first, in: context))
        for _ in 0..<50 {
            let other = try NativeGeometry(randomPolygon(&generator), in: context)
            let plain = try NativeGeometry(first, in: context)
            #expect(try prepared.intersects(other) == plain.intersects(other))
            #expect(try prepared.disjoint(other) == !plain.intersects(other))
            #expect(try prepared.contains(other) == plain.contains(other))
            #expect(try prepared.covers(other) == plain.covers(other))
            #expect(try prepared.within(other) == plain.within(other))
            #expect(try prepared.overlaps(other) == plain.overlaps(other))
            #expect(try prepared.distance(to: other) == plain.distance(to: other))
            // Areas add up: what is shared and what is not.
            let shared = try plain.intersection(other).area()
            let rest = try plain.difference(other).area()
            #expect(try abs(shared + rest - plain.area()) < 1e-9)
        }
    }

    @Test func `each thread with a context of its own`() async {
        await withTaskGroup(of: Double.self) { group in
            for seed in 0..<8 as Range<UInt64> {
                group.addTask {
                    let context = GEOSContext()
                    var generator = SeededGenerator(seed: seed)
                    var sum = 0.0
                    for _ in 0..<500 {
                        let shape = Self.star(&generator)
                        sum += (try? NativeGeometry(shape, in: context).repaired().area()) ?? .nan
                        // An error on one thread does not reach another.
                        _ = try? NativeGeometry(Geometry(kind: .polygon, coordinates: [0, 0], ringEnds: [1], partEnds: [1]), in: context)
                    }
                    return sum
                }
            }
            for await sum in group { #expect(sum.isFinite) }
        }
    }

    private static func star(_ generator: inout SeededGenerator) -> Geometry {
        var ring: [Point] = []
        for _ in 0..<8 { ring.append(Point(x: .random(in: 0...1, using: &generator), y: .random(in: 0...1, using: &generator))) }
        return .polygon([ring + [ring[0]]])
    }
}
