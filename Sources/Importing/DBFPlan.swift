import Foundation
import Geo
import RecordStream

/// What the columns of a table become, decided by looking at all of it once.
struct DBFPlan {
    enum Form { case text, integer, real, exactNumber, boolean, date, binaryInteger, binaryReal }

    struct Column {
        var place: Range<Int>
        var form: Form
        var field: RecordField
    }

    var columns: [Column] = []
    var encoding: SourceEncoding
    var decoder: TextDecoder
    var notes: [RecordNote] = []
    /// Problems that are about the whole table.
    var problems: [RecordProblem] = []

    /// - Parameters:
    ///   - given: the encoding that the person named.
    ///   - companion: the content of the `.cpg` file.
    init(_ table: DBFTable, given: String?, companion: String?) throws {
        var survey = try Survey(table)
        for column in table.columns { column.nameBytes.withUnsafeBytes { survey.evidence.look(at: $0, mayBeCut: true) } }
        (encoding, problems) = try Self.choose(given: given, companion: companion, survey.evidence)
        guard let chosen = TextEncoding(named: encoding.name) else {
            throw RecordFailure(code: "unknown-encoding", message: "no encoding is known by the name given")
        }
        decoder = try TextDecoder(chosen)
        if table.declaredCount > table.count {
            problems.append(
                RecordProblem(code: "table-cut", detail: "the table says \(table.declaredCount) rows and holds \(table.count)"))
        }
        let decoder = decoder
        let names = uniqueNames(table.columns.map { Self.name($0.nameBytes, decoder) })
        for (index, column) in table.columns.enumerated() {
            guard let form = Self.form(column, survey.numbers[index]) else {
                notes.append(
                    RecordNote(code: "binary-column", detail: "the column \(names[index]) holds no text or numbers and is left out"))
                continue
            }
            if form == .exactNumber {
                notes.append(
                    RecordNote(code: "large-numbers", detail: "the column \(names[index]) has numbers beyond 64 bits and is kept as text"))
            }
            columns.append(
                Column(
                    place: column.place, form: form,
                    field: RecordField(name: names[index], type: Self.type(form), width: column.place.count)))
        }
    }

    /// Explicit, then `.cpg` unless the bytes speak against it and for another, then what the bytes say.
    private static func choose(given: String?, companion: String?, _ evidence: EncodingEvidence) throws -> (SourceEncoding, [RecordProblem])
    {
        if let given {
            guard let encoding = TextEncoding(named: given) else {
                throw RecordFailure(code: "unknown-encoding", message: "no encoding is known by the name given")
            }
            return (SourceEncoding(name: encoding.name, how: .given), [])
        }
        let best = evidence.best
        guard let companion, let named = TextEncoding(named: companion) else {
            let unclear = companion == nil ? [] : [RecordProblem(code: "wrong-encoding-file", detail: "the .cpg file names no encoding")]
            return (SourceEncoding(name: best.name, how: .detected), unclear)
        }
        if let against = evidence.against(named), against > 0, evidence.against(best) == 0 {
            let detail = "the .cpg file says \(named.name), but \(against) values are not; all of them are \(best.name), which was taken"
            return (SourceEncoding(name: best.name, how: .detected), [RecordProblem(code: "wrong-encoding-file", detail: detail)])
        }
        return (SourceEncoding(name: named.name, how: .companion), [])
    }

    /// A name of ten bytes may end inside a character, whose beginning is dropped then.
    static func name(_ bytes: [UInt8], _ decoder: TextDecoder) -> String {
        for cut in 0..<min(4, bytes.count + 1) {
            let name = bytes.dropLast(cut).withUnsafeBytes { decoder.string($0) }
            if let name { return name.trimmingCharacters(in: .whitespaces) }
        }
        return ""
    }

    private static func form(_ column: DBFTable.Column, _ numbers: Survey.Numbers) -> Form? {
        switch column.kind {
        case UInt8(ascii: "C"): .text
        case UInt8(ascii: "N"), UInt8(ascii: "F"):
            numbers.large
                ? (numbers.fractions || column.decimals > 0 ? .real : .exactNumber)
                : numbers.fractions || column.decimals > 0 ? .real : .integer
        case UInt8(ascii: "D"): column.place.count == 8 ? .date : .text
        case UInt8(ascii: "L"): .boolean
        case UInt8(ascii: "I"), UInt8(ascii: "+"): column.place.count == 4 ? .binaryInteger : nil
        case UInt8(ascii: "O"), UInt8(ascii: "B"): column.place.count == 8 ? .binaryReal : nil
        default: nil
        }
    }

    private static func type(_ form: Form) -> AttributeType {
        switch form {
        case .text, .exactNumber: .text
        case .integer, .binaryInteger: .integer
        case .real, .binaryReal: .real
        case .boolean: .boolean
        case .date: .date
        }
    }

    /// One look at every value.
    private struct Survey {
        struct Numbers {
            var fractions = false
            var large = false
        }

        var evidence = EncodingEvidence()
        var numbers: [Numbers]

        init(_ table: DBFTable) throws {
            numbers = Array(repeating: Numbers(), count: table.columns.count)
            for index in 0..<table.count {
                let record = try table.record(index)
                if record[0] == DBFTable.deleted { continue }
                for (position, column) in table.columns.enumerated() {
                    let bytes = UnsafeRawBufferPointer(rebasing: record[column.place])
                    switch column.kind {
                    case UInt8(ascii: "C"):
                        let value = DBFTable.trimmed(bytes)
                        evidence.look(at: value, mayBeCut: value.count == bytes.count)
                    case UInt8(ascii: "N"), UInt8(ascii: "F"):
                        // Most columns are settled by their declaration: only the rest is worth the time.
                        if column.decimals > 0 { continue }
                        switch DBFNumber(bytes) {
                        case .large: numbers[position].large = true
                        case .real: numbers[position].fractions = true
                        default: break
                        }
                    default: break
                    }
                }
            }
        }
    }

    /// Sends the values of a record.
    func write(_ record: UnsafeRawBufferPointer, row: UInt64, to output: inout RecordOutput) throws {
        for column in columns {
            let bytes = UnsafeRawBufferPointer(rebasing: record[column.place])
            let name = column.field.name
            switch column.form {
            case .text: try text(bytes, name, row, &output)
            case .integer, .real: try number(bytes, column, row, &output)
            case .exactNumber:
                if case .none = DBFNumber(bytes) {
                    output.writer.null()
                } else {
                    output.writer.text(String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces))
                }
            case .boolean:
                switch bytes.first {
                case UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: "Y"), UInt8(ascii: "y"): output.writer.boolean(true)
                case UInt8(ascii: "F"), UInt8(ascii: "f"), UInt8(ascii: "N"), UInt8(ascii: "n"): output.writer.boolean(false)
                default: output.writer.null()
                }
            case .date: try date(bytes, name, row, &output)
            case .binaryInteger:
                output.writer.integer(Int64(Int32(littleEndian: bytes.loadUnaligned(as: Int32.self))))
            case .binaryReal:
                let bits = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
                try output.real(Double(bitPattern: bits), row: row, field: name)
            }
        }
    }

    /// Nulls for a row that the table does not have.
    func writeNothing(to output: inout RecordOutput) {
        for _ in columns { output.writer.null() }
    }

    private func text(_ bytes: UnsafeRawBufferPointer, _ name: String, _ row: UInt64, _ output: inout RecordOutput) throws {
        let value = DBFTable.trimmed(bytes)
        guard !value.isEmpty else { return output.writer.null() }
        if let decoded = decoder.decode(value) { return output.writer.text(decoded) }
        // A value that fills its column may have been cut inside its last character; the rest of it is good.
        if value.count == bytes.count {
            for cut in 1..<min(4, value.count) {
                guard let decoded = decoder.decode(UnsafeRawBufferPointer(rebasing: value.dropLast(cut))) else { continue }
                output.writer.text(decoded)
                return try output.problem("cut-text", row: row, field: name, "the value fills its column and was cut inside a character")
            }
        }
        output.writer.null()
        try output.problem("undecodable-text", row: row, field: name, "the value is not \(encoding.name)")
    }

    private func number(_ bytes: UnsafeRawBufferPointer, _ column: Column, _ row: UInt64, _ output: inout RecordOutput) throws {
        switch (DBFNumber(bytes), column.form) {
        case (.none, _): output.writer.null()
        case (.integer(let number), .integer): output.writer.integer(number)
        case (.integer(let number), _): output.writer.real(Double(number))
        case (.real(let number), .real): output.writer.real(number)
        case (.large, .real):
            let number = Double(String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)) ?? .nan
            try output.real(number, row: row, field: column.field.name)
        default:
            output.writer.null()
            try output.problem("bad-number", row: row, field: column.field.name, "the value is not a number")
        }
    }

    /// `YYYYMMDD`; blanks and zeros are no date.
    private func date(_ bytes: UnsafeRawBufferPointer, _ name: String, _ row: UInt64, _ output: inout RecordOutput) throws {
        guard bytes.contains(where: { $0 > 0x20 && $0 != 0x30 }) else { return output.writer.null() }
        let digits = bytes.allSatisfy { (0x30...0x39).contains($0) }
        func number(_ range: Range<Int>) -> Int { range.reduce(0) { $0 * 10 + Int(bytes[$1] - 0x30) } }
        guard digits, let day = Day(year: number(0..<4), month: number(4..<6), day: number(6..<8)) else {
            output.writer.null()
            return try output.problem("bad-date", row: row, field: name, "there is no such day")
        }
        output.writer.date(day)
    }
}
