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
    private let textValue = ByteArena(capacity: 64)

    init(_ attribute: Attribute) {
        self.attribute = attribute
        dictionary = attribute.type == .text ? TextDictionary() : nil
    }

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
        textValue.count = 0
        textValue.put(text)
    }

    /// Writes the value to the record, and to `content` in the form that is hashed, and forgets it.
    @inline(__always)
    func endRow(into record: ByteArena, content: ByteArena) {
        let isContent = attribute.visibility == .public
        switch tag {
        case .null:
            nullCount += 1
            record.put(SpillTag.null.rawValue)
            if isContent { content.put(SpillTag.null.rawValue) }
        case .fixed:
            record.put(SpillTag.fixed.rawValue)
            record.put(bits)
            if attribute.type == .integer || attribute.type == .date { widen(Int64(bitPattern: bits)) }
            if isContent {
                content.put(SpillTag.fixed.rawValue)
                content.put(bits)
            }
        case .time:
            record.put(SpillTag.time.rawValue)
            record.put(bits)
            record.put(zone)
            if isContent {
                content.put(SpillTag.time.rawValue)
                content.put(bits)
                content.put(zone)
            }
        case .text, .code:
            textBytes += textValue.count
            if let code = dictionary?.intern(textValue.bytes) {
                record.put(SpillTag.code.rawValue)
                record.put(code)
            } else {
                record.put(SpillTag.text.rawValue)
                record.put(UInt32(textValue.count))
                record.put(textValue.bytes)
            }
            if isContent {
                content.put(SpillTag.text.rawValue)
                content.put(UInt32(textValue.count))
                content.put(textValue.bytes)
            }
        }
        tag = .null
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
