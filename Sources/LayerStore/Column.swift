public import Geo

/// One attribute of all rows of an open layer file.
///
/// `touch` a run of rows, then read them: the readers below it check no block. A column is a pointer into its file, so it is copied and
/// passed on for nothing in inner loops, and is valid only as long as the file is open.
public struct Column: @unchecked Sendable {
    @usableFromInline let record: UnsafePointer<Record>

    public var attribute: Attribute { record.pointee.attribute }

    /// Where a column's values lie. The open file owns one for each column, and never changes it.
    @usableFromInline
    struct Record {
        let attribute: Attribute
        @usableFromInline let form: Form
        @usableFromInline let nulls: Section?
        /// Numbers, truth values, days, microseconds, codes, or the bytes of texts.
        @usableFromInline let values: Section
        /// Minutes, for times.
        @usableFromInline var zones: Section?
        /// Where texts begin in `values`, or entries in `entries`.
        @usableFromInline var steps: Steps?
        /// The bytes of a dictionary's entries.
        @usableFromInline var entries: Section?
        /// Entries of the dictionary.
        @usableFromInline var entryCount = 0
        /// Bytes of a value in `values`, where it has a fixed size.
        @usableFromInline let width: Int
        let statistics: Section?
    }

    @usableFromInline
    enum Form: UInt8 {
        case integers
        case reals
        case booleans
        case dates
        case times
        case texts
        case json
        case dictionary
    }

    /// A value where it lies.
    public enum Value {
        case null
        case integer(Int64)
        case real(Double)
        case boolean(Bool)
        case date(Day)
        case time(Instant)
        /// UTF-8, valid as long as the file is open.
        case text(UnsafeRawBufferPointer)
        /// JSON in UTF-8.
        case json(UnsafeRawBufferPointer)
    }

    /// Checks the blocks that the values of these rows lie in.
    @inlinable
    public func touch(_ range: Range<Int>) throws(LayerFileError) {
        let (first, count) = (range.lowerBound, range.count)
        if let nulls = record.pointee.nulls { try nulls.touch(first >> 3, (range.upperBound + 7) >> 3 - first >> 3) }
        switch record.pointee.form {
        case .texts, .json:
            let steps = record.pointee.steps!
            try steps.touch(range)
            let start = steps.start(first)
            try record.pointee.values.touch(start, steps.start(range.upperBound) - start)
        case .times:
            try record.pointee.zones!.touch(2 * first, 2 * count)
            try record.pointee.values.touch(8 * first, 8 * count)
        default: try record.pointee.values.touch(record.pointee.width * first, record.pointee.width * count)
        }
    }

    @inlinable @inline(__always)
    public func isNull(_ row: Int) -> Bool {
        guard let nulls = record.pointee.nulls else { return false }
        return nulls.load(row >> 3, as: UInt8.self) & (1 << UInt8(row & 7)) != 0
    }

    /// The value of a row that was touched.
    @inlinable @inline(__always)
    public func value(_ row: Int) -> Value {
        if isNull(row) { return .null }
        switch record.pointee.form {
        case .integers: return .integer(record.pointee.values.load(row, as: Int64.self))
        case .reals: return .real(record.pointee.values.load(row, as: Double.self))
        case .booleans: return .boolean(record.pointee.values.load(row, as: UInt8.self) != 0)
        case .dates: return .date(Day(daysSince1970: record.pointee.values.load(row, as: Int32.self)))
        case .times:
            let zone = record.pointee.zones!.load(row, as: Int16.self)
            let microseconds = record.pointee.values.load(row, as: Int64.self)
            return .time(Instant(microseconds: microseconds, zoneMinutes: zone == .max ? nil : zone))
        case .texts: return .text(bytes(row))
        case .json: return .json(bytes(row))
        case .dictionary: return .text(entry(code(row)))
        }
    }

    @inlinable @inline(__always)
    func bytes(_ row: Int) -> UnsafeRawBufferPointer {
        let steps = record.pointee.steps!
        let start = steps.start(row)
        return UnsafeRawBufferPointer(start: record.pointee.values.base + start, count: steps.start(row + 1) - start)
    }

    /// For a column with a dictionary, how many entries it has, in the order of their code points; nil for others.
    public var entryCount: Int? { record.pointee.form == .dictionary ? record.pointee.entryCount : nil }

    /// Which entry of the dictionary a touched row has; of a null row, any.
    @inlinable @inline(__always)
    public func code(_ row: Int) -> Int {
        precondition(record.pointee.form == .dictionary, "a column without a dictionary")
        let values = record.pointee.values
        let code = record.pointee.width == 1 ? Int(values.load(row, as: UInt8.self)) : Int(values.load(row, as: UInt16.self))
        precondition(code < record.pointee.entryCount)
        return code
    }

    /// An entry of the dictionary: UTF-8, valid as long as the file is open.
    @inlinable
    public func entry(_ code: Int) -> UnsafeRawBufferPointer {
        precondition(code >= 0 && code < record.pointee.entryCount, "no such entry")
        let steps = record.pointee.steps!
        let start = steps.start(code)
        return UnsafeRawBufferPointer(start: record.pointee.entries!.base + start, count: steps.start(code + 1) - start)
    }

    /// The value of any row, owned.
    public func attributeValue(_ row: Int) throws(LayerFileError) -> AttributeValue {
        try touch(row..<row + 1)
        switch value(row) {
        case .null: return .null
        case .integer(let value): return .integer(value)
        case .real(let value): return .real(value)
        case .boolean(let value): return .boolean(value)
        case .date(let value): return .date(value)
        case .time(let value): return .time(value)
        case .text(let bytes): return .text(String(decoding: bytes, as: UTF8.self))
        case .json(let bytes): return .json(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// An integer or a text as text; nil for null and for other types.
    func string(_ row: Int) throws(LayerFileError) -> String? {
        switch try attributeValue(row) {
        case .text(let text): text
        case .integer(let number): String(number)
        default: nil
        }
    }

    /// What is known of 4,096 rows without looking at them.
    public struct Statistic: Sendable, Equatable {
        /// Integers, dates (days), times (microseconds) and dictionary codes; empty when all are null.
        public var integers: ClosedRange<Int64>?
        public var reals: ClosedRange<Double>?
        public var nullCount: Int
    }

    /// Rows that share a statistic.
    public static let statisticRows = LayerFileFormat.statisticRows

    /// The statistic of the rows `block × 4096 ..< (block + 1) × 4096`; nil when the column has none.
    public func statistic(_ block: Int) throws(LayerFileError) -> Statistic? {
        guard let statistics = record.pointee.statistics, 24 * block + 24 <= statistics.length else { return nil }
        try statistics.touch(24 * block, 24)
        let nullCount = Int(statistics.load(3 * block + 2, as: Int64.self))
        if record.pointee.form == .reals {
            let (low, high) = (statistics.load(3 * block, as: Double.self), statistics.load(3 * block + 1, as: Double.self))
            return Statistic(integers: nil, reals: low <= high ? low...high : nil, nullCount: nullCount)
        }
        let (low, high) = (statistics.load(3 * block, as: Int64.self), statistics.load(3 * block + 1, as: Int64.self))
        return Statistic(integers: low <= high ? low...high : nil, reals: nil, nullCount: nullCount)
    }
}
