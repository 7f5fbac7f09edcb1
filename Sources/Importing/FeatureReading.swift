import CGDAL
import Geo
import RecordStream

/// Reads a layer feature by feature, the way that every driver offers.
struct FeatureReading {
    let layer: GDALLayer
    let format: SourceFormat

    func header(layers: [String], reference: (crs: SourceCRS?, swapped: Bool), crs: SourceCRS?, name: String, fields: FieldReader)
        -> RecordHeader
    {
        RecordHeader(
            driver: format.rawValue, layers: layers, layer: name, crs: crs ?? reference.crs, fields: fields.fields,
            geometryType: OGRGeometryTypeToName(layer.geometryType).map { String(cString: $0) } ?? "Unknown",
            featureCount: layer.declaredCount, extent: layer.declaredExtent(swapped: reference.swapped), notes: fields.notes)
    }

    /// Sends all features.
    func write(_ fields: FieldReader, swapped: Bool, to output: inout RecordOutput) throws {
        var geometries = GeometryWriter(swapsAxes: swapped)
        OGR_L_ResetReading(layer.handle)
        var position: UInt64 = 0
        while true {
            CPLErrorReset()
            guard let feature = OGR_L_GetNextFeature(layer.handle) else { break }
            defer { OGR_F_Destroy(feature) }
            let number = OGR_F_GetFID(feature)
            let row = number >= 0 ? UInt64(number) : position
            position += 1
            if CPLGetLastErrorType() == CE_Failure {
                try output.problem("source-warning", row: row, layer.owner.failure("", "unknown").message)
            }
            output.writer.beginFeature(row: row)
            geometries.write(OGR_F_GetGeometryRef(feature), to: &output.writer)
            try fields.write(feature, row: row, to: &output)
            try output.endFeature(row: row)
        }
        if CPLGetLastErrorType() == CE_Failure || CPLGetLastErrorType() == CE_Fatal {
            throw layer.owner.failure("damaged", "the file could not be read to its end")
        }
        try geometries.report(to: &output)
    }
}

extension GeometryWriter {
    /// Says what was changed about geometries, once each.
    func report(to output: inout RecordOutput) throws {
        if madeStraight { try output.problem("curves-linearised", row: nil, "curves were replaced by short straight lines") }
        if surfacesTaken { try output.problem("surfaces-flattened", row: nil, "surfaces of triangles became multipolygons") }
    }
}
