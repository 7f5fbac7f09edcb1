import CGDAL
import Foundation
import Geo
import RecordStream

/// A shapefile: geometry through GDAL, attributes through `DBFTable`.
struct ShapefileReading {
    var set: ShapefileSet
    var encoding: String?
    var crs: SourceCRS?

    /// Sends header and features, or only the header.
    func write(layers: [String], scratch: String, listOnly: Bool, to output: inout RecordOutput) throws {
        let folder = try linkParts(into: scratch)
        var notes: [RecordNote] = []
        if set.shx == nil { notes.append(RecordNote(code: "index-rebuilt", detail: "the .shx file is missing and was made from the .shp")) }
        if set.dbf == nil { notes.append(RecordNote(code: "no-table", detail: "the .dbf file is missing, so there are no attributes")) }
        if set.prj == nil { notes.append(RecordNote(code: "no-prj", detail: "the .prj file is missing")) }
        let companion = try set.cpg.map { path in
            String(decoding: try FileBytes(path).bytes(at: 0, count: 64), as: UTF8.self)
        }
        let table = try set.dbf.map { path in try DBFTable(FileBytes(path)) }
        let plan = try table.map { try DBFPlan($0, given: encoding, companion: companion) }
        // The option makes the index anew even where there is one, so only where there is none.
        CPLSetConfigOption("SHAPE_RESTORE_SHX", set.shx == nil ? "YES" : "NO")
        let source = try GDALSource(
            folder + "/source.shp", driver: SourceFormat.shapefile.rawValue, options: ["ENCODING=", "ADJUST_TYPE=NO"], scratch: scratch)
        guard let layer = source.layers.first else { throw RecordFailure(code: "damaged", message: "the shapefile cannot be read") }

        let fileCRS = layer.reference.crs
        try output.writer.header(
            RecordHeader(
                driver: SourceFormat.shapefile.rawValue, layers: layers, layer: set.name, crs: crs ?? fileCRS, encoding: plan?.encoding,
                fields: plan?.columns.map(\.field) ?? [],
                geometryType: OGRGeometryTypeToName(layer.geometryType).map { String(cString: $0) } ?? "Unknown",
                featureCount: layer.declaredCount, extent: layer.declaredExtent(swapped: false), notes: notes + (plan?.notes ?? [])))
        for problem in plan?.problems ?? [] { try output.writer.problem(problem) }
        if !listOnly { try write(layer, table, plan, to: &output) }
    }

    private func write(_ layer: GDALLayer, _ table: DBFTable?, _ plan: DBFPlan?, to output: inout RecordOutput) throws {
        var geometries = GeometryWriter(swapsAxes: layer.reference.swapped)
        let shapes = layer.declaredCount ?? 0
        OGR_L_ResetReading(layer.handle)
        var row = 0
        while true {
            CPLErrorReset()
            guard let feature = OGR_L_GetNextFeature(layer.handle) else { break }
            defer { OGR_F_Destroy(feature) }
            row = Int(clamping: OGR_F_GetFID(feature))
            let record = try table.flatMap { row < $0.count ? try $0.record(row) : nil }
            if let record, record[0] == DBFTable.deleted { continue }
            if CPLGetLastErrorType() == CE_Failure {
                try output.problem("bad-shape", row: UInt64(row), layer.owner.failure("", "the shape cannot be read").message)
            }
            output.writer.beginFeature(row: UInt64(row))
            geometries.write(OGR_F_GetGeometryRef(feature), to: &output.writer)
            if let plan {
                if let record {
                    try plan.write(record, row: UInt64(row), to: &output)
                } else {
                    plan.writeNothing(to: &output)
                    try output.problem("row-without-attributes", row: UInt64(row), "the table (.dbf) ends before this shape")
                }
            }
            try output.endFeature(row: UInt64(row))
        }
        if CPLGetLastErrorType() == CE_Failure { throw layer.owner.failure("damaged", "the file could not be read to its end") }
        if let table, table.count > shapes {
            try output.problem(
                "row-without-shape", row: nil, "the table has \(table.count) rows, the file \(shapes) shapes; the others are left out")
        }
        try geometries.report(to: &output)
    }

    /// Links the parts under names of our own, so that GDAL sees these and no others, and may write the index that is missing.
    private func linkParts(into scratch: String) throws -> String {
        let folder = scratch + "/shape"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // The table stays out: it is not GDAL's to read.
        for (path, ending) in [(set.shp, "shp"), (set.shx, "shx"), (set.prj, "prj")] {
            guard let path else { continue }
            guard symlink(path, folder + "/source." + ending) == 0 else {
                throw RecordFailure(code: "no-room", message: "the scratch folder cannot be written (\(errno))")
            }
        }
        return folder
    }
}

/// The files of one shapefile, by path.
struct ShapefileSet: Sendable {
    var name: String
    var shp: String?
    var shx: String?
    var dbf: String?
    var prj: String?
    var cpg: String?

    static let endings: Set<String> = ["shp", "shx", "dbf", "prj", "cpg"]

    init(name: String) { self.name = name }

    /// Adds a file by its ending in lower case; the first of a kind stays.
    mutating func add(_ path: String, ending: String) {
        switch ending {
        case "shp": shp = shp ?? path
        case "shx": shx = shx ?? path
        case "dbf": dbf = dbf ?? path
        case "prj": prj = prj ?? path
        case "cpg": cpg = cpg ?? path
        default: break
        }
    }
}
