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

    /// The envelope of a row below `geometryCount` as the index has it: rounded outward to 1e-7 degree.
    /// - Complexity: O(1)
    @inlinable
    public func indexedEnvelope(_ row: Int) throws(LayerFileError) -> Envelope {
        try indexBox(row).envelope
    }

    /// The same in the index's own whole units.
    @inlinable
    public func indexBox(_ row: Int) throws(LayerFileError) -> IndexBox {
        precondition(row >= 0 && row < geometryCount)
        // The lowest level comes first: sixteen rows a node, their four edges one kind after another.
        let start = row / PackedIndex.fanout * PackedIndex.nodeSize
        try index.touch(start, PackedIndex.nodeSize)
        let edge = (index.base + start).assumingMemoryBound(to: Int32.self) + row % PackedIndex.fanout
        return IndexBox(minX: edge[0], minY: edge[16], maxX: edge[32], maxY: edge[48])
    }

    /// An envelope that holds all geometries of a block of `Column.statisticRows`; nil where it has none or the layer has few rows.
    /// - Complexity: O(1)
    public func envelope(ofBlock block: Int) throws(LayerFileError) -> Envelope? {
        // A block of statistics is a node of the index, three levels up.
        precondition(Column.statisticRows == 4096)
        guard let indexView else { return nil }
        do {
            return try indexView.checkedBox(ofRows4096: block)?.envelope
        } catch let error as LayerFileError {
            throw error
        } catch {
            preconditionFailure("the index throws what the check of a block throws")
        }
    }

    /// The geometry of a row below `geometryCount`.
    /// - Complexity: O(1) once the blocks it lies in were read before
    @inlinable
    public func shape(_ row: Int) throws(LayerFileError) -> Shape {
        try touchShapes(row..<row + 1)
        return shape(touched: row)
    }

    /// Checks the blocks that the geometries and the numbers of these rows lie in, all below `geometryCount`.
    @inlinable
    public func touchShapes(_ rows: Range<Int>) throws(LayerFileError) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= geometryCount)
        try kinds.touch(rows.lowerBound, rows.count)
        try numbers.touch(8 * rows.lowerBound, 8 * rows.count)
        try vertexSteps.touch(rows)
        try ringSteps.touch(rows)
        try partSteps.touch(rows)
        let (firstVertex, firstRing, firstPart) = (
            vertexSteps.start(rows.lowerBound), ringSteps.start(rows.lowerBound), partSteps.start(rows.lowerBound)
        )
        let vertices = vertexSteps.start(rows.upperBound) - firstVertex
        let parts = partSteps.start(rows.upperBound) - firstPart
        let width = decimals == 7 ? 4 : 8
        try ringEnds.touch(4 * firstRing, 4 * (ringSteps.start(rows.upperBound) - firstRing))
        try partEnds.touch(4 * firstPart, 4 * parts)
        try degrees.touch(2 * width * firstVertex, 2 * width * vertices)
        try mercator.touch(8 * firstVertex, 8 * vertices)
        try partKinds?.touch(firstPart, parts)
    }

    /// The geometry of a row that `touchShapes` was asked about.
    @inlinable
    public func shape(touched row: Int) -> Shape {
        precondition(row >= 0 && row < geometryCount)
        let firstVertex = vertexSteps.start(row)
        let firstRing = ringSteps.start(row)
        let firstPart = partSteps.start(row)
        let vertices = vertexSteps.start(row + 1) - firstVertex
        let rings = ringSteps.start(row + 1) - firstRing
        let parts = partSteps.start(row + 1) - firstPart
        let kind = GeometryKind(rawValue: kinds.load(row, as: UInt8.self)) ?? .point
        var partKindBytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        if kind == .geometryCollection, let partKinds {
            partKindBytes = UnsafeBufferPointer(start: partKinds.pointer(UInt8.self) + firstPart, count: parts)
        }
        return Shape(
            kind: kind, partEnds: UnsafeBufferPointer(start: partEnds.pointer(UInt32.self) + firstPart, count: parts),
            ringEnds: UnsafeBufferPointer(start: ringEnds.pointer(UInt32.self) + firstRing, count: rings), partKinds: partKindBytes,
            mercator: UnsafeBufferPointer(start: mercator.pointer(Int32.self) + 2 * firstVertex, count: 2 * vertices),
            degrees: decimals == 7
                ? .narrow(degrees.pointer(Int32.self) + 2 * firstVertex)
                : .wide(degrees.pointer(Int64.self) + 2 * firstVertex, decimals: decimals))
    }

    /// The number of a row that `touchShapes` or `touchNumbers` was asked about.
    @inlinable
    public func number(touched row: Int) -> UInt64 {
        precondition(row >= 0 && 8 * row < numbers.length)
        return numbers.load(row, as: UInt64.self)
    }

    /// How many vertices a row below `geometryCount` has.
    /// - Complexity: O(1)
    public func vertexCount(_ row: Int) throws(LayerFileError) -> Int {
        precondition(row >= 0 && row < geometryCount)
        try vertexSteps.touch(row..<row + 1)
        return vertexSteps.start(row + 1) - vertexSteps.start(row)
    }

    /// The source's own coordinates were kept: it was a projected one.
    public var keepsSource: Bool { sections[SectionKey(kind: .source)] != nil }

    /// The source's own coordinates of a row, x and y in turn, where they lie; valid as long as the file is open. Nil where they were not kept.
    public func sourceVertices(_ row: Int) throws(LayerFileError) -> UnsafePointer<Double>? {
        guard let source = sections[SectionKey(kind: .source)] else { return nil }
        try vertexSteps.touch(row..<row + 1)
        let (first, end) = (vertexSteps.start(row), vertexSteps.start(row + 1))
        guard 16 * end <= source.length else { throw .malformed("the source's coordinates") }
        try source.touch(16 * first, 16 * (end - first))
        return source.pointer(Double.self) + 2 * first
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

extension IndexBox {
    /// In degrees. A division is correctly rounded, so an edge is the same double as the stored vertex that lies on it.
    @inlinable
    var envelope: Envelope {
        Envelope(
            minX: Double(minX) / IndexBox.unitsPerDegree, minY: Double(minY) / IndexBox.unitsPerDegree,
            maxX: Double(maxX) / IndexBox.unitsPerDegree, maxY: Double(maxY) / IndexBox.unitsPerDegree)
    }
}
