import Foundation
import Geo
import GeoNative
import TestKit
import Testing

@testable import Loading

@Suite struct GeometryCheckerTests {
    private let context = GEOSContext()

    /// Coordinates are thousandths of a degree around a place in Japan.
    private func ring(_ vertices: [(Double, Double)]) -> [Point] {
        vertices.map { Point(x: 140 + $0.0 / 1000, y: 37 + $0.1 / 1000) }
    }

    private func check(_ geometry: Geometry, source: [Double] = []) -> (GeometryChecker.Verdict, Geometry, [Double]) {
        var geometry = geometry
        var source = source
        geometry.roundToStorage()
        let checker = GeometryChecker(context: context)
        checker.sourceCoordinates = { numbers in
            for i in numbers.indices { numbers[i] *= 1000 }
            return true
        }
        let verdict = checker.check(&geometry, source: &source)
        return (verdict, geometry, source)
    }

    private func area(_ geometry: Geometry) throws -> Double { try NativeGeometry(geometry, in: context).area() * 1e6 }

    private let square = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (0.0, 0.0)]

    @Test func `nothing wrong, nothing changed`() {
        let shape = Geometry.polygon([ring(square)])
        let (verdict, result, _) = check(shape)
        #expect(verdict == GeometryChecker.Verdict())
        #expect(result == shape)
        for kind in [Geometry.point(140, 37), .lineString(ring([(0, 0), (1, 1), (0, 0)]))] {
            #expect(check(kind).0 == GeometryChecker.Verdict())
        }
    }

    @Test func `rings are turned, and the source's vertices with them`() {
        let shape = Geometry.polygon([ring(square.reversed()), ring([(1, 1), (2, 1), (2, 2), (1, 1)])])
        let source = (0..<shape.vertexCount * 2).map { Double($0) }
        let (verdict, result, followed) = check(shape, source: source)
        #expect(verdict.changes == [.winding] && verdict.rejection == nil)
        #expect(result == .polygon([ring(square), ring([(1, 1), (2, 2), (2, 1), (1, 1)])]))
        #expect(followed == [8, 9, 6, 7, 4, 5, 2, 3, 0, 1, 16, 17, 14, 15, 12, 13, 10, 11])
    }

    @Test func `an open ring is closed`() {
        let (verdict, result, source) = check(.polygon([ring(square.dropLast())]), source: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(verdict.changes == [.ringNotClosed])
        #expect(result == .polygon([ring(square)]))
        #expect(source == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2])
    }

    @Test func `vertices that fall together are one`() {
        let (verdict, result, _) = check(.polygon([ring([(0, 0), (4, 0), (4, 0), (4, 4), (0, 4), (0, 1e-8), (0, 0)])]))
        #expect(verdict.changes == [.duplicateVertices])
        #expect(result == .polygon([ring(square)]))
        let (line, kept, _) = check(.lineString(ring([(0, 0), (0, 0), (1, 1)])))
        #expect(line.changes == [.duplicateVertices] && kept.vertexCount == 2)
    }

    @Test func `what is nothing is rejected, with a place`() {
        let nothing = check(.polygon([ring([(1, 1), (1, 1), (1, 1), (1, 1)])])).0
        #expect(nothing.rejection == .tooFewPoints && nothing.near == ring([(1, 1)])[0])
        #expect(check(.lineString(ring([(1, 1), (1, 1)]))).0.rejection == .tooFewPoints)
        #expect(check(.polygon([ring([(0, 0), (4, 0), (2, 0), (0, 0)])])).0.rejection != nil)
    }

    @Test func `a hole that is nothing goes, its shell stays`() {
        let (verdict, result, _) = check(.polygon([ring(square), ring([(1, 1), (1, 1), (1, 1)])]))
        #expect(verdict.changes == [.duplicateVertices, .collapsedRing])
        #expect(result == .polygon([ring(square)]))
    }

    @Test func `a bow tie becomes its two triangles`() throws {
        let (verdict, result, source) = check(
            .polygon([ring([(0, 0), (4, 4), (4, 0), (0, 4), (0, 0)])]), source: [7, 7, 8, 8, 9, 9, 6, 6, 7, 7])
        #expect(verdict.changes.contains(.repaired("self-intersection")) && verdict.rejection == nil)
        #expect(verdict.near.map { abs($0.x - 140.002) < 1e-9 && abs($0.y - 37.002) < 1e-9 } == true)
        #expect(result.kind == .multiPolygon && result.partEnds.count == 2)
        #expect(try abs(area(result) - 8) < 1e-6)
        // Vertices of the source keep their own coordinates, new ones get computed ones.
        for i in 0..<result.vertexCount {
            let own: [Point: Double] = [
                ring([(0, 0)])[0]: 7, ring([(4, 4)])[0]: 8, ring([(4, 0)])[0]: 9, ring([(0, 4)])[0]: 6,
            ]
            #expect(source[2 * i] == own[result.vertex(i)] ?? result.coordinates[2 * i] * 1000)
        }
    }

    @Test func `a spike is cut off, and the area stays`() throws {
        let (verdict, result, _) = check(.polygon([ring([(0, 0), (4, 0), (4, 4), (4, 9), (4, 4), (0, 4), (0, 0)])]))
        #expect(verdict.rejection == nil && verdict.changes.contains { $0.isRepair })
        #expect(try abs(area(result) - 16) < 1e-6)
        let (before, after) = try (#require(verdict.areaBefore), #require(verdict.areaAfter))
        #expect(abs(before - after) < 1e-6 * before)
        // 16 square thousandths of a degree at 37° N.
        #expect(abs(after - 16e-6 * 111_319.49 * 111_319.49 * cos(37.002 * .pi / 180)) < 20)
    }

    @Test func `a triangle mesh becomes one area`() throws {
        let mesh = Geometry.multiPolygon([
            [ring([(0, 0), (4, 0), (4, 4), (0, 0)])], [ring([(0, 0), (4, 4), (0, 4), (0, 0)])], [ring([(4, 0), (8, 0), (4, 4), (4, 0)])],
        ])
        let (verdict, result, _) = check(mesh)
        #expect(verdict.changes.contains(.partsMerged) && verdict.rejection == nil)
        #expect(result.kind == .multiPolygon && result.partEnds.count == 1)
        #expect(try abs(area(result) - 24) < 1e-6)
    }

    @Test func `a ring that can be read in two ways is not guessed at`() {
        // Winds twice around the middle: filled there, or a hole?
        let twice = Geometry.polygon([
            ring([(0, 0), (8, 0), (8, 8), (0, 8), (0, 2), (6, 2), (6, 6), (2, 6), (2, -2), (0, 0)])
        ])
        #expect(check(twice).0.rejection == .unclearGeometry)
    }

    @Test func `a hole outside its shell is a shell by itself, in either reading`() throws {
        let outside = Geometry.polygon([ring(square), ring([(10, 10), (10, 14), (14, 14), (14, 10), (10, 10)])])
        let (verdict, result, _) = check(outside)
        #expect(verdict.changes.contains(.repaired("hole-outside-shell")))
        #expect(try abs(area(result) - 32) < 1e-6)
    }

    /// Whatever comes in: what goes out is valid by GEOS, on the grid, and turned the right way; or it is rejected.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `what is not rejected is valid`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let grid = [3, 6, 1000].randomElement(using: &generator)!
            func polygon() -> [[Point]] {
                (0..<Int.random(in: 1...2, using: &generator)).map { _ in
                    ring(
                        (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                            (
                                Double(Int.random(in: 0...grid, using: &generator)) / 3,
                                Double(Int.random(in: 0...grid, using: &generator)) / 7
                            )
                        })
                }
            }
            let shape =
                Bool.random(using: &generator) ? Geometry.polygon(polygon()) : .multiPolygon((0..<3).map { _ in polygon() })
            let (verdict, result, source) = check(shape, source: shape.coordinates.map { $0 * 1000 })
            guard verdict.rejection == nil else { continue }
            #expect(try NativeGeometry(result, in: context).isValid(), "seed \(seed)")
            var rounded = result
            rounded.roundToStorage()
            #expect(rounded == result)
            #expect(source.count == result.coordinates.count)
            for part in result.partEnds.indices {
                for (index, ringIndex) in result.rings(ofPart: part).enumerated() {
                    let vertices = result.vertices(ofRing: ringIndex).map { result.vertex($0) }
                    let sum = zip(vertices, vertices.dropFirst()).reduce(0.0) {
                        $0 + ($1.0.x - 140) * ($1.1.y - 37) - ($1.1.x - 140) * ($1.0.y - 37)
                    }
                    #expect(index == 0 ? sum > 0 : sum < 0, "seed \(seed)")
                }
            }
        }
    }
}
