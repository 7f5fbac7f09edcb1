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

extension LayerFile {
    /// Nil where all vertices are drawn at every zoom: the layer has few, or it was sealed before there were levels, or it is one of the largest.
    public func vertexLevels() throws(LayerFileError) -> VertexLevels? {
        guard let section = sections[SectionKey(kind: .vertexLevel)] else { return nil }
        guard section.length == mercator.length / 8 else { throw .malformed("section vertexLevel has \(section.length) bytes") }
        return VertexLevels(section: section, steps: vertexSteps)
    }
}
