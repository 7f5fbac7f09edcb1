import CQL2
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
    /// Microseconds since 1970-01-01T00:00:00Z.
    case instants(Column, ClosedRange<Int64>)
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
        case .time:
            // A date alone is that whole day in Japan.
            guard !equality.value.contains("/"), let span = TimeSpan(datetime: equality.value), let start = span.start, let end = span.end
            else { throw bad() }
            self = .instants(column, start...end)
        case .json: throw bad()
        case .text:
            let bytes = Array(equality.value.utf8)
            if let entries = column.entryCount {
                self = Predicate.find(bytes, column, entries).map { .code(column, $0) } ?? .never
            } else {
                self = .text(column, bytes)
            }
        }
    }

    /// The condition as the scan asks it.
    func node(_ context: FilterContext) throws(QueryError) -> TruthNode {
        let layer = context.layer
        func test(_ column: Column, _ values: ColumnTest.Values) -> ColumnTest {
            ColumnTest(layer, column, values, negated: false, text: "\(column.attribute.name) = a value")
        }
        func whole(_ value: Int64) -> ValueRanges<Int64> { ValueRanges([value...value]) }
        switch self {
        case .never: return ConstantNode(Truth.no)
        case .code(let column, let code): return test(column, .codes(whole(Int64(code))))
        case .text(let column, let bytes):
            return CompareTexts(context, ComparisonRule(.equal), TextColumn(layer, column), TextConstant(bytes))
        case .integer(let column, let value): return test(column, .whole(whole(value)))
        case .real(let column, let value): return test(column, .real(ValueRanges([value...value])))
        case .boolean(let column, let value): return test(column, .truth(value))
        case .date(let column, let day): return test(column, .whole(whole(Int64(day.daysSince1970))))
        case .instants(let column, let range): return test(column, .whole(ValueRanges([range])))
        case .time(let column, let span):
            var (start, end) = (span.start ?? .min, span.end ?? .max)
            if case .days = column.layout { (start, end) = (Day.inJapan(start), Day.inJapan(end)) }
            let inside = test(column, .whole(ValueRanges(start <= end ? [start...end] : [])))
            return JunctionNode(context, all: false, [NullTest(layer, column, negated: false), inside])
        }
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
