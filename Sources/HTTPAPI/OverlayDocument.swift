import Descriptions
import Formats
import Geo
import Query

/// The table of an overlay in the forms in which it can be had.
///
/// What is not known goes with it in every form: a table that is read without its notes must not pass for complete.
struct OverlayDocument {
    var result: OverlayResult

    static let table = Representation(name: "json", mediaType: "application/json", matches: ["application/json"], title: "JSON")
    static let geoJSON = Representation(
        name: "geojson", mediaType: "application/geo+json", matches: ["application/geo+json"], title: "GeoJSON")
    static let forms = [table, geoJSON, Representation.csv]

    /// - Parameter isDocument: the table stands in an object under the output's name (OGC 18-062r2, 7.11.4).
    func bytes(_ form: Representation, isDocument: Bool = false) -> [UInt8] {
        switch form.name {
        case "csv": csv
        case "geojson": geoJSON.bytes
        default: isDocument ? JSONTree.object(["result": json]).bytes : json.bytes
        }
    }

    private var json: JSONTree {
        [
            "columns": .list(
                result.columns.map { column in
                    .object([
                        "name": .text(column.name), "type": .text(OverlayDocument.type(column.type)), "unit": column.unit.map { .text($0) },
                    ])
                }),
            "rows": .list(result.rows.map { row in .list(row.map { OverlayDocument.value($0) }) }),
            "targetCount": .count(result.targetCount), "unmatchedCount": .count(result.unmatchedCount),
            "incomplete": .boolean(!result.notes.isEmpty), "notes": notes,
        ]
    }

    /// Features without geometry, one a group: programs that read GeoJSON read them as a table.
    private var geoJSON: JSONTree {
        [
            "type": "FeatureCollection",
            "features": .list(
                result.rows.map { row in
                    [
                        "type": "Feature", "geometry": .null,
                        "properties": .object(
                            zip(result.columns, row).map { JSONTree.Member($0.name, OverlayDocument.value($1)) }
                                + (result.notes.isEmpty ? [] : [JSONTree.Member(OverlayDocument.noteColumn, .text(codes))])),
                    ]
                }),
            "targetCount": .count(result.targetCount), "unmatchedCount": .count(result.unmatchedCount),
            "incomplete": .boolean(!result.notes.isEmpty), "notes": notes,
        ]
    }

    private var notes: JSONTree {
        .list(
            result.notes.map { note in
                .object([
                    "code": .text(note.code.rawValue), "side": .text(note.side.rawValue), "features": note.features.map { .count($0) },
                    "text": .localized(note.text),
                ])
            })
    }

    /// RFC 4180 with a header. Where something is not known, a last column says what in every row.
    private var csv: [UInt8] {
        var writer = ByteWriter()
        for (number, column) in result.columns.enumerated() {
            if number > 0 { writer.byte(44) }
            writer.csvText(column.name)
        }
        if !result.notes.isEmpty {
            writer.byte(44)
            writer.csvText(OverlayDocument.noteColumn)
        }
        writer.literal("\r\n")
        for row in result.rows {
            for (number, value) in row.enumerated() {
                if number > 0 { writer.byte(44) }
                switch value {
                case .null: break
                case .integer(let value): writer.integer(value)
                case .real(let value): writer.real(value)
                case .boolean(let value): if value { writer.literal("true") } else { writer.literal("false") }
                case .date(let day): writer.day(day)
                case .time(let time): writer.instant(time)
                case .text(let text), .json(let text): writer.csvText(text)
                }
            }
            if !result.notes.isEmpty {
                writer.byte(44)
                writer.csvText(codes)
            }
            writer.literal("\r\n")
        }
        return writer.array()
    }

    private static let noteColumn = "unknown"

    /// `not-surveyed:120 incomplete:3`
    private var codes: String {
        result.notes.map { note in note.code.rawValue + (note.features.map { ":\($0)" } ?? "") }.joined(separator: " ")
    }

    private static func value(_ value: AttributeValue) -> JSONTree {
        switch value {
        case .null: return .null
        case .integer(let value): return .integer(value)
        case .real(let value): return .number(value)
        case .boolean(let value): return .boolean(value)
        case .date(let day): return written { $0.day(day) }
        case .time(let time): return written { $0.instant(time) }
        case .text(let text), .json(let text): return .text(text)
        }
    }

    private static func written(_ write: (inout ByteWriter) -> Void) -> JSONTree {
        var writer = ByteWriter(capacity: 32)
        write(&writer)
        return .text(String(decoding: writer.array(), as: UTF8.self))
    }

    private static func type(_ type: AttributeType) -> String {
        switch type {
        case .integer: "integer"
        case .real: "number"
        case .boolean: "boolean"
        case .date: "date"
        case .time: "date-time"
        case .text, .json: "string"
        }
    }
}
