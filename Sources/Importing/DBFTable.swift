import Foundation
import Geo
import RecordStream

/// The attribute table of a shapefile (dBASE III and its successors), read from its raw bytes.
///
/// GDAL's own reader would turn wide numbers into doubles and broken text into something; here numbers stay exact and text is what the bytes are.
final class DBFTable {
    struct Column {
        var nameBytes: [UInt8]
        var kind: UInt8
        /// Within a record.
        var place: Range<Int>
        var decimals: Int
    }

    let file: FileBytes
    let columns: [Column]
    let recordSize: Int
    let headerSize: Int
    /// Records that are in the file.
    let count: Int
    /// Records that the header speaks of.
    let declaredCount: Int

    private let window: UnsafeMutableRawBufferPointer
    private var windowStart = 0
    private var windowSize = 0

    deinit { window.deallocate() }

    /// - Throws: `damaged` when the header makes no sense.
    init(_ file: FileBytes) throws(RecordFailure) {
        let damaged = RecordFailure(code: "damaged", message: "the attribute table (.dbf) is damaged")
        let head = try file.bytes(at: 0, count: 32)
        guard head.count == 32 else { throw damaged }
        headerSize = Int(head[8]) | Int(head[9]) << 8
        recordSize = Int(head[10]) | Int(head[11]) << 8
        declaredCount = (0..<4).reduce(0) { $0 | Int(head[4 + $1]) << (8 * $1) }
        guard headerSize >= 33, recordSize >= 1, headerSize <= file.size else { throw damaged }
        let descriptors = try file.bytes(at: 32, count: headerSize - 32)
        var columns: [Column] = []
        var end = 1  // after the mark of deletion
        var at = 0
        while at + 32 <= descriptors.count, descriptors[at] != 0x0D {
            let one = descriptors[at..<(at + 32)]
            let width = Int(one[at + 16])
            guard end + width <= recordSize else { throw damaged }
            columns.append(
                Column(
                    nameBytes: Array(one.prefix(11).prefix { $0 != 0 }), kind: one[at + 11], place: end..<(end + width),
                    decimals: Int(one[at + 17])))
            end += width
            at += 32
        }
        guard columns.count <= RecordFormat.fieldLimit else { throw damaged }
        self.columns = columns
        self.file = file
        count = min(declaredCount, (file.size - headerSize) / recordSize)
        window = .allocate(byteCount: max(1 << 20, recordSize), alignment: 16)
    }

    /// The bytes of a record, mark of deletion first; valid until the next call. Cheap when called in order.
    func record(_ index: Int) throws(RecordFailure) -> UnsafeRawBufferPointer {
        precondition(index >= 0 && index < count, "a record beyond the table")
        let offset = headerSize + index * recordSize
        if offset < windowStart || offset + recordSize > windowStart + windowSize {
            windowStart = offset
            windowSize = try file.read(at: offset, into: window)
            guard windowSize >= recordSize else { throw RecordFailure(code: "damaged", message: "the attribute table (.dbf) was cut off") }
        }
        let start = offset - windowStart
        return UnsafeRawBufferPointer(rebasing: window[start..<(start + recordSize)])
    }

    static let deleted = UInt8(ascii: "*")

    /// The value without the blanks after it; empty when there is none.
    static func trimmed(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = value.count
        while end > 0, value[end - 1] == 0x20 || value[end - 1] == 0 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: value[..<end])
    }
}

/// A number as a DBF writes it: ASCII digits, right-aligned.
enum DBFNumber: Equatable {
    case none
    case integer(Int64)
    /// Digits that no 64-bit integer holds.
    case large
    case real(Double)
    case wrong

    /// Blanks, stars and zero bytes are no number; that is how null is written.
    init(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        var end = bytes.count
        while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
        while start < end, bytes[start] <= 0x20 { start += 1 }
        if start == end || bytes[start..<end].allSatisfy({ $0 == UInt8(ascii: "*") }) {
            self = .none
            return
        }
        self.init(digits: bytes[start..<end])
    }

    private init(digits text: Slice<UnsafeRawBufferPointer>) {
        var rest = text
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        var magnitude: UInt64 = 0
        var overflows = false
        for byte in rest {
            guard (0x30...0x39).contains(byte) else {
                self = Self.realNumber(text)
                return
            }
            let (product, first) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, second) = product.addingReportingOverflow(UInt64(byte - 0x30))
            overflows = overflows || first || second
            magnitude = sum
        }
        guard !rest.isEmpty else {
            self = .wrong
            return
        }
        if overflows || magnitude > UInt64(Int64.max) + (negative ? 1 : 0) {
            self = .large
        } else {
            self = .integer(negative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude))
        }
    }

    private static func realNumber(_ text: Slice<UnsafeRawBufferPointer>) -> DBFNumber {
        guard text.allSatisfy({ (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }) else { return .wrong }
        // A point at the end (“12.”) is written by some programs.
        var string = String(decoding: text, as: UTF8.self)
        if string.hasSuffix(".") { string.removeLast() }
        if string.hasPrefix(".") { string = "0" + string }
        if string.hasPrefix("-.") { string = "-0" + string.dropFirst() }
        guard let number = Double(string), number.isFinite else { return .wrong }
        return .real(number)
    }
}
