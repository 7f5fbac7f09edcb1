import Geo

/// A geometry given in Web Mercator world units, for tests; owns the memory its `shape` looks into.
final class WorldShape {
    typealias Vertex = SIMD2<Int32>

    let kind: GeometryKind
    /// Parts, their rings, their vertices; a polygon's rings closed here.
    let parts: [[[Vertex]]]
    let shape: Shape
    private let mercator: UnsafeMutableBufferPointer<Int32>
    private let ringEnds: UnsafeMutableBufferPointer<UInt32>
    private let partEnds: UnsafeMutableBufferPointer<UInt32>
    private let partKinds: UnsafeMutableBufferPointer<UInt8>

    /// - Parameter parts: polygons' rings without the closing vertex.
    init(_ kind: GeometryKind, _ parts: [[[Vertex]]], kinds: [GeometryKind] = []) {
        self.kind = kind
        self.parts = parts.enumerated().map { i, rings in
            (kinds.isEmpty ? kind.partKind : kinds[i]) == .polygon ? rings.map { $0 + $0.prefix(1) } : rings
        }
        func allocate<T>(_ elements: [T]) -> UnsafeMutableBufferPointer<T> {
            let memory = UnsafeMutableBufferPointer<T>.allocate(capacity: max(1, elements.count))
            _ = memory.initialize(from: elements)
            return UnsafeMutableBufferPointer(rebasing: memory[..<elements.count])
        }
        let rings = self.parts.flatMap { $0 }
        var ends: [UInt32] = []
        for ring in rings { ends.append((ends.last ?? 0) + UInt32(ring.count)) }
        var counts: [UInt32] = []
        for part in self.parts { counts.append((counts.last ?? 0) + UInt32(part.count)) }
        mercator = allocate(rings.flatMap { $0 }.flatMap { [$0.x, $0.y] })
        ringEnds = allocate(ends)
        partEnds = allocate(counts)
        partKinds = allocate(kinds.map(\.rawValue))
        shape = Shape(
            kind: kind, partEnds: UnsafeBufferPointer(partEnds), ringEnds: UnsafeBufferPointer(ringEnds),
            partKinds: UnsafeBufferPointer(partKinds), mercator: UnsafeBufferPointer(mercator),
            degrees: .narrow(UnsafePointer(mercator.baseAddress!)))
    }

    deinit {
        mercator.deallocate()
        ringEnds.deallocate()
        partEnds.deallocate()
        partKinds.deallocate()
    }

    /// A vertex in a tile's grid units, not rounded.
    static func place(_ vertex: Vertex, in tile: TileCoordinate) -> (x: Double, y: Double) {
        let unit = Double(tile.side) / 4096
        return (Double(Int64(vertex.x) - tile.minX) / unit, Double(Int64(vertex.y) - tile.minY) / unit)
    }

    /// The vertex nearest to a place in a tile's grid units, clamped to the world.
    static func vertex(_ x: Double, _ y: Double, in tile: TileCoordinate) -> Vertex {
        let unit = Double(tile.side) / 4096
        func clamp(_ value: Double) -> Int32 { Int32(max(-2_147_483_648, min(2_147_483_647, value.rounded()))) }
        return Vertex(clamp(Double(tile.minX) + x * unit), clamp(Double(tile.minY) + y * unit))
    }
}
