import CGDAL
import RecordStream

/// Sends geometries as well-known binary of the seven simple kinds; what is curved or a surface of triangles is turned into them first.
struct GeometryWriter {
    /// The source has y first.
    var swapsAxes: Bool

    /// What was changed, each to be said once.
    private(set) var madeStraight = false
    private(set) var surfacesTaken = false

    init(swapsAxes: Bool) { self.swapsAxes = swapsAxes }

    /// Sends the geometry of a feature, which keeps it and may find it swapped.
    mutating func write(_ geometry: OGRGeometryH?, to writer: inout RecordWriter) {
        guard let geometry else { return writer.geometry(nil) }
        let flat = OGR_GT_Flatten(OGR_G_GetGeometryType(geometry))
        switch flat {
        case wkbPoint, wkbLineString, wkbPolygon, wkbMultiPoint, wkbMultiLineString, wkbMultiPolygon:
            send(geometry, to: &writer)
        default:
            guard let simple = simplified(geometry, flat) else { return writer.geometry(nil) }
            send(simple, to: &writer)
            OGR_G_DestroyGeometry(simple)
        }
    }

    /// Sends bytes that a driver wrote as well-known binary; looks only at the kind.
    mutating func write(wkb: UnsafeRawBufferPointer, to writer: inout RecordWriter) {
        guard !swapsAxes, wkb.count >= 5, Self.isSimple(wkb) else {
            var geometry: OGRGeometryH?
            guard wkb.count >= 5, wkb.count <= Int(Int32.max),
                OGR_G_CreateFromWkbEx(wkb.baseAddress, nil, &geometry, wkb.count) == OGRERR_NONE
            else { return writer.geometry(wkb) }  // Broken; the loader says so.
            write(geometry, to: &writer)
            OGR_G_DestroyGeometry(geometry)
            return
        }
        writer.geometry(wkb)
    }

    /// A point, line or polygon, or several of one of them. A collection may hold anything and is looked into.
    private static func isSimple(_ wkb: UnsafeRawBufferPointer) -> Bool {
        let raw = wkb.loadUnaligned(fromByteOffset: 1, as: UInt32.self)
        let code = wkb[0] == 1 ? UInt32(littleEndian: raw) : UInt32(bigEndian: raw)
        return (1...6).contains((code & 0x1FFF_FFFF) % 1000)
    }

    private func send(_ geometry: OGRGeometryH, to writer: inout RecordWriter) {
        if swapsAxes { OGR_G_SwapXY(geometry) }
        let size = OGR_G_WkbSizeEx(geometry)
        writer.geometry(byteCount: size) { room in
            _ = OGR_G_ExportToIsoWkb(geometry, wkbNDR, room.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// A new geometry of simple kinds, owned by the caller.
    private mutating func simplified(_ geometry: OGRGeometryH, _ flat: OGRwkbGeometryType) -> OGRGeometryH? {
        switch flat {
        case wkbTriangle:
            return OGR_G_ForceToPolygon(OGR_G_Clone(geometry))
        case wkbTIN, wkbPolyhedralSurface:
            surfacesTaken = true
            return OGR_G_ForceToMultiPolygon(OGR_G_Clone(geometry))
        case wkbGeometryCollection:
            return collection(geometry)
        default:
            madeStraight = true
            return OGR_G_GetLinearGeometry(geometry, 0, nil)
        }
    }

    private mutating func collection(_ geometry: OGRGeometryH) -> OGRGeometryH? {
        guard let result = OGR_G_CreateGeometry(wkbGeometryCollection) else { return nil }
        for index in 0..<OGR_G_GetGeometryCount(geometry) {
            guard let part = OGR_G_GetGeometryRef(geometry, index) else { continue }
            let flat = OGR_GT_Flatten(OGR_G_GetGeometryType(part))
            switch flat {
            case wkbPoint, wkbLineString, wkbPolygon, wkbMultiPoint, wkbMultiLineString, wkbMultiPolygon:
                OGR_G_AddGeometry(result, part)
            default:
                if let simple = simplified(part, flat) { OGR_G_AddGeometryDirectly(result, simple) }
            }
        }
        return result
    }
}
