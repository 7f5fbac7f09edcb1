import Foundation
import Geo
import TestKit
import Testing

@testable import LayerStore

@Suite struct FittingTests {
    private func seal(_ geometries: [Geometry]) throws -> (summary: SealSummary, hasLevels: Bool) {
        let folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: []), scratch: scratch.url)
        for (i, geometry) in geometries.enumerated() {
            var stored = geometry
            stored.roundToStorage()
            try builder.endFeature(geometry: stored, sourceRow: UInt64(i))
        }
        let summary = try builder.seal(as: folder.path("a.layer"), identity: Identity(), facts: LayerFacts())
        return (summary, try LayerFile.open(folder.path("a.layer")).vertexLevels() != nil)
    }

    /// Squares of a mesh, from 0 to 1 of its pitch wide.
    private func squares(_ side: Int, width: Double, where isThere: (Int, Int) -> Bool = { _, _ in true }) -> [Geometry] {
        let pitch = 0.0005
        var geometries: [Geometry] = []
        for row in 0..<side {
            for column in 0..<side where isThere(row, column) {
                let (west, south) = (139 + pitch * Double(column), 35 + pitch * Double(row))
                let (east, north) = (west + pitch * width, south + pitch * width)
                let ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
                geometries.append(.polygon([ring.map { Point(x: $0.0, y: $0.1) }]))
            }
        }
        return geometries
    }

    @Test(arguments: [2, 8, 40, 120])
    func `squares of a mesh fit together and are drawn with common borders`(side: Int) throws {
        let sealed = try seal(squares(side, width: 1))
        #expect(sealed.summary.outlines == .done && sealed.hasLevels)
    }

    @Test(arguments: [1, 2, 8, 40, 120])
    func `houses do not, nor do squares that touch at corners only`(side: Int) throws {
        for geometries in [squares(side, width: 0.7), squares(side, width: 1) { ($0 + $1) % 2 == 0 }] {
            let sealed = try seal(geometries)
            #expect(sealed.summary.outlines == .notNeeded && !sealed.hasLevels)
        }
        // Some houses stand wall to wall.
        let sealed = try seal(squares(side, width: 0.7) + squares(side, width: 0.7).prefix(side * side / 10))
        #expect(sealed.summary.outlines == .notNeeded)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `common edges are those that every pair of rings has`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // Walks on a small grid: edges meet often, both ways round, and twice in one ring.
        var numbers: [Int32] = []
        var outlines: [Outline] = []
        for ring in 0..<Int.random(in: 1...12, using: &generator) {
            var place = SIMD2<Int32>(.random(in: 0...3, using: &generator), .random(in: 0...3, using: &generator))
            let first = place
            numbers += [place.x, place.y]
            for _ in 0..<Int.random(in: 2...9, using: &generator) {
                place = SIMD2(.random(in: 0...3, using: &generator), .random(in: 0...3, using: &generator))
                numbers += [place.x, place.y]
            }
            numbers += [first.x, first.y]
            let role = [Outline.Role.shell, .shell, .hole, .line].randomElement(using: &generator)!
            outlines.append(Outline(end: UInt32(numbers.count / 2), feature: UInt32(ring), role: role, rank: 0))
        }
        var edges: [(ring: Int, ends: Set<SIMD2<Int32>>)] = []
        var start = 0
        for (ring, outline) in outlines.enumerated() {
            for i in start..<Int(outline.end) - 1 where outline.role != .line {
                let ends: Set = [SIMD2(numbers[2 * i], numbers[2 * i + 1]), SIMD2(numbers[2 * i + 2], numbers[2 * i + 3])]
                if ends.count == 2 { edges.append((ring, ends)) }
            }
            start = Int(outline.end)
        }
        // Another ring's; where the first ring that has it has it twice, it counts once there.
        let shared = edges.indices.count { i in
            let first = edges.first { $0.ends == edges[i].ends }!.ring
            let before = edges[..<i].contains { $0.ring == edges[i].ring && $0.ends == edges[i].ends }
            return edges.contains { $0.ring != edges[i].ring && $0.ends == edges[i].ends } && !(edges[i].ring == first && before)
        }
        let found = numbers.withUnsafeBufferPointer { vertices in
            outlines.withUnsafeBufferPointer { Simplification.sharedEdges(vertices, $0, 0..<outlines.count) }
        }
        #expect(found.edges == edges.count && found.shared == shared, "seed \(seed)")
    }
}
