import Geo
import LayerStore

/// One condition on one column, ready to be put to many rows.
enum Predicate {
    /// No row can have the value.
    case never
    case code(Column, Int)
    case text(Column, [UInt8])
    case integer(Column, Int64)
    case real(Column, Double)
    case boolean(Column, Bool)
    case date(Column, Day)
    /// Days or instants within the span, and those that are null.
    case time(Column, TimeSpan)

    /// The equality of a query string, its text read as the attribute's type.
    init(_ equality: ItemsRequest.Equality, in source: RowSource) throws(QueryError) {
        guard let number = source.column(named: equality.attribute) else { throw .unknownProperty(equality.attribute) }
        let column = source.file.columns[number]
        func bad() -> QueryError { .invalidValue(property: equality.attribute, value: equality.value) }
        switch column.attribute.type {
        case .integer:
            guard let value = Int64(equality.value) else { throw bad() }
            self = .integer(column, value)
        case .real:
            guard let value = Double(equality.value), value.isFinite else { throw bad() }
            self = .real(column, value)
        case .boolean:
            switch equality.value {
            case "true", "1": self = .boolean(column, true)
            case "false", "0": self = .boolean(column, false)
            default: throw bad()
            }
        case .date:
            guard let day = Predicate.day(equality.value) else { throw bad() }
            self = .date(column, day)
        case .time, .json: throw bad()
        case .text:
            let bytes = Array(equality.value.utf8)
            if let entries = column.entryCount {
                self = Predicate.find(bytes, column, entries).map { .code(column, $0) } ?? .never
            } else {
                self = .text(column, bytes)
            }
        }
    }

    var column: Column? {
        switch self {
        case .never: nil
        case .code(let column, _), .text(let column, _), .integer(let column, _), .real(let column, _), .boolean(let column, _),
            .time(let column, _), .date(let column, _):
            column
        }
    }

    /// False when the block's statistic shows that none of its rows can hold.
    func mayHold(_ statistic: Column.Statistic) -> Bool {
        switch self {
        case .code(_, let code): statistic.integers?.contains(Int64(code)) ?? false
        case .integer(_, let value): statistic.integers?.contains(value) ?? false
        case .date(_, let day): statistic.integers?.contains(Int64(day.daysSince1970)) ?? false
        case .real(_, let value): statistic.reals?.contains(value) ?? false
        default: true
        }
    }

    /// Keeps the rows that hold, in order, and returns how many. The rows were touched.
    func keep(_ rows: UnsafeMutableBufferPointer<Int32>, count: Int) -> Int {
        switch self {
        case .never: return 0
        case .code(let column, let code): return compact(rows, count) { !column.isNull($0) && column.code($0) == code }
        case .integer(let column, let value):
            return compact(rows, count) { if case .integer(let v) = column.value($0) { v == value } else { false } }
        case .real(let column, let value):
            return compact(rows, count) { if case .real(let v) = column.value($0) { v == value } else { false } }
        case .boolean(let column, let value):
            return compact(rows, count) { if case .boolean(let v) = column.value($0) { v == value } else { false } }
        case .date(let column, let day):
            return compact(rows, count) { if case .date(let v) = column.value($0) { v == day } else { false } }
        case .text(let column, let bytes):
            return bytes.withUnsafeBytes { wanted in
                compact(rows, count) { row in
                    guard case .text(let text) = column.value(row), text.count == wanted.count else { return false }
                    return text.elementsEqual(wanted)
                }
            }
        case .time(let column, let span):
            return compact(rows, count) { row in
                switch column.value(row) {
                case .time(let instant): span.meets(instant.microseconds, instant.microseconds)
                case .date(let day): span.meets(day.startInJapan, day.startInJapan + 86_400_000_000 - 1)
                default: true
                }
            }
        }
    }

    @inline(__always)
    private func compact(_ rows: UnsafeMutableBufferPointer<Int32>, _ count: Int, _ holds: (Int) -> Bool) -> Int {
        var kept = 0
        for i in 0..<count {
            rows[kept] = rows[i]
            if holds(Int(rows[i])) { kept += 1 }
        }
        return kept
    }

    /// The dictionary entry with these bytes; entries are sorted by their bytes.
    private static func find(_ bytes: [UInt8], _ column: Column, _ entries: Int) -> Int? {
        var (low, high) = (0, entries)
        while low < high {
            let middle = (low + high) / 2
            if column.entry(middle).lexicographicallyPrecedes(bytes) { low = middle + 1 } else { high = middle }
        }
        return low < entries && column.entry(low).elementsEqual(bytes) ? low : nil
    }

    /// `2024-03-31`.
    static func day(_ text: String) -> Day? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        return Day(year: year, month: month, day: day)
    }
}

extension Day {
    /// Microseconds since 1970-01-01T00:00:00Z of the day's beginning in Japan (UTC+9).
    var startInJapan: Int64 { Int64(daysSince1970) * 86_400_000_000 - 9 * 3_600_000_000 }
}

extension TimeSpan {
    /// Whether any instant from `first` to `last` lies in the span.
    func meets(_ first: Int64, _ last: Int64) -> Bool {
        (start.map { last >= $0 } ?? true) && (end.map { first <= $0 } ?? true)
    }
}
