import CGDAL
import Foundation
import Geo
import RecordStream

/// GDAL with everything off that reaches further than the one file that it is given.
///
/// Only the drivers that are wanted exist; none of them opens other data sets, and none reaches the network.
enum GDALLibrary {
    /// Called once, before confinement, since it may look for files.
    static func start(scratch: String) {
        let options = [
            "GDAL_DRIVER_PATH": "disable", "OGR_DRIVER_PATH": "disable", "GDAL_PAM_ENABLED": "NO",
            "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
            "GDAL_VRT_ENABLE_PYTHON": "NO", "GDAL_HTTP_TIMEOUT": "1", "CPL_VSIL_CURL_HEADER_FILE_KVP_ENABLED": "NO",
            "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}", "PROJ_NETWORK": "OFF", "GML_DOWNLOAD_SCHEMA": "NO",
            "GML_SKIP_RESOLVE_ELEMS": "ALL",
            "GML_SAVE_RESOLVED_TO": "", "OGR_GEOJSON_MAX_OBJ_SIZE": "60", "OGR_SQLITE_PRAGMA": "trusted_schema=0,cell_size_check=1",
            "ALLOW_VIRTUAL_OGR_FROM_TRIGGER_AND_VIEW": "NO", "ALLOW_OGR_SQL_FUNCTIONS_FROM_TRIGGER_AND_VIEW": "NO",
            "OGR_SQLITE_LIST_VIRTUAL_OGR": "NO", "OGR_GPKG_NUM_THREADS": "1", "GDAL_NUM_THREADS": "1",
            "CPL_TMPDIR": scratch, "SQLITE_USE_OGR_VFS": "NO", "OSR_IMPORT_FROM_WKT_LIMIT": "1000000", "CPL_DEBUG": "OFF",
            "LIBKML_RESOLVE_STYLE": "NO", "OGR_CT_FORCE_TRADITIONAL_GIS_ORDER": "NO",
        ]
        for (name, value) in options { CPLSetConfigOption(name, value) }
        setenv("SQLITE_TMPDIR", scratch, 1)
        unsetenv("OGR_SQLITE_LOAD_EXTENSIONS")
        CPLSetErrorHandler { _, _, _ in }  // Messages are asked for where they matter; nothing is printed.
        RegisterOGRShape()
        RegisterOGRGeoPackage()
        RegisterOGRFlatGeobuf()
        RegisterOGRGeoJSON()
        RegisterOGRGeoJSONSeq()
        RegisterOGRGML()
        RegisterOGRLIBKML()
        if GDALGetDriverByName("LIBKML") == nil { RegisterOGRKML() }
    }

    /// What GDAL said last, without the names of files in our scratch folder.
    static func lastMessage(hiding folder: String) -> String {
        guard let text = CPLGetLastErrorMsg() else { return "" }
        return String(cString: text).replacingOccurrences(of: folder + "/", with: "")
    }
}

/// A data set opened by one driver; closed with the last reference.
final class GDALSource {
    let dataset: GDALDatasetH
    private let scratch: String

    /// - Parameter options: open options, each `NAME=VALUE`.
    /// - Throws: `damaged` when the driver does not take it.
    init(_ path: String, driver: String, options: [String] = [], scratch: String) throws(RecordFailure) {
        self.scratch = scratch
        CPLErrorReset()
        var drivers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CSLAddString(nil, driver)
        var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        for option in options { list = CSLAddString(list, option) }
        // An empty list of siblings, so that no neighbour is looked for.
        let siblings: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CSLAddString(nil, "")
        defer {
            CSLDestroy(drivers)
            CSLDestroy(list)
            CSLDestroy(siblings)
            drivers = nil
        }
        let flags = UInt32(GDAL_OF_VECTOR) | UInt32(GDAL_OF_READONLY)
        let opened = drivers.flatMap { drivers in
            drivers.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: 2) { drivers in
                list == nil
                    ? GDALOpenEx(path, flags, drivers, nil, nil)
                    : list?.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: options.count + 1) {
                        GDALOpenEx(path, flags, drivers, $0, nil)
                    }
            }
        }
        guard let opened else {
            let message = GDALLibrary.lastMessage(hiding: scratch)
            throw RecordFailure(code: "damaged", message: message.isEmpty ? "the file is not a \(driver) that can be read" : message)
        }
        dataset = opened
    }

    deinit { GDALClose(dataset) }

    var layers: [GDALLayer] {
        (0..<GDALDatasetGetLayerCount(dataset)).compactMap { index in
            GDALDatasetGetLayer(dataset, index).map { GDALLayer(handle: $0, owner: self) }
        }
    }

    func failure(_ code: String, _ fallback: String) -> RecordFailure {
        let message = GDALLibrary.lastMessage(hiding: scratch)
        return RecordFailure(code: code, message: message.isEmpty ? fallback : message)
    }
}

/// One layer of an open data set.
struct GDALLayer {
    let handle: OGRLayerH
    let owner: GDALSource

    var name: String { String(cString: OGR_L_GetName(handle)) }
    var geometryType: OGRwkbGeometryType { OGR_L_GetGeomType(handle) }
    var definition: OGRFeatureDefnH { OGR_L_GetLayerDefn(handle) }

    /// As declared; nil when it would have to be counted.
    var declaredCount: Int? {
        let count = OGR_L_GetFeatureCount(handle, 0)
        return count >= 0 ? Int(count) : nil
    }

    /// As declared, x east and y north when `swapped` says how the file has it; nil when it would have to be computed.
    func declaredExtent(swapped: Bool) -> Envelope? {
        var box = OGREnvelope()
        guard OGR_L_GetExtent(handle, &box, 0) == OGRERR_NONE, box.MinX <= box.MaxX, box.MinY <= box.MaxY,
            [box.MinX, box.MaxX, box.MinY, box.MaxY].allSatisfy(\.isFinite)
        else { return nil }
        return swapped
            ? Envelope(minX: box.MinY, minY: box.MinX, maxX: box.MaxY, maxY: box.MaxX)
            : Envelope(minX: box.MinX, minY: box.MinY, maxX: box.MaxX, maxY: box.MaxY)
    }

    /// The first spatial reference, and whether coordinates come with y first.
    var reference: (crs: SourceCRS?, swapped: Bool) {
        guard let reference = OGR_L_GetSpatialRef(handle) else { return (nil, false) }
        return (CRSReading.describe(reference), CRSReading.isNorthFirst(reference))
    }
}
