internal import CGEOS
public import Geo

/// A geometry in the hands of GEOS, destroyed with its owner.
///
/// Making one allocates only what GEOS itself does. It lives on the thread of its context.
public struct NativeGeometry: ~Copyable {
    let context: GEOSContext
    let pointer: OpaquePointer

    /// Takes over what GEOS made.
    init(_ context: GEOSContext, owning pointer: OpaquePointer) {
        self.context = context
        self.pointer = pointer
    }

    /// From vertices in memory. Rings must be closed and have none or at least four vertices, lines none or at least two: GEOS refuses others.
    /// - Complexity: O(vertices)
    public init(_ geometry: borrowing Geometry, in context: GEOSContext) throws(GEOSError) {
        self.init(context, owning: try Assembly(context: context).geometry(geometry))
    }

    /// From well-known binary; Z and M come along where they are, for GEOS to ignore.
    public init(wkb: UnsafeRawBufferPointer, in context: GEOSContext) throws(GEOSError) {
        guard let reader = GEOSWKBReader_create_r(context.handle) else { throw context.failure("read WKB") }
        defer { GEOSWKBReader_destroy_r(context.handle, reader) }
        guard let bytes = wkb.bindMemory(to: UInt8.self).baseAddress,
            let made = GEOSWKBReader_read_r(context.handle, reader, bytes, wkb.count)
        else { throw context.failure("read WKB") }
        self.init(context, owning: made)
    }

    /// An upright rectangle.
    public init(_ box: Envelope, in context: GEOSContext) throws(GEOSError) {
        guard let made = GEOSGeom_createRectangle_r(context.handle, box.minX, box.minY, box.maxX, box.maxY) else {
            throw context.failure("make rectangle")
        }
        self.init(context, owning: made)
    }

    /// A point.
    public init(_ point: Point, in context: GEOSContext) throws(GEOSError) {
        guard let made = GEOSGeom_createPointFromXY_r(context.handle, point.x, point.y) else { throw context.failure("make point") }
        self.init(context, owning: made)
    }

    deinit { GEOSGeom_destroy_r(context.handle, pointer) }

    func make(_ operation: StaticString, _ call: (OpaquePointer, OpaquePointer) -> OpaquePointer?) throws(GEOSError) -> NativeGeometry {
        guard let made = call(context.handle, pointer) else { throw context.failure(operation) }
        return NativeGeometry(context, owning: made)
    }

    // MARK: Questions about one

    /// In square units of the coordinates.
    public func area() throws(GEOSError) -> Double {
        try context.measure("area") { GEOSArea_r(context.handle, pointer, &$0) }
    }

    /// In units of the coordinates; the boundary's for polygons.
    public func length() throws(GEOSError) -> Double {
        try context.measure("length") { GEOSLength_r(context.handle, pointer, &$0) }
    }

    public func isEmpty() throws(GEOSError) -> Bool {
        try context.predicate("is empty", GEOSisEmpty_r(context.handle, pointer))
    }

    /// 0 for points, 1 for lines, 2 for polygons; of a collection the largest.
    public var dimension: Int { Int(GEOSGeom_getDimensions_r(context.handle, pointer)) }

    // MARK: Questions about two

    public func intersects(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("intersects", GEOSIntersects_r(context.handle, pointer, other.pointer))
    }

    public func disjoint(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("disjoint", GEOSDisjoint_r(context.handle, pointer, other.pointer))
    }

    public func contains(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("contains", GEOSContains_r(context.handle, pointer, other.pointer))
    }

    public func within(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("within", GEOSWithin_r(context.handle, pointer, other.pointer))
    }

    public func covers(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("covers", GEOSCovers_r(context.handle, pointer, other.pointer))
    }

    public func touches(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("touches", GEOSTouches_r(context.handle, pointer, other.pointer))
    }

    public func crosses(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("crosses", GEOSCrosses_r(context.handle, pointer, other.pointer))
    }

    public func overlaps(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("overlaps", GEOSOverlaps_r(context.handle, pointer, other.pointer))
    }

    /// The same set of points, however it is drawn.
    public func equals(_ other: borrowing NativeGeometry) throws(GEOSError) -> Bool {
        try context.predicate("equals", GEOSEquals_r(context.handle, pointer, other.pointer))
    }

    /// In units of the coordinates.
    public func distance(to other: borrowing NativeGeometry) throws(GEOSError) -> Double {
        let other = other.pointer
        return try context.measure("distance") { GEOSDistance_r(context.handle, pointer, other, &$0) }
    }

    // MARK: New geometries

    public func intersection(_ other: borrowing NativeGeometry) throws(GEOSError) -> NativeGeometry {
        let other = other.pointer
        return try make("intersection") { GEOSIntersection_r($0, $1, other) }
    }

    public func union(_ other: borrowing NativeGeometry) throws(GEOSError) -> NativeGeometry {
        let other = other.pointer
        return try make("union") { GEOSUnion_r($0, $1, other) }
    }

    public func difference(_ other: borrowing NativeGeometry) throws(GEOSError) -> NativeGeometry {
        let other = other.pointer
        return try make("difference") { GEOSDifference_r($0, $1, other) }
    }

    /// The union of the parts: inner borders go.
    public func dissolved() throws(GEOSError) -> NativeGeometry {
        try make("union of parts") { GEOSUnaryUnion_r($0, $1) }
    }

    /// The part inside an upright rectangle; quick, but the result is not always valid.
    public func clipped(to box: Envelope) throws(GEOSError) -> NativeGeometry {
        try make("clip") { GEOSClipByRect_r($0, $1, box.minX, box.minY, box.maxX, box.maxY) }
    }

    /// A point inside, not only on the border where the geometry has an inside.
    public func pointOnSurface() throws(GEOSError) -> NativeGeometry {
        try make("point on surface") { GEOSPointOnSurface_r($0, $1) }
    }

    // MARK: Back to vertices

    /// The vertices, collections flattened to their simple parts, empty parts left out.
    public func geometry() throws(GEOSError) -> Geometry {
        var result = Geometry(kind: .point)
        try read(into: &result)
        return result
    }

    /// `geometry()` into memory that is used again.
    public func read(into geometry: inout Geometry) throws(GEOSError) {
        try Assembly(context: context).read(pointer, into: &geometry)
    }
}
