import RecordStream

/// Splits delimited text (RFC 4180) into records of cells, over the raw bytes, before any decoding.
///
/// Sound for UTF-8, CP932 and EUC-JP: quotes, delimiters and line ends are never part of another character in them.
struct CSVScanner {
    /// Cells are ranges into `text`; a quoted cell with doubled quotes lies in `unescaped` instead.
    struct Record {
        var cells: [Cell] = []
        /// The line on which it begins, from 1.
        var line = 0
    }

    struct Cell {
        var range: Range<Int>
        var isUnescaped = false
    }

    let delimiter: UInt8
    private(set) var unescaped: [UInt8] = []
    private(set) var position: Int
    private var line = 1

    init(delimiter: UInt8, start: Int) {
        self.delimiter = delimiter
        position = start
    }

    /// The next record into `record`, whose memory is used again; false at the end.
    /// - Throws: `unclosed-quote` when the text ends inside quotes, `record-too-large` for a record of more than 16 MiB.
    mutating func next(_ text: UnsafeRawBufferPointer, into record: inout Record) throws(RecordFailure) -> Bool {
        record.cells.removeAll(keepingCapacity: true)
        unescaped.removeAll(keepingCapacity: true)
        guard position < text.count else { return false }
        record.line = line
        let start = position
        while true {
            let more = try cell(text, into: &record)
            guard position - start <= Self.recordLimit, record.cells.count <= 4 * RecordFormat.fieldLimit else {
                throw RecordFailure(code: "record-too-large", message: "the record at line \(record.line) is too large")
            }
            if !more { return true }
        }
    }

    static let recordLimit = 16 << 20

    /// The bytes of a cell without blanks around it are for the caller to trim.
    func bytes(_ cell: Cell, _ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        if cell.isUnescaped {
            try unescaped.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[cell.range])) }
        } else {
            try body(UnsafeRawBufferPointer(rebasing: text[cell.range]))
        }
    }

    /// One cell; true when another follows in the record.
    private mutating func cell(_ text: UnsafeRawBufferPointer, into record: inout Record) throws(RecordFailure) -> Bool {
        if position < text.count, text[position] == UInt8(ascii: "\"") { return try quoted(text, into: &record) }
        let start = position
        while position < text.count {
            let byte = text[position]
            if byte == delimiter || byte == 0x0A || byte == 0x0D { break }
            position += 1
        }
        record.cells.append(Cell(range: start..<position))
        return afterCell(text)
    }

    private mutating func quoted(_ text: UnsafeRawBufferPointer, into record: inout Record) throws(RecordFailure) -> Bool {
        let openedAt = line
        position += 1
        let start = position
        let place = unescaped.count
        var plain = true
        while true {
            guard position < text.count else {
                throw RecordFailure(code: "unclosed-quote", message: "the quote opened at line \(openedAt) is never closed")
            }
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                if position + 1 < text.count, text[position + 1] == UInt8(ascii: "\"") {
                    // From the first doubled quote on the cell is written anew.
                    if plain {
                        unescaped.append(contentsOf: text[start..<position])
                        plain = false
                    }
                    unescaped.append(byte)
                    position += 2
                    continue
                }
                break
            }
            if byte == 0x0A { line += 1 }
            if !plain { unescaped.append(byte) }
            position += 1
        }
        let end = position
        position += 1
        // Letters between the closing quote and the delimiter belong to the cell, as spreadsheets have it.
        while position < text.count, text[position] != delimiter, text[position] != 0x0A, text[position] != 0x0D {
            if plain {
                unescaped.append(contentsOf: text[start..<end])
                plain = false
            }
            unescaped.append(text[position])
            position += 1
        }
        record.cells.append(plain ? Cell(range: start..<end) : Cell(range: place..<unescaped.count, isUnescaped: true))
        return afterCell(text)
    }

    /// Past the delimiter (true) or the end of the line (false).
    private mutating func afterCell(_ text: UnsafeRawBufferPointer) -> Bool {
        guard position < text.count else { return false }
        if text[position] == delimiter {
            position += 1
            return true
        }
        if text[position] == 0x0D { position += 1 }
        if position < text.count, text[position] == 0x0A { position += 1 }
        line += 1
        return false
    }
}
