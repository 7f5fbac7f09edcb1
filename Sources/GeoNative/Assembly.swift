internal import CGEOS
import Geo

/// Moves vertices into GEOS and out again.
///
/// All pointers of the way in are owned by exactly one GEOS object at any time: a sequence until its ring, line or point takes it, a ring until
/// its polygon, a part until its collection. What fails frees what it still owns.
struct Assembly {
    let context: GEOSContext

    // MARK: In

    func geometry(_ source: borrowing Geometry) throws(GEOSError) -> OpaquePointer {
        switch source.kind {
        case .point, .lineString, .polygon:
            if !source.partEnds.isEmpty { return try part(source, 0) }
            return try made("make empty", GEOSGeom_createEmptyCollection_r(context.handle, type(of: .geometryCollection)))
        default:
            return try collection(source)
        }
    }

    private func collection(_ source: borrowing Geometry) throws(GEOSError) -> OpaquePointer {
        let count = source.partEnds.count
        let parts = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: max(1, count))
        defer { parts.deallocate() }
        for i in 0..<count {
            do throws(GEOSError) {
                parts[i] = try part(source, i)
            } catch {
                for j in 0..<i { GEOSGeom_destroy_r(context.handle, parts[j]) }
                throw error
            }
        }
        // Takes the parts over even when it fails.
        return try made("make collection", GEOSGeom_createCollection_r(context.handle, type(of: source.kind), parts, UInt32(count)))
    }

    private func part(_ source: borrowing Geometry, _ index: Int) throws(GEOSError) -> OpaquePointer {
        let rings = source.rings(ofPart: index)
        switch source.kind(ofPart: index) {
        case .point:
            return try made("make point", GEOSGeom_createPoint_r(context.handle, try sequence(source, ring: rings.lowerBound)))
        case .lineString:
            return try made("make line", GEOSGeom_createLineString_r(context.handle, try sequence(source, ring: rings.lowerBound)))
        default:
            return try polygon(source, rings)
        }
    }

    private func polygon(_ source: borrowing Geometry, _ rings: Range<Int>) throws(GEOSError) -> OpaquePointer {
        let shell = try ring(source, rings.lowerBound)
        guard rings.count > 1 else {
            return try made("make polygon", GEOSGeom_createPolygon_r(context.handle, shell, nil, 0))
        }
        let holes = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: rings.count - 1)
        defer { holes.deallocate() }
        for i in 0..<rings.count - 1 {
            do throws(GEOSError) {
                holes[i] = try ring(source, rings.lowerBound + 1 + i)
            } catch {
                GEOSGeom_destroy_r(context.handle, shell)
                for j in 0..<i { GEOSGeom_destroy_r(context.handle, holes[j]) }
                throw error
            }
        }
        return try made("make polygon", GEOSGeom_createPolygon_r(context.handle, shell, holes, UInt32(rings.count - 1)))
    }

    private func ring(_ source: borrowing Geometry, _ index: Int) throws(GEOSError) -> OpaquePointer {
        try made("make ring", GEOSGeom_createLinearRing_r(context.handle, try sequence(source, ring: index)))
    }

    private func sequence(_ source: borrowing Geometry, ring: Int) throws(GEOSError) -> OpaquePointer {
        let vertices = source.vertices(ofRing: ring)
        let copy = source.coordinates.withUnsafeBufferPointer { numbers in
            // No Z, no M: x and y in turn.
            numbers.baseAddress.flatMap {
                GEOSCoordSeq_copyFromBuffer_r(context.handle, $0 + 2 * vertices.lowerBound, UInt32(vertices.count), 0, 0)
            }
        }
        return try made("copy vertices", copy)
    }

    private func made(_ operation: StaticString, _ pointer: OpaquePointer?) throws(GEOSError) -> OpaquePointer {
        guard let pointer else { throw context.failure(operation) }
        return pointer
    }

    /// GEOS counts geometry types as well-known binary does, less one up to the line and with the linear ring after it.
    private func type(of kind: GeometryKind) -> Int32 {
        switch kind {
        case .point: 0
        case .lineString: 1
        case .polygon: 3
        case .multiPoint: 4
        case .multiLineString: 5
        case .multiPolygon: 6
        case .geometryCollection: 7
        }
    }

    // MARK: Out

    func read(_ pointer: OpaquePointer, into target: inout Geometry) throws(GEOSError) {
        let kind = try kind(of: pointer)
        target.removeAll(kind: kind)
        try append(pointer, kind, collecting: kind == .geometryCollection, to: &target)
    }

    private func append(_ pointer: OpaquePointer, _ kind: GeometryKind, collecting: Bool, to target: inout Geometry) throws(GEOSError) {
        if kind.partKind != kind || kind == .geometryCollection {
            let count = GEOSGetNumGeometries_r(context.handle, pointer)
            guard count >= 0 else { throw context.failure("count parts") }
            for i in 0..<count {
                guard let part = GEOSGetGeometryN_r(context.handle, pointer, i) else { throw context.failure("get part") }
                try append(part, try self.kind(of: part), collecting: collecting, to: &target)
            }
            return
        }
        guard try !context.predicate("is empty", GEOSisEmpty_r(context.handle, pointer)) else { return }
        if kind == .polygon {
            guard let shell = GEOSGetExteriorRing_r(context.handle, pointer) else { throw context.failure("get shell") }
            try appendRun(shell, to: &target)
            let holes = GEOSGetNumInteriorRings_r(context.handle, pointer)
            guard holes >= 0 else { throw context.failure("count holes") }
            for i in 0..<holes {
                guard let hole = GEOSGetInteriorRingN_r(context.handle, pointer, i) else { throw context.failure("get hole") }
                try appendRun(hole, to: &target)
            }
        } else {
            try appendRun(pointer, to: &target)
        }
        target.partEnds.append(target.ringEnds.count)
        if collecting { target.partKinds.append(kind) }
    }

    private func appendRun(_ pointer: OpaquePointer, to target: inout Geometry) throws(GEOSError) {
        var count: UInt32 = 0
        guard let sequence = GEOSGeom_getCoordSeq_r(context.handle, pointer),
            GEOSCoordSeq_getSize_r(context.handle, sequence, &count) == 1
        else { throw context.failure("get vertices") }
        let start = target.coordinates.count
        target.coordinates.append(contentsOf: repeatElement(0, count: 2 * Int(count)))
        let copied = target.coordinates.withUnsafeMutableBufferPointer { numbers in
            numbers.baseAddress.map { GEOSCoordSeq_copyToBuffer_r(context.handle, sequence, $0 + start, 0, 0) } ?? 1
        }
        guard copied == 1 else { throw context.failure("get vertices") }
        target.ringEnds.append(target.vertexCount)
    }

    private func kind(of pointer: OpaquePointer) throws(GEOSError) -> GeometryKind {
        switch GEOSGeomTypeId_r(context.handle, pointer) {
        case 0: return .point
        case 1, 2: return .lineString
        case 3: return .polygon
        case 4: return .multiPoint
        case 5: return .multiLineString
        case 6: return .multiPolygon
        case 7: return .geometryCollection
        default: throw context.failure("get type")
        }
    }
}
