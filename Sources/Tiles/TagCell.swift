/// An attribute of a feature as its tile has it: key and value by their numbers, two varints one after another (MVT 2.1, 4.4).
///
/// Made once for a value, written with one instruction for each feature that has it.
struct TagCell: BitwiseCopyable {
    /// The bytes from the lowest on, up to two of the key and five of the value; in the highest how many they are.
    let bits: UInt64

    /// A feature without this attribute: no bytes.
    static let none = TagCell(bits: 0)

    /// Keys have lower numbers.
    static let keyLimit: Int32 = 1 << 14

    @inline(__always) var length: UInt64 { bits >> 56 }
    @inline(__always) var isNone: Bool { bits == 0 }

    private init(bits: UInt64) { self.bits = bits }

    /// - Precondition: `key` is not negative and below `keyLimit`.
    @inline(__always)
    init(key: Int32, value: UInt32) {
        let (key, keyLength) = TagCell.varint(UInt64(truncatingIfNeeded: key))
        let (value, valueLength) = TagCell.varint(UInt64(value))
        bits = key | value &<< (8 &* keyLength) | (keyLength &+ valueLength) << 56
    }

    /// The bytes of a varint of at most 35 bits, and how many: seven bits a byte, the lowest first, and a mark in all but the last.
    @inline(__always)
    private static func varint(_ value: UInt64) -> (bytes: UInt64, length: UInt64) {
        if value < 1 << 7 { return (value, 1) }
        if value < 1 << 14 { return (0x80 | (value &+ (value & 0x3F80)), 2) }
        let low = value & 0x7F | (value & 0x3F80) << 1 | (value & 0x1F_C000) << 2
        if value < 1 << 21 { return (0x8080 | low, 3) }
        let high = low | (value & 0xFE0_0000) << 3 | (value & 0x7_F000_0000) << 4
        return value < 1 << 28 ? (0x80_8080 | high, 4) : (0x8080_8080 | high, 5)
    }
}
