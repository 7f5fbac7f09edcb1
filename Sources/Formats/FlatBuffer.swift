/// A table of a FlatBuffer, for the few that are written once: fields by their number in the schema.
///
/// Written front to back: what a table points to lies behind it, which the format allows as well as the usual order.
/// Reference: FlatBuffers internals, “Format details”.
struct FlatTable {
    indirect enum Value {
        case byte(UInt8)
        case short(UInt16)
        case int(Int32)
        case long(UInt64)
        case text(String)
        case doubles([Double])
        case table(FlatTable)
        case tables([FlatTable])

        /// Bytes in the table itself.
        var size: Int {
            switch self {
            case .byte: 1
            case .short: 2
            case .long: 8
            default: 4
            }
        }
    }

    private var fields: [(number: Int, value: Value)]

    /// Nil values are left out.
    init(_ fields: [(Int, Value?)]) {
        self.fields = fields.compactMap { field in field.1.map { (number: field.0, value: $0) } }
    }

    /// A whole buffer with its size before it, aligned from `start` on, where the size lies.
    func writeSizePrefixed(to writer: inout ByteWriter) {
        let start = writer.count
        writer.raw(UInt32(0))
        writer.raw(UInt32(0))
        let root = write(to: &writer, start: start)
        writer.overwrite(UInt32(root - start - 4), at: start + 4)
        writer.pad(to: 8, from: start)
        writer.overwrite(UInt32(writer.count - start - 4), at: start)
    }

    /// - Returns: where the table begins.
    private func write(to writer: inout ByteWriter, start: Int) -> Int {
        // The largest first, so that each is aligned behind the four bytes at the table's beginning.
        let ordered = fields.sorted { ($1.value.size, $0.number) < ($0.value.size, $1.number) }
        var places: [Int: Int] = [:]
        var size = 4
        for field in ordered {
            places[field.number] = size
            size += field.value.size
        }
        let slots = (fields.map(\.number).max() ?? -1) + 1
        let header = 4 + 2 * slots
        while (writer.count - start + header) % 8 != 4 { writer.byte(0) }
        writer.raw(UInt16(header))
        writer.raw(UInt16(size))
        for slot in 0..<slots { writer.raw(UInt16(places[slot] ?? 0)) }
        let table = writer.count
        writer.raw(Int32(header))
        for field in ordered {
            switch field.value {
            case .byte(let value): writer.byte(value)
            case .short(let value): writer.raw(value)
            case .int(let value): writer.raw(value)
            case .long(let value): writer.raw(value)
            default: writer.raw(UInt32(0))
            }
        }
        for field in ordered { FlatTable.writeChild(field.value, pointer: table + places[field.number]!, to: &writer, start: start) }
        return table
    }

    private static func writeChild(_ value: Value, pointer: Int, to writer: inout ByteWriter, start: Int) {
        var target: Int
        switch value {
        case .byte, .short, .int, .long: return
        case .text(let text):
            writer.pad(to: 4, from: start)
            target = writer.count
            writer.raw(UInt32(text.utf8.count))
            writer.text(text)
            writer.byte(0)
        case .doubles(let numbers):
            while (writer.count - start) % 8 != 4 { writer.byte(0) }
            target = writer.count
            writer.raw(UInt32(numbers.count))
            for number in numbers { writer.raw(number) }
        case .table(let table): target = table.write(to: &writer, start: start)
        case .tables(let tables):
            writer.pad(to: 4, from: start)
            target = writer.count
            writer.raw(UInt32(tables.count))
            for _ in tables { writer.raw(UInt32(0)) }
            for (i, table) in tables.enumerated() {
                let place = table.write(to: &writer, start: start)
                let pointer = target + 4 + 4 * i
                writer.overwrite(UInt32(place - pointer), at: pointer)
            }
        }
        writer.overwrite(UInt32(target - pointer), at: pointer)
    }
}
