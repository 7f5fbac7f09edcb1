import RecordStream

/// The formats that are read, each by one driver that is named beforehand; a file never chooses its driver.
enum SourceFormat: String, Sendable, CaseIterable {
    case shapefile = "ESRI Shapefile"
    case geoPackage = "GPKG"
    case flatGeobuf = "FlatGeobuf"
    case geoJSON = "GeoJSON"
    case geoJSONSequence = "GeoJSONSeq"
    case gml = "GML"
    case kml = "KML"
    case csv = "CSV"
    /// A ZIP archive with one of the others in it.
    case archive = "ZIP"

    /// The endings of file names that may hold the format, without the dot, in lower case.
    var endings: Set<String> {
        switch self {
        case .shapefile: ["shp"]
        case .geoPackage: ["gpkg"]
        case .flatGeobuf: ["fgb"]
        case .geoJSON: ["geojson", "json", "txt"]
        case .geoJSONSequence: ["geojsonl", "geojsons", "geojsonseq", "ndjson", "jsonl", "seq", "json", "geojson", "txt"]
        case .gml: ["gml", "xml"]
        case .kml: ["kml", "xml"]
        case .csv: ["csv", "tsv", "txt"]
        case .archive: ["zip", "kmz"]
        }
    }

    /// Recognises a file by its first bytes, and holds its name's ending against them: a wolf in sheep's clothing is refused, not guessed.
    ///
    /// - Parameter ending: of the name the person gave, in lower case; empty when there is none.
    static func recognise(_ file: FileBytes, ending: String) throws(RecordFailure) -> SourceFormat {
        guard file.size > 0 else { throw RecordFailure(code: "empty-file", message: "the file is empty") }
        let head = try file.bytes(at: 0, count: 8192)
        let found = try byContent(head, ending: ending)
        guard ending.isEmpty || found.endings.contains(ending) else {
            throw RecordFailure(code: "format-mismatch", message: "the name says .\(ending), the content is \(found.rawValue)")
        }
        return found
    }

    private static func byContent(_ head: [UInt8], ending: String) throws(RecordFailure) -> SourceFormat {
        if head.starts(with: Array("SQLite format 3\0".utf8)) { return .geoPackage }
        if head.starts(with: [0x66, 0x67, 0x62, 0x03, 0x66, 0x67, 0x62]) { return .flatGeobuf }
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) || head.starts(with: [0x50, 0x4B, 0x05, 0x06]) { return .archive }
        if head.starts(with: [0x00, 0x00, 0x27, 0x0A]) { return .shapefile }
        if shapefile(ending) { throw RecordFailure(code: "damaged", message: "the file does not begin like a shapefile") }
        var text = head[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        text = text.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        switch text.first {
        case UInt8(ascii: "<"): return try XMLGuard.format(ofRootIn: Array(text))
        case 0x1E: return .geoJSONSequence
        case UInt8(ascii: "{"):
            if ending == "csv" || ending == "tsv" { return .csv }
            let lineBased = SourceFormat.geoJSONSequence.endings.subtracting(SourceFormat.geoJSON.endings)
            return lineBased.contains(ending) || severalObjects(text) ? .geoJSONSequence : .geoJSON
        default: break
        }
        if SourceFormat.csv.endings.contains(ending) { return .csv }
        throw RecordFailure(
            code: "unsupported-format",
            message: "the content is none of Shapefile, GeoPackage, GeoJSON, FlatGeobuf, GML, KML and CSV (ending .csv, .tsv or .txt)")
    }

    private static func shapefile(_ ending: String) -> Bool { ending == "shp" }

    /// The first line is a whole object and another follows it.
    private static func severalObjects(_ text: ArraySlice<UInt8>) -> Bool {
        guard let lineEnd = text.firstIndex(of: 0x0A) else { return false }
        let first = text[..<lineEnd]
        let whole = Array(first).withUnsafeBytes { JSONCheck.isValid($0) }
        return whole && text[lineEnd...].first { ![0x0A, 0x0D, 0x20, 0x09].contains($0) } == UInt8(ascii: "{")
    }
}
