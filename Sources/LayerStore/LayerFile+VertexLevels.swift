public import Geo

/// How the vertices of an open file's features are drawn.
public struct VertexLevels: Sendable {
    @usableFromInline let section: Section
    @usableFromInline let steps: Steps

    /// Checks the blocks that the levels of these rows lie in; `touchShapes` was asked about the same rows before.
    @inlinable
    public func touch(_ rows: Range<Int>) throws(LayerFileError) {
        let first = steps.start(rows.lowerBound)
        try section.touch(first, steps.start(rows.upperBound) - first)
    }

    /// Those of a row that was touched, one a vertex.
    @inlinable
    public func levels(touched row: Int) -> UnsafePointer<VertexLevel> {
        section.pointer(VertexLevel.self) + steps.start(row)
    }
}

/// How grave the classes of a hazard's features are.
public struct FeatureRanks: Sendable {
    let section: Section

    /// 1 for the least grave, 255 for a class that nobody knows; see `HazardRanks`.
    public func rank(_ row: Int) throws(LayerFileError) -> UInt8 {
        precondition(row >= 0 && row < section.length)
        try section.touch(row, 1)
        return section.load(row, as: UInt8.self)
    }
}

extension LayerFile {
    /// Of the rows with a geometry; nil where the layer is no hazard, or was sealed before that was known, or is one of the largest: then all are alike.
    public func hazardRanks() throws(LayerFileError) -> FeatureRanks? {
        guard let section = sections[SectionKey(kind: .hazardRank)] else { return nil }
        guard section.length == geometryCount else { throw .malformed("section hazardRank has \(section.length) bytes") }
        return FeatureRanks(section: section)
    }
}

extension LayerFile {
    /// Nil where all vertices are drawn at every zoom: the layer has few, or it was sealed before there were levels, or it is one of the largest.
    public func vertexLevels() throws(LayerFileError) -> VertexLevels? {
        guard let section = sections[SectionKey(kind: .vertexLevel)] else { return nil }
        guard section.length == mercator.length / 8 else { throw .malformed("section vertexLevel has \(section.length) bytes") }
        return VertexLevels(section: section, steps: vertexSteps)
    }
}
