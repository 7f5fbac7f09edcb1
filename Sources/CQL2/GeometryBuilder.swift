import Geo

/// A geometry literal as its coordinates arrive, from WKT or GeoJSON; the same rules for both.
///
/// A collection holds the simple parts of its members (see `Geometry`). Parts and rings without vertices are left out.
struct GeometryBuilder {
    private(set) var geometry: Geometry
    private var ringStart = 0
    private var partStart = 0

    init(_ kind: GeometryKind) {
        geometry = Geometry(kind: kind)
    }

    mutating func add(x: Double, y: Double) {
        geometry.coordinates.append(x)
        geometry.coordinates.append(y)
    }

    /// Ends a ring, a line or a point that began at `offset`.
    mutating func endRing(_ kind: GeometryKind, at offset: Int) throws(FilterError) {
        let count = geometry.vertexCount - ringStart
        switch kind {
        case .polygon:
            guard count > 0 else { return }
            guard count >= 4 else {
                throw .syntax(
                    offset, ja: "多角形の輪には4点以上が必要です(最初の点を最後に繰り返します)。", en: "A ring needs four points or more, the first repeated as the last."
                )
            }
            guard geometry.vertex(ringStart) == geometry.vertex(geometry.vertexCount - 1) else {
                throw .syntax(
                    offset, ja: "多角形の輪が閉じていません。最初の点を最後にも書いてください。", en: "The ring is not closed; repeat its first point as its last.")
            }
        case .lineString:
            guard count >= 2 else { throw .syntax(offset, ja: "線には2点以上が必要です。", en: "A line needs two points or more.") }
        default: break
        }
        geometry.ringEnds.append(geometry.vertexCount)
        ringStart = geometry.vertexCount
    }

    /// Ends a polygon, a line or a point.
    mutating func endPart(_ kind: GeometryKind) {
        guard geometry.ringEnds.count > partStart else { return }
        geometry.partEnds.append(geometry.ringEnds.count)
        if geometry.kind == .geometryCollection { geometry.partKinds.append(kind) }
        partStart = geometry.ringEnds.count
    }
}
