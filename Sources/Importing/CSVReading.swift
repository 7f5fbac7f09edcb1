import Foundation
import Geo
import RecordStream

/// A delimited text file: looked at once whole (encoding, title lines, types), then sent.
struct CSVReading {
    let name: String
    let encoding: String?
    let crs: SourceCRS?

    /// How many records at the beginning are looked at for the header.
    private static let headerSearch = 10

    /// Everything that the first look found out.
    private struct Plan {
        var delimiter: UInt8
        /// Where the records after the header begin.
        var start: Int
        var names: [String]
        var types: [CSVColumnType]
        var place: CSVPlace?
        var rows = 0
        var emptyRows = 0
        var notes: [RecordNote] = []

        func scanner() -> CSVScanner { CSVScanner(delimiter: delimiter, start: start) }
    }

    func write(_ path: String, layers: [String], scratch: String, listOnly: Bool, to output: inout RecordOutput) throws {
        let original = try MappedText(path)
        let (declared, choice) = try chosenEncoding(original)
        // Encodings that hide delimiters are turned into UTF-8 first; the others are split as they are.
        let recoded = declared.keepsDelimiters ? nil : try recode(original, declared, scratch)
        let text = recoded ?? original
        let decoder = try TextDecoder(recoded == nil ? declared : .utf8)
        let bom = text.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let plan = try plan(text.bytes, start: bom, decoder)

        var notes = plan.notes
        if let place = plan.place {
            if crs == nil, place.isDegrees {
                notes.append(RecordNote(code: "csv-degrees", detail: "longitude and latitude columns without a datum"))
            }
            if place.isSurvey { notes.append(RecordNote(code: "csv-survey-axes", detail: "X座標 was taken as northing and Y座標 as easting")) }
        } else {
            notes.append(RecordNote(code: "csv-no-place", detail: "no columns of longitude and latitude were found"))
        }
        if plan.emptyRows > 0 { notes.append(RecordNote(code: "empty-rows", detail: "\(plan.emptyRows) rows are empty and were left out")) }
        let fields = zip(plan.names, plan.types).map { RecordField(name: $0, type: $1.type) }
        try output.writer.header(
            RecordHeader(
                driver: SourceFormat.csv.rawValue, layers: layers, layer: name, crs: crs, encoding: choice, fields: fields,
                geometryType: plan.place == nil ? "None" : "Point", featureCount: plan.rows, notes: notes))
        if !listOnly { try send(text.bytes, plan, fields, decoder, to: &output) }
    }

    // MARK: The first look

    private func chosenEncoding(_ text: MappedText) throws -> (TextEncoding, SourceEncoding) {
        if let encoding {
            guard let known = TextEncoding(named: encoding) else {
                throw RecordFailure(code: "unknown-encoding", message: "no encoding is known by the name given")
            }
            return (known, SourceEncoding(name: known.name, how: .given))
        }
        let marks: [([UInt8], TextEncoding)] = [([0xEF, 0xBB, 0xBF], .utf8), ([0xFF, 0xFE], .utf16LE), ([0xFE, 0xFF], .utf16BE)]
        for (mark, encoding) in marks where text.bytes.starts(with: mark) {
            return (encoding, SourceEncoding(name: encoding.name, how: .format))
        }
        // An escape sequence that only ISO-2022-JP has.
        if text.bytes.prefix(65_536).indices.contains(where: { i in
            text.bytes[i] == 0x1B && i + 2 < text.bytes.count && text.bytes[i + 1] == 0x24 && [0x40, 0x42].contains(text.bytes[i + 2])
        }), TextDecoder.isPlainASCII(text.bytes) {
            return (.iso2022JP, SourceEncoding(name: TextEncoding.iso2022JP.name, how: .detected))
        }
        var evidence = EncodingEvidence()
        for line in text.bytes.split(separator: 0x0A, omittingEmptySubsequences: true) {
            evidence.look(at: UnsafeRawBufferPointer(rebasing: line))
        }
        return (evidence.best, SourceEncoding(name: evidence.best.name, how: .detected))
    }

    private func recode(_ text: MappedText, _ encoding: TextEncoding, _ scratch: String) throws -> MappedText {
        // The whole file at once, which strictness needs; spreadsheets that save as UTF-16 do not make large ones.
        guard text.bytes.count <= 256 << 20 else {
            throw RecordFailure(code: "file-too-large", message: "a \(encoding.name) file of more than 256 MiB; UTF-8 has no such limit")
        }
        let decoder = try TextDecoder(encoding)
        let mark = encoding == .iso2022JP ? 0 : text.bytes.starts(with: [0xFF, 0xFE]) || text.bytes.starts(with: [0xFE, 0xFF]) ? 2 : 0
        guard let plain = decoder.data(UnsafeRawBufferPointer(rebasing: text.bytes[mark...])) else {
            throw RecordFailure(code: "undecodable-text", message: "the file is not \(encoding.name) throughout")
        }
        let path = scratch + "/recoded.csv"
        guard FileManager.default.createFile(atPath: path, contents: plain) else {
            throw RecordFailure(code: "no-room", message: "the scratch folder cannot be written")
        }
        return try MappedText(path)
    }

    private func plan(_ text: UnsafeRawBufferPointer, start: Int, _ decoder: TextDecoder) throws -> Plan {
        let delimiter = Self.delimiter(text, start)
        var scanner = CSVScanner(delimiter: delimiter, start: start)
        var record = CSVScanner.Record()
        // The first records: how many cells, how many of them filled, where the next one begins.
        var heads: [(cells: Int, filled: Int, next: Int)] = []
        while heads.count < 100, try scanner.next(text, into: &record) {
            let filled = record.cells.filter { !$0.range.isEmpty }.count
            heads.append((record.cells.count, filled, scanner.position))
        }
        guard !heads.isEmpty else { throw RecordFailure(code: "empty-file", message: "the file has no rows") }
        let usual = Dictionary(grouping: heads, by: \.cells).max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }?.key ?? 1
        let headerIndex =
            heads.prefix(Self.headerSearch).firstIndex { $0.cells == usual && $0.filled >= max(min(2, usual), (usual + 1) / 2) } ?? 0

        var plan = Plan(delimiter: delimiter, start: start, names: [], types: [])
        var reader = plan.scanner()
        for _ in 0...headerIndex { _ = try reader.next(text, into: &record) }
        let raw = record.cells.map { cell in
            var name = ""
            reader.bytes(cell, text) { name = decoder.string($0) ?? "" }
            return name.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard raw.count <= RecordFormat.fieldLimit else {
            throw RecordFailure(code: "too-many-columns", message: "\(raw.count) columns; \(RecordFormat.fieldLimit) are the most")
        }
        plan.names = uniqueNames(raw)
        plan.place = CSVPlace(names: plan.names)
        plan.types = Array(repeating: CSVColumnType(), count: raw.count)
        plan.start = heads[headerIndex].next
        if headerIndex > 0 {
            plan.notes.append(RecordNote(code: "title-line", detail: "\(headerIndex) lines above the header were left out"))
        }
        try survey(text, &plan)
        return plan
    }

    private func survey(_ text: UnsafeRawBufferPointer, _ plan: inout Plan) throws {
        var scanner = plan.scanner()
        var record = CSVScanner.Record()
        while try scanner.next(text, into: &record) {
            if record.cells.allSatisfy(\.range.isEmpty) {
                plan.emptyRows += 1
                continue
            }
            plan.rows += 1
            for (index, cell) in record.cells.enumerated() where index < plan.types.count {
                scanner.bytes(cell, text) { plan.types[index].look(at: $0) }
            }
        }
    }

    /// A tab or a semicolon when the first line has some and no comma.
    private static func delimiter(_ text: UnsafeRawBufferPointer, _ start: Int) -> UInt8 {
        let line = text[start...].prefix(8192).prefix { $0 != 0x0A }
        if line.contains(UInt8(ascii: ",")) { return UInt8(ascii: ",") }
        if line.contains(0x09) { return 0x09 }
        return line.contains(UInt8(ascii: ";")) ? UInt8(ascii: ";") : UInt8(ascii: ",")
    }

    // MARK: Sending

    private func send(
        _ text: UnsafeRawBufferPointer, _ plan: Plan, _ fields: [RecordField], _ decoder: TextDecoder, to output: inout RecordOutput
    ) throws {
        var scanner = plan.scanner()
        var record = CSVScanner.Record()
        var row: UInt64 = 0
        while try scanner.next(text, into: &record) {
            defer { row += 1 }  // Empty rows count, so that a row number finds its line.
            if record.cells.allSatisfy(\.range.isEmpty) { continue }
            output.writer.beginFeature(row: row)
            try place(text, scanner, record, plan.place, row, &output)
            for (index, field) in fields.enumerated() {
                guard index < record.cells.count, !record.cells[index].range.isEmpty else {
                    output.writer.null()
                    continue
                }
                try scanner.bytes(record.cells[index], text) { bytes in
                    try value(bytes, field, decoder, row, &output)
                }
            }
            try output.endFeature(row: row)
            if record.cells.count != fields.count {
                let code = record.cells.count < fields.count ? "short-row" : "long-row"
                try output.problem(
                    code, row: row, "line \(record.line) has \(record.cells.count) cells, the header \(fields.count)")
            }
        }
    }

    private func value(
        _ bytes: UnsafeRawBufferPointer, _ field: RecordField, _ decoder: TextDecoder, _ row: UInt64, _ output: inout RecordOutput
    ) throws {
        switch field.type {
        case .integer:
            if case .integer(let number) = CSVNumber(bytes) { return output.writer.integer(number) }
        case .real:
            switch CSVNumber(bytes) {
            case .integer(let number): return output.writer.real(Double(number))
            case .real(let number): return output.writer.real(number)
            case .none: break
            }
        case .boolean:
            if let truth = CSVValue.boolean(bytes) { return output.writer.boolean(truth) }
        case .date:
            if let day = CSVValue.day(bytes) { return output.writer.date(day) }
        default:
            if let text = decoder.decode(bytes) { return output.writer.text(text) }
            output.writer.null()
            return try output.problem("undecodable-text", row: row, field: field.name, "the value is not \(decoder.encoding.name)")
        }
        // The first look saw only such values, so the file must have changed under us.
        throw RecordFailure(code: "changed", message: "the file changed while it was read")
    }

    private func place(
        _ text: UnsafeRawBufferPointer, _ scanner: CSVScanner, _ record: CSVScanner.Record, _ place: CSVPlace?, _ row: UInt64,
        _ output: inout RecordOutput
    ) throws {
        guard let place else { return output.writer.geometry(nil) }
        var isMissing = false
        func coordinate(_ column: Int) -> Double? {
            guard column < record.cells.count else {
                isMissing = true
                return nil
            }
            var result: Double?
            scanner.bytes(record.cells[column], text) { bytes in
                if CSVValue.trimmed(bytes).isEmpty { isMissing = true } else { result = CSVValue.coordinate(bytes) }
            }
            return result
        }
        if let x = coordinate(place.xColumn), let y = coordinate(place.yColumn) {
            return output.writer.geometry(byteCount: 21) { room in
                room.storeBytes(of: 1, as: UInt8.self)
                room.storeBytes(of: UInt32(1).littleEndian, toByteOffset: 1, as: UInt32.self)
                room.storeBytes(of: x.bitPattern.littleEndian, toByteOffset: 5, as: UInt64.self)
                room.storeBytes(of: y.bitPattern.littleEndian, toByteOffset: 13, as: UInt64.self)
            }
        }
        output.writer.geometry(nil)
        if isMissing {
            try output.problem("no-place", row: row, "line \(record.line) has no coordinates")
        } else {
            try output.problem("bad-place", row: row, "the coordinates at line \(record.line) are not numbers")
        }
    }
}

/// A file mapped into memory to be read as bytes.
///
/// Sound as long as nobody shortens the file meanwhile: it is the server's own copy, or one that was unpacked here. If somebody does, this program ends,
/// which its parent sees as a stream that is cut off.
final class MappedText {
    let bytes: UnsafeRawBufferPointer

    init(_ path: String) throws(RecordFailure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RecordFailure(code: "unreadable", message: "the file cannot be opened (\(errno))") }
        defer { close(descriptor) }
        var about = stat()
        guard fstat(descriptor, &about) == 0, about.st_mode & S_IFMT == S_IFREG, about.st_size > 0 else {
            throw RecordFailure(code: "empty-file", message: "the file is empty")
        }
        let memory = mmap(nil, Int(about.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let memory, memory != MAP_FAILED else {
            throw RecordFailure(code: "unreadable", message: "the file cannot be mapped (\(errno))")
        }
        bytes = UnsafeRawBufferPointer(start: memory, count: Int(about.st_size))
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}
