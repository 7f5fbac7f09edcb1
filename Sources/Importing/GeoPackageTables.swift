import CGDAL
import RecordStream

/// Which layers of a GeoPackage are tables with rows of their own.
///
/// A view can compute for ever, or fill the memory with one value; nobody hands in a view on purpose.
enum GeoPackageTables {
    static func names(_ source: GDALSource) throws(RecordFailure) -> Set<String> {
        // Asked in SQLite's own dialect; only the catalogue is read, no row of a layer.
        let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        guard let result = GDALDatasetExecuteSQL(source.dataset, query, nil, nil) else {
            throw source.failure("damaged", "the table of contents cannot be read")
        }
        defer { GDALDatasetReleaseResultSet(source.dataset, result) }
        var names: Set<String> = []
        while let feature = OGR_L_GetNextFeature(result) {
            if let name = OGR_F_GetFieldAsString(feature, 0) { names.insert(String(cString: name)) }
            OGR_F_Destroy(feature)
        }
        return names
    }
}
