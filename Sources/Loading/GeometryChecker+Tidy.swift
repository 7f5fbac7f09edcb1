import Foundation
import Geo

extension GeometryChecker {
    /// What needs no geometry library: closes rings, drops vertices repeated in a row, rings and lines with too few of them, and turns rings the right way.
    func tidy(_ geometry: inout Geometry, _ source: inout [Double], _ verdict: inout Verdict) {
        if needsRebuild(geometry) { rebuild(&geometry, &source, &verdict) }
        guard geometry.kind != .point && geometry.kind != .multiPoint else { return }
        for part in geometry.partEnds.indices where geometry.kind(ofPart: part) == .polygon {
            let rings = geometry.rings(ofPart: part)
            for ring in rings {
                let vertices = geometry.vertices(ofRing: ring)
                let area = geometry.coordinates.withUnsafeBufferPointer { doubleArea($0, vertices) }
                // A ring without a side (a bow tie of equal halves) has no direction to be wrong.
                guard ring == rings.lowerBound ? area < 0 : area > 0 else { continue }
                reverse(&geometry.coordinates, vertices)
                if !source.isEmpty { reverse(&source, vertices) }
                if !verdict.changes.contains(.winding) { verdict.changes.append(.winding) }
            }
        }
    }

    /// Twice the signed area, positive when counter-clockwise; measured from the first vertex, so that digits are not lost.
    private func doubleArea(_ numbers: UnsafeBufferPointer<Double>, _ vertices: Range<Int>) -> Double {
        let (x0, y0) = (numbers[2 * vertices.lowerBound], numbers[2 * vertices.lowerBound + 1])
        var sum = 0.0
        var (px, py) = (0.0, 0.0)
        for i in (vertices.lowerBound + 1)..<vertices.upperBound {
            let (x, y) = (numbers[2 * i] - x0, numbers[2 * i + 1] - y0)
            sum += px * y - x * py
            (px, py) = (x, y)
        }
        return sum
    }

    private func reverse(_ numbers: inout [Double], _ vertices: Range<Int>) {
        var (i, j) = (vertices.lowerBound, vertices.upperBound - 1)
        while i < j {
            numbers.swapAt(2 * i, 2 * j)
            numbers.swapAt(2 * i + 1, 2 * j + 1)
            i += 1
            j -= 1
        }
    }

    /// Some ring is open, some vertex repeats the one before, or something has too few vertices.
    private func needsRebuild(_ geometry: borrowing Geometry) -> Bool {
        guard geometry.kind != .point && geometry.kind != .multiPoint else { return false }
        return geometry.coordinates.withUnsafeBufferPointer { numbers in
            for part in geometry.partEnds.indices {
                let kind = geometry.kind(ofPart: part)
                guard kind != .point else { continue }
                for ring in geometry.rings(ofPart: part) {
                    let vertices = geometry.vertices(ofRing: ring)
                    let (first, last) = (vertices.lowerBound, vertices.upperBound - 1)
                    if vertices.count < (kind == .polygon ? 4 : 2) { return true }
                    if kind == .polygon && (numbers[2 * first] != numbers[2 * last] || numbers[2 * first + 1] != numbers[2 * last + 1]) {
                        return true
                    }
                    for i in first..<last where numbers[2 * i] == numbers[2 * i + 2] && numbers[2 * i + 1] == numbers[2 * i + 3] {
                        return true
                    }
                }
            }
            return false
        }
    }

    private func rebuild(_ geometry: inout Geometry, _ source: inout [Double], _ verdict: inout Verdict) {
        var result = Geometry(kind: geometry.kind)
        var resultSource: [Double] = []
        var changes: Set<FindingCode> = []
        for part in geometry.partEnds.indices {
            let kind = geometry.kind(ofPart: part)
            let rings = geometry.rings(ofPart: part)
            var hasShell = false
            for ring in rings {
                let start = result.vertexCount
                let vertices = geometry.vertices(ofRing: ring)
                for i in vertices {
                    let vertex = geometry.vertex(i)
                    if kind != .point && result.vertexCount > start && result.vertex(result.vertexCount - 1) == vertex {
                        changes.insert(.duplicateVertices)
                        continue
                    }
                    result.coordinates += [vertex.x, vertex.y]
                    if !source.isEmpty { resultSource += [source[2 * i], source[2 * i + 1]] }
                }
                if kind == .polygon && result.vertexCount > start && result.vertex(start) != result.vertex(result.vertexCount - 1) {
                    changes.insert(.ringNotClosed)
                    result.coordinates += [result.coordinates[2 * start], result.coordinates[2 * start + 1]]
                    if !source.isEmpty { resultSource += [resultSource[2 * start], resultSource[2 * start + 1]] }
                }
                let needed = kind == .polygon ? 4 : kind == .lineString ? 2 : 1
                if result.vertexCount - start < needed {
                    changes.insert(.collapsedRing)
                    result.coordinates.removeSubrange((2 * start)...)
                    if !source.isEmpty { resultSource.removeSubrange((2 * start)...) }
                    // The holes of a shell that is nothing go with it.
                    if ring == rings.lowerBound { break }
                    continue
                }
                if ring == rings.lowerBound { hasShell = true }
                result.ringEnds.append(result.vertexCount)
            }
            guard hasShell else { continue }
            result.partEnds.append(result.ringEnds.count)
            if geometry.kind == .geometryCollection { result.partKinds.append(kind) }
        }
        for code in [FindingCode.duplicateVertices, .ringNotClosed, .collapsedRing] where changes.contains(code) {
            verdict.changes.append(code)
        }
        geometry = result
        source = resultSource
    }
}

func cosine(degrees: Double) -> Double { cos(degrees * .pi / 180) }
