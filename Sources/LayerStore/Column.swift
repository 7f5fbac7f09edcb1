public import Geo

/// One attribute of all rows of an open layer file.
///
/// `touch` a run of rows, then read them: the readers below it check no block.
public struct Column: @unchecked Sendable {
    public let attribute: Attribute
    @usableFromInline let nulls: Section?
    @usableFromInline let storage: Storage
    let statistics: Section?
    let rows: Int

    @usableFromInline
    enum Storage {
        case integers(Section)
        case reals(Section)
        case booleans(Section)
        case dates(Section)
        case times(Section, zones: Section)
        case texts(Steps, Section)
        case dictionary(Section, width: Int, Steps, Section, entries: Int)
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
        if let nulls { try nulls.touch(first >> 3, (range.upperBound + 7) >> 3 - first >> 3) }
        switch storage {
        case .integers(let values), .reals(let values): try values.touch(8 * first, 8 * count)
        case .booleans(let values): try values.touch(first, count)
        case .dates(let values): try values.touch(4 * first, 4 * count)
        case .times(let values, let zones):
            try values.touch(8 * first, 8 * count)
            try zones.touch(2 * first, 2 * count)
        case .texts(let steps, let bytes):
            try steps.touch(range)
            let start = steps.start(first)
            try bytes.touch(start, steps.start(range.upperBound) - start)
        case .dictionary(let codes, let width, _, _, _): try codes.touch(width * first, width * count)
        }
    }

    @inlinable @inline(__always)
    public func isNull(_ row: Int) -> Bool {
        guard let nulls else { return false }
        return nulls.load(row >> 3, as: UInt8.self) & (1 << UInt8(row & 7)) != 0
    }

    /// The value of a row that was touched.
    @inlinable
    public func value(_ row: Int) -> Value {
        if isNull(row) { return .null }
        switch storage {
        case .integers(let values): return .integer(values.load(row, as: Int64.self))
        case .reals(let values): return .real(values.load(row, as: Double.self))
        case .booleans(let values): return .boolean(values.load(row, as: UInt8.self) != 0)
        case .dates(let values): return .date(Day(daysSince1970: values.load(row, as: Int32.self)))
        case .times(let values, let zones):
            let zone = zones.load(row, as: Int16.self)
            return .time(Instant(microseconds: values.load(row, as: Int64.self), zoneMinutes: zone == .max ? nil : zone))
        case .texts(let steps, let bytes):
            let start = steps.start(row)
            let text = UnsafeRawBufferPointer(start: bytes.base + start, count: steps.start(row + 1) - start)
            return attribute.type == .json ? .json(text) : .text(text)
        case .dictionary: return .text(entry(code(row)))
        }
    }

    /// For a column with a dictionary, how many entries it has, in the order of their code points; nil for others.
    public var entryCount: Int? {
        if case .dictionary(_, _, _, _, let entries) = storage { return entries }
        return nil
    }

    /// Which entry of the dictionary a touched row has; of a null row, any.
    @inlinable @inline(__always)
    public func code(_ row: Int) -> Int {
        guard case .dictionary(let codes, let width, _, _, let entries) = storage else {
            preconditionFailure("a column without a dictionary")
        }
        let code = width == 1 ? Int(codes.load(row, as: UInt8.self)) : Int(codes.load(row, as: UInt16.self))
        precondition(code < entries)
        return code
    }

    /// An entry of the dictionary: UTF-8, valid as long as the file is open.
    @inlinable
    public func entry(_ code: Int) -> UnsafeRawBufferPointer {
        guard case .dictionary(_, _, let steps, let bytes, let entries) = storage, code < entries else {
            preconditionFailure("no such entry")
        }
        let start = steps.start(code)
        return UnsafeRawBufferPointer(start: bytes.base + start, count: steps.start(code + 1) - start)
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
        guard let statistics, 24 * block + 24 <= statistics.length else { return nil }
        try statistics.touch(24 * block, 24)
        let nullCount = Int(statistics.load(3 * block + 2, as: Int64.self))
        if case .reals = storage {
            let (low, high) = (statistics.load(3 * block, as: Double.self), statistics.load(3 * block + 1, as: Double.self))
            return Statistic(integers: nil, reals: low <= high ? low...high : nil, nullCount: nullCount)
        }
        let (low, high) = (statistics.load(3 * block, as: Int64.self), statistics.load(3 * block + 1, as: Int64.self))
        return Statistic(integers: low <= high ? low...high : nil, reals: nil, nullCount: nullCount)
    }
}
