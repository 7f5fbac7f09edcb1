import Geo
import LayerStore

/// The different combinations of some attributes' values among chosen rows, numbered; and for each chosen row the number of its own.
struct ValueKeys: Sendable {
    /// One number for each row; empty when all rows have the only key.
    private let numbers: [UInt32]
    /// The values of each key, in the order of the properties.
    let values: [[AttributeValue]]

    var count: Int { values.count }

    @inline(__always) subscript(row: Int) -> Int { numbers.isEmpty ? 0 : Int(numbers[row]) }

    /// No attribute: one key for all.
    static let one = ValueKeys(numbers: [], values: [[]])

    private init(numbers: [UInt32], values: [[AttributeValue]]) {
        (self.numbers, self.values) = (numbers, values)
    }

    /// - Parameter limit: of different keys.
    /// - Throws: `limitExceeded`.
    /// - Complexity: O(rows × columns)
    init(_ source: RowSource, _ columns: [Int], rows: [Int32], limit: Int, deadline: Deadline) throws(QueryError) {
        guard !columns.isEmpty else {
            self = .one
            return
        }
        var keys: [Int: UInt32] = [:]
        var combined = [Int](repeating: 0, count: rows.count)
        var values: [[AttributeValue]] = [[]]
        for column in columns {
            var interner = Interner(source.file.columns[column])
            var next: [[AttributeValue]] = []
            keys.removeAll(keepingCapacity: true)
            for (i, row) in rows.enumerated() {
                if i & 4095 == 0 { try deadline.check() }
                let value = try reading(source.layer) { () throws(LayerFileError) in try interner.number(Int(row)) }
                // The key so far and this column's value make the next key.
                let pair = combined[i] << 32 | value
                if let known = keys[pair] {
                    combined[i] = Int(known)
                } else {
                    guard next.count < limit else { throw .tooManyGroups(limit) }
                    keys[pair] = UInt32(next.count)
                    next.append(values[combined[i]] + [interner.value(value)])
                    combined[i] = next.count - 1
                }
            }
            values = next
        }
        self.init(numbers: combined.map { UInt32($0) }, values: values)
    }

    /// Numbers the different values of one column.
    private struct Interner {
        private let column: Column
        /// By dictionary code.
        private var codes: [UInt32] = []
        private var integers: [Int64: UInt32] = [:]
        /// By their bytes: strings that look alike are equal in Swift, and different texts.
        private var texts: [[UInt8]: UInt32] = [:]
        private var null: UInt32?
        private var values: [AttributeValue] = []

        init(_ column: Column) {
            self.column = column
            if let entries = column.entryCount { codes = [UInt32](repeating: .max, count: entries) }
        }

        func value(_ number: Int) -> AttributeValue { values[number] }

        mutating func number(_ row: Int) throws(LayerFileError) -> Int {
            try column.touch(row..<row + 1)
            if column.isNull(row) { return Interner.keep(&null, &values, .null) }
            if !codes.isEmpty {
                let code = column.code(row)
                if codes[code] == .max {
                    codes[code] = UInt32(values.count)
                    values.append(try column.attributeValue(row))
                }
                return Int(codes[code])
            }
            switch column.value(row) {
            case .null: return Interner.keep(&null, &values, .null)
            case .integer(let value): return Interner.keep(&integers[value], &values, .integer(value))
            case .real(let value): return Interner.keep(&integers[Int64(bitPattern: value.bitPattern)], &values, .real(value))
            case .boolean(let value): return Interner.keep(&integers[value ? 1 : 0], &values, .boolean(value))
            case .date(let day): return Interner.keep(&integers[Int64(day.daysSince1970)], &values, .date(day))
            // One instant, in whatever zone it was written.
            case .time(let time):
                return Interner.keep(&integers[time.microseconds], &values, .time(Instant(microseconds: time.microseconds, zoneMinutes: 0)))
            case .text(let bytes):
                return Interner.keep(&texts[Array(bytes)], &values, .text(String(decoding: bytes, as: UTF8.self)))
            case .json(let bytes):
                return Interner.keep(&texts[Array(bytes)], &values, .json(String(decoding: bytes, as: UTF8.self)))
            }
        }

        private static func keep(_ place: inout UInt32?, _ values: inout [AttributeValue], _ value: @autoclosure () -> AttributeValue)
            -> Int
        {
            if let number = place { return Int(number) }
            place = UInt32(values.count)
            values.append(value())
            return values.count - 1
        }
    }
}

extension AttributeValue {
    /// Ascending: numbers by value, texts by code point, nulls last. Values are of one type or null.
    func precedes(_ other: AttributeValue) -> Bool {
        switch (self, other) {
        case (.null, _): false
        case (_, .null): true
        case (.integer(let a), .integer(let b)): a < b
        case (.real(let a), .real(let b)): a < b
        case (.boolean(let a), .boolean(let b)): !a && b
        case (.date(let a), .date(let b)): a < b
        case (.time(let a), .time(let b)): a.microseconds < b.microseconds
        case (.text(let a), .text(let b)), (.json(let a), .json(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        default: false
        }
    }
}

extension QueryError {
    static func tooManyGroups(_ limit: Int) -> QueryError {
        .limitExceeded(ja: "集計の組が\(limit)を超えます。条件を絞ってください。", en: "There are more than \(limit) groups. Narrow the question.")
    }
}
