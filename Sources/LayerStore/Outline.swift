import Geo

/// One ring or line of a layer, as the simplification looks at it.
struct Outline: BitwiseCopyable {
    enum Role: UInt8 {
        /// Points; nothing is done to them.
        case point
        case line
        case shell
        case hole
    }

    /// Vertices of the layer up to its end.
    var end: UInt32
    /// The row it belongs to.
    var feature: UInt32
    var role: Role
    /// How grave the feature's class is: 1 for the least; 0 where that does not matter, 255 for a class nobody knows.
    var rank: UInt8
}

/// Gathers the outlines of a layer in the order of its rows.
struct OutlineGathering {
    let outlines: WorkingRun<Outline>
    private var count = 0
    private var vertices = 0

    init(rings: Int, in memory: WorkingMemory) throws(LayerFileError) {
        outlines = try memory.run(of: Outline.self, count: rings)
    }

    /// - Parameters:
    ///   - record: a feature between `endFeature` and `seal`.
    ///   - start: where its ring ends begin there.
    mutating func add(_ record: UnsafeRawPointer, at start: Int, _ head: SpillHead, row: Int, rank: UInt8) {
        let (rings, parts) = (Int(head.rings), Int(head.parts))
        let partStart = start + 4 * rings
        let kindStart = partStart + 4 * parts
        func number(_ offset: Int) -> Int { Int(record.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        let kind = GeometryKind(rawValue: head.kind)!
        var ring = 0
        for part in 0..<parts {
            let partKind =
                kind == .geometryCollection
                ? GeometryKind(rawValue: record.load(fromByteOffset: kindStart + part, as: UInt8.self)) ?? .point : kind.partKind
            let first = ring
            while ring < number(partStart + 4 * part) {
                let role: Outline.Role =
                    switch partKind {
                    case .polygon: ring == first ? .shell : .hole
                    case .lineString: .line
                    default: .point
                    }
                outlines[count] = Outline(
                    end: UInt32(vertices + number(start + 4 * ring)), feature: UInt32(row), role: role, rank: rank)
                count += 1
                ring += 1
            }
        }
        vertices += Int(head.vertices)
    }
}
