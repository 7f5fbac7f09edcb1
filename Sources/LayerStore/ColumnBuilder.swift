import Geo

/// One column while features come in: the value at hand, and what the column's sections will need.
final class ColumnBuilder {
    let attribute: Attribute
    let dictionary: TextDictionary?
    private(set) var nullCount = 0
    /// Bytes of all texts, for a column stored plainly.
    private(set) var textBytes = 0
    /// Integers and dates only; nil before the first value.
    private(set) var integerRange: ClosedRange<Int64>?

    private var tag = SpillTag.null
    private var bits: UInt64 = 0
    private var zone: Int16 = 0
    /// The text at hand; memory of our own, so that the inner loop follows no reference.
    private var text = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
    private var textCount = 0

    init(_ attribute: Attribute) {
        self.attribute = attribute
        dictionary = attribute.type == .text ? TextDictionary() : nil
    }

    deinit { text.deallocate() }

    @inline(__always)
    func setFixed(_ type: AttributeType, _ bits: UInt64) {
        precondition(type == attribute.type, "a value of another type than the column's")
        tag = .fixed
        self.bits = bits
    }

    func setTime(_ time: Instant) {
        precondition(attribute.type == .time, "a value of another type than the column's")
        tag = .time
        bits = UInt64(bitPattern: time.microseconds)
        zone = time.zoneMinutes ?? .max
    }

    @inline(__always)
    func setText(_ type: AttributeType, _ text: UnsafeRawBufferPointer) {
        precondition(type == attribute.type, "a value of another type than the column's")
        tag = .text
        if text.count > self.text.count {
            self.text.deallocate()
            self.text = .allocate(byteCount: 2 * text.count, alignment: 16)
        }
        self.text.copyMemory(from: text)
        textCount = text.count
    }

    /// The most bytes that `endRow` writes to each of its targets, besides those of the text at hand.
    static let roomBesidesText = 16

    /// Writes the value to the record, and to `content` in the form that is hashed, and forgets it. Both pointers move behind what was written.
    @inline(__always)
    func endRow(record: inout UnsafeMutableRawPointer, content: inout UnsafeMutableRawPointer) {
        let isContent = attribute.visibility == .public
        switch tag {
        case .null:
            nullCount += 1
            put(SpillTag.null.rawValue, at: &record)
            if isContent { put(SpillTag.null.rawValue, at: &content) }
        case .fixed:
            put(SpillTag.fixed.rawValue, at: &record)
            put(bits, at: &record)
            if attribute.type == .integer || attribute.type == .date { widen(Int64(bitPattern: bits)) }
            if isContent {
                put(SpillTag.fixed.rawValue, at: &content)
                put(bits, at: &content)
            }
        case .time:
            put(SpillTag.time.rawValue, at: &record)
            put(bits, at: &record)
            put(zone, at: &record)
            if isContent {
                put(SpillTag.time.rawValue, at: &content)
                put(bits, at: &content)
                put(zone, at: &content)
            }
        case .text, .code:
            textBytes += textCount
            let bytes = UnsafeRawBufferPointer(rebasing: text[..<textCount])
            if let code = dictionary?.intern(bytes) {
                put(SpillTag.code.rawValue, at: &record)
                put(code, at: &record)
            } else {
                put(SpillTag.text.rawValue, at: &record)
                put(bytes, at: &record)
            }
            if isContent {
                put(SpillTag.text.rawValue, at: &content)
                put(bytes, at: &content)
            }
        }
        tag = .null
    }

    @inline(__always)
    private func put<T: BitwiseCopyable>(_ value: T, at target: inout UnsafeMutableRawPointer) {
        target.storeBytes(of: value, as: T.self)
        target += MemoryLayout<T>.size
    }

    /// The length, then the bytes.
    @inline(__always)
    private func put(_ bytes: UnsafeRawBufferPointer, at target: inout UnsafeMutableRawPointer) {
        put(UInt32(bytes.count), at: &target)
        if let start = bytes.baseAddress { target.copyMemory(from: start, byteCount: bytes.count) }
        target += bytes.count
    }

    private func widen(_ value: Int64) {
        guard let range = integerRange else {
            integerRange = value...value
            return
        }
        if value < range.lowerBound { integerRange = value...range.upperBound }
        if value > range.upperBound { integerRange = range.lowerBound...value }
    }
}

/// How a value is written in a record between `endFeature` and `seal`.
enum SpillTag: UInt8 {
    case null
    /// Eight bytes.
    case fixed
    /// Eight bytes and two of the zone.
    case time
    /// Four bytes: an entry of the column's dictionary.
    case code
    /// Four bytes of length, then the text.
    case text
}
