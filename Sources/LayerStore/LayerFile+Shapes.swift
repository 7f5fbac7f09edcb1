public import Geo
public import SpatialIndex

extension LayerFile {
    /// Rows whose envelope, rounded outward to 1e-7 degree, meets `box`, as runs in ascending order.
    ///
    /// The second argument of `found` is true where the envelopes certainly lie within `box`, so that their geometry does too.
    /// - Parameter box: in degrees.
    /// - Throws: `LayerFileError`, or what `found` throws.
    /// - Complexity: O(log n + rows found)
    @inlinable
    public func search(_ box: Envelope, _ found: (Range<Int>, Bool) throws -> Void) throws {
        try indexView?.checkedSearch(IndexBox(around: box), inside: IndexBox(inside: box), found)
    }

    /// The geometry of a row below `geometryCount`.
    /// - Complexity: O(1) once the blocks it lies in were read before
    @inlinable
    public func shape(_ row: Int) throws(LayerFileError) -> Shape {
        precondition(row >= 0 && row < geometryCount)
        try kinds.touch(row, 1)
        try vertexSteps.touch(row..<row + 1)
        try ringSteps.touch(row..<row + 1)
        try partSteps.touch(row..<row + 1)
        let firstVertex = vertexSteps.start(row)
        let firstRing = ringSteps.start(row)
        let firstPart = partSteps.start(row)
        let vertices = vertexSteps.start(row + 1) - firstVertex
        let rings = ringSteps.start(row + 1) - firstRing
        let parts = partSteps.start(row + 1) - firstPart
        let width = decimals == 7 ? 4 : 8
        try ringEnds.touch(4 * firstRing, 4 * rings)
        try partEnds.touch(4 * firstPart, 4 * parts)
        try degrees.touch(2 * width * firstVertex, 2 * width * vertices)
        try mercator.touch(8 * firstVertex, 8 * vertices)
        let kind = GeometryKind(rawValue: kinds.load(row, as: UInt8.self)) ?? .point
        var partKindBytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        if kind == .geometryCollection, let partKinds {
            try partKinds.touch(firstPart, parts)
            partKindBytes = UnsafeBufferPointer(start: partKinds.pointer(UInt8.self) + firstPart, count: parts)
        }
        return Shape(
            kind: kind, partEnds: UnsafeBufferPointer(start: partEnds.pointer(UInt32.self) + firstPart, count: parts),
            ringEnds: UnsafeBufferPointer(start: ringEnds.pointer(UInt32.self) + firstRing, count: rings), partKinds: partKindBytes,
            mercator: UnsafeBufferPointer(start: mercator.pointer(Int32.self) + 2 * firstVertex, count: 2 * vertices),
            degrees: width == 4
                ? .narrow(degrees.pointer(Int32.self) + 2 * firstVertex)
                : .wide(degrees.pointer(Int64.self) + 2 * firstVertex, decimals: decimals))
    }

    /// How many vertices a row below `geometryCount` has.
    /// - Complexity: O(1)
    public func vertexCount(_ row: Int) throws(LayerFileError) -> Int {
        precondition(row >= 0 && row < geometryCount)
        try vertexSteps.touch(row..<row + 1)
        return vertexSteps.start(row + 1) - vertexSteps.start(row)
    }

    /// The source's own coordinates of a row, x and y in turn, where they were kept (projected sources).
    public func sourceCoordinates(_ row: Int) throws(LayerFileError) -> [Double]? {
        guard let source = sections[SectionKey(kind: .source)] else { return nil }
        try vertexSteps.touch(row..<row + 1)
        let (first, end) = (vertexSteps.start(row), vertexSteps.start(row + 1))
        try source.touch(16 * first, 16 * (end - first))
        return (2 * first..<2 * end).map { source.load($0, as: Double.self) }
    }
}
