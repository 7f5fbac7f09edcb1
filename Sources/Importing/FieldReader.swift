import CGDAL
import Foundation
import Geo
import RecordStream

/// The columns of a layer as GDAL has them, and how each value is sent.
struct FieldReader {
    struct Column {
        var index: Int32
        var name: String
        var type: AttributeType
        var width: Int?
        var kind: OGRFieldType
    }

    var columns: [Column] = []
    var notes: [RecordNote] = []
    /// Times without a zone are UTC: the format says so.
    private let timesAreUTC: Bool
    /// Where numbers are written in digits, of which there may be too many.
    private let numbers: LargestNumbers?
    /// A KML's whole numbers have 32 bits, and larger ones are cut to these; others get as many as they need.
    private let cutsShort: Bool

    /// - Parameters:
    ///   - format: in a GeoPackage every time is UTC (OGC 12-128r18, table 1), also where the writer left out the `Z`.
    ///   - path: of the file as GDAL reads it.
    init(_ layer: GDALLayer, _ format: SourceFormat, _ path: String) {
        timesAreUTC = format == .geoPackage
        numbers = [.geoJSON, .geoJSONSequence, .gml, .kml].contains(format) ? LargestNumbers(path) : nil
        cutsShort = format == .kml
        let definition = layer.definition
        var names: [String] = []
        for index in 0..<OGR_FD_GetFieldCount(definition) {
            guard let field = OGR_FD_GetFieldDefn(definition, index) else { continue }
            let name = String(cString: OGR_Fld_GetNameRef(field))
            let kind = OGR_Fld_GetType(field)
            guard let type = Self.type(kind, OGR_Fld_GetSubType(field)) else {
                notes.append(RecordNote(code: "binary-column", detail: "the column \(name) holds no text or numbers and is left out"))
                continue
            }
            let width = Int(OGR_Fld_GetWidth(field))
            names.append(name)
            columns.append(Column(index: index, name: name, type: type, width: width > 0 ? width : nil, kind: kind))
        }
        for (position, name) in uniqueNames(names).enumerated() { columns[position].name = name }
    }

    var fields: [RecordField] { columns.map { RecordField(name: $0.name, type: $0.type, width: $0.width) } }

    private static func type(_ kind: OGRFieldType, _ subtype: OGRFieldSubType) -> AttributeType? {
        switch kind {
        case OFTInteger: subtype == OFSTBoolean ? .boolean : .integer
        case OFTInteger64: .integer
        case OFTReal: .real
        case OFTDate: .date
        case OFTDateTime: .time
        case OFTString: subtype == OFSTJSON ? .json : .text
        case OFTTime: .text
        case OFTIntegerList, OFTInteger64List, OFTRealList, OFTStringList: .json
        default: nil
        }
    }

    /// Sends one value per column.
    func write(_ feature: OGRFeatureH, row: UInt64, to output: inout RecordOutput) throws {
        for column in columns {
            guard OGR_F_IsFieldSetAndNotNull(feature, column.index) != 0 else {
                output.writer.null()
                continue
            }
            switch column.kind {
            case OFTInteger:
                let number = OGR_F_GetFieldAsInteger(feature, column.index)
                if column.type == .boolean {
                    output.writer.boolean(number != 0)
                } else if cutsShort, try numbers?.isCut(Int64(number), bits: 32) == true {
                    try output.tooLarge(row: row, field: column.name)
                } else {
                    output.writer.integer(Int64(number))
                }
            case OFTInteger64:
                let number = OGR_F_GetFieldAsInteger64(feature, column.index)
                if try numbers?.isCut(number, bits: 64) == true {
                    try output.tooLarge(row: row, field: column.name)
                } else {
                    output.writer.integer(number)
                }
            case OFTReal:
                let number = OGR_F_GetFieldAsDouble(feature, column.index)
                if try numbers?.isCut(number) == true {
                    try output.tooLarge(row: row, field: column.name)
                } else {
                    try output.real(number, row: row, field: column.name)
                }
            case OFTDate: try date(feature, column, row, &output)
            case OFTDateTime: try time(feature, column, row, &output)
            case OFTString, OFTTime:
                guard let text = OGR_F_GetFieldAsString(feature, column.index) else {
                    output.writer.null()
                    continue
                }
                let bytes = UnsafeRawBufferPointer(start: text, count: strlen(text))
                if column.type == .json {
                    try output.json(bytes, row: row, field: column.name)
                } else {
                    try output.text(bytes, row: row, field: column.name)
                }
            default:
                guard var list = try list(feature, column) else {
                    try output.tooLarge(row: row, field: column.name)
                    continue
                }
                try list.withUTF8 { try output.json(UnsafeRawBufferPointer($0), row: row, field: column.name) }
            }
        }
    }

    /// A list as JSON; numbers that are none become null. Nil for one with a number that was cut.
    private func list(_ feature: OGRFeatureH, _ column: Column) throws(RecordFailure) -> String? {
        var count: Int32 = 0
        var parts: [String] = []
        switch column.kind {
        case OFTIntegerList:
            if let list = OGR_F_GetFieldAsIntegerList(feature, column.index, &count) { parts = (0..<Int(count)).map { "\(list[$0])" } }
        case OFTInteger64List:
            if let list = OGR_F_GetFieldAsInteger64List(feature, column.index, &count) {
                for place in 0..<Int(count) {
                    if try numbers?.isCut(list[place], bits: 64) == true { return nil }
                    parts.append("\(list[place])")
                }
            }
        case OFTRealList:
            if let list = OGR_F_GetFieldAsDoubleList(feature, column.index, &count) {
                for place in 0..<Int(count) {
                    if try numbers?.isCut(list[place]) == true { return nil }
                    parts.append(list[place].isFinite ? "\(list[place])" : "null")
                }
            }
        default:
            if let list = OGR_F_GetFieldAsStringList(feature, column.index) {
                for index in 0..<Int(CSLCount(list)) { parts.append(list[index].map { Self.quoted(String(cString: $0)) } ?? "null") }
            }
        }
        return "[" + parts.joined(separator: ",") + "]"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20: result += String(format: "\\u%04x", scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private func date(_ feature: OGRFeatureH, _ column: Column, _ row: UInt64, _ output: inout RecordOutput) throws {
        var (year, month, day, hour, minute, zone) = (Int32(0), Int32(0), Int32(0), Int32(0), Int32(0), Int32(0))
        var second: Float = 0
        OGR_F_GetFieldAsDateTimeEx(feature, column.index, &year, &month, &day, &hour, &minute, &second, &zone)
        if let date = Day(year: Int(year), month: Int(month), day: Int(day)) {
            output.writer.date(date)
        } else {
            output.writer.null()
            try output.problem("bad-date", row: row, field: column.name, "there is no such day")
        }
    }

    private func time(_ feature: OGRFeatureH, _ column: Column, _ row: UInt64, _ output: inout RecordOutput) throws {
        var (year, month, day, hour, minute, zone) = (Int32(0), Int32(0), Int32(0), Int32(0), Int32(0), Int32(0))
        var second: Float = 0
        OGR_F_GetFieldAsDateTimeEx(feature, column.index, &year, &month, &day, &hour, &minute, &second, &zone)
        guard let date = Day(year: Int(year), month: Int(month), day: Int(day)), (0...24).contains(hour), (0...59).contains(minute),
            second >= 0, second < 62
        else {
            output.writer.null()
            return try output.problem("bad-time", row: row, field: column.name, "there is no such time")
        }
        // GDAL keeps seconds as a float, good to about a millisecond within a minute.
        let wall =
            (Int64(date.daysSince1970) * 86_400 + Int64(hour) * 3600 + Int64(minute) * 60) * 1_000_000
            + Int64((Double(second) * 1000).rounded()) * 1000
        // 0 unknown, 1 local, else quarters of an hour from 100, which is UTC.
        let minutes = zone > 1 ? (zone - 100) * 15 : timesAreUTC ? 0 : nil
        guard let minutes, (-840...840).contains(minutes) else {
            return output.writer.time(Instant(microseconds: wall, zoneMinutes: nil))
        }
        output.writer.time(Instant(microseconds: wall - Int64(minutes) * 60_000_000, zoneMinutes: Int16(minutes)))
    }
}
