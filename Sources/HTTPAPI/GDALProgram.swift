import Foundation
public import Query

/// A form of file that GDAL writes for us, from a FlatGeobuf that we wrote.
public enum GDALForm: String, Sendable {
    case geoPackage = "gpkg"
    case shapefile

    /// GDAL's name for what writes it.
    public var driver: String {
        switch self {
        case .geoPackage: "GPKG"
        case .shapefile: "ESRI Shapefile"
        }
    }
}

/// GDAL's program `ogr2ogr`: where it is and what it is told.
public enum GDALProgram {
    /// Nil where it is not installed.
    public static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .filter { $0.hasPrefix("/") }.map { $0 + "/ogr2ogr" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Columns keep their names: a source for a shapefile has to have short ones (see `shortNames`), because there is no way to write every name in
    /// GDAL's SQL, where a backslash at the end cannot be told from one that quotes.
    ///
    /// - Parameters:
    ///   - layer: the name of the layer in the target.
    ///   - columns: the names in the source, without the geometry.
    ///   - time: written into the file as that of its last change, as `2024-03-31T00:00:00Z`; nil writes the present.
    public static func arguments(
        _ form: GDALForm, from source: String, to target: String, layer: String, columns: [String], encoding: TableEncoding,
        time: String? = nil
    ) -> [String] {
        var arguments = ["-f", form.driver, target, source, "-nln", layer]
        switch form {
        case .geoPackage:
            // GDAL's own columns give way: an attribute of their name would be lost.
            let taken = Set(columns.map { $0.lowercased() })
            for (option, name) in [("FID", "fid"), ("GEOMETRY_NAME", "geom")] where taken.contains(name) {
                var free = "gdal_" + name
                while taken.contains(free) { free += "_" }
                arguments += ["-lco", "\(option)=\(free)"]
            }
            if let time { arguments += ["--config", "OGR_CURRENT_DATE", time] }
        case .shapefile:
            arguments += ["-lco", "ENCODING=" + (encoding == .cp932 ? "CP932" : "UTF-8")]
            if let time { arguments += ["-lco", "DBF_DATE_LAST_UPDATE=" + time.prefix(10)] }
        }
        return arguments
    }

    /// Names of at most ten bytes of UTF-8, as a shapefile has room for, all different.
    public static func shortNames(_ names: [String]) -> [(name: String, short: String)] {
        var taken: Set<String> = []
        return names.map { name in
            func cut(_ bytes: Int) -> String {
                var short = name
                while short.utf8.count > bytes { short.removeLast() }
                return short
            }
            var short = cut(10)
            var number = 2
            while !taken.insert(short.lowercased()).inserted {
                short = cut(10 - String(number).utf8.count) + String(number)
                number += 1
            }
            return (name, short)
        }
    }
}
