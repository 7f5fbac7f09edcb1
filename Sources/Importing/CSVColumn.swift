import Foundation
import Geo
import RecordStream

/// Finds, value by value over a whole column, the narrowest type that keeps every value as it is written.
///
/// A leading zero (`092011`, a municipality or telephone number) or a plus makes a column text, as do numbers beyond 64 bits; empty cells are null
/// and say nothing. A column of ones and zeros is integer.
struct CSVColumnType {
    private var seen = false
    private var integer = true
    private var real = true
    private var boolean = true
    private var date = true

    mutating func look(at bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty { return }
        seen = true
        if integer || real {
            switch CSVNumber(bytes) {
            case .integer: break
            case .real: integer = false
            case .none:
                integer = false
                real = false
            }
        }
        if boolean { boolean = CSVValue.boolean(bytes) != nil }
        if date { date = CSVValue.day(bytes) != nil }
    }

    var type: AttributeType {
        guard seen else { return .text }
        return integer ? .integer : real ? .real : boolean ? .boolean : date ? .date : .text
    }
}

/// A number written plainly: `-12`, `0.5`, `1e-3`; without leading zeros, plus, spaces or more digits than survive.
enum CSVNumber: Equatable {
    case none
    case integer(Int64)
    case real(Double)

    init(_ bytes: UnsafeRawBufferPointer) {
        self = .none
        guard !bytes.isEmpty, bytes.count <= 40 else { return }
        var i = bytes[0] == UInt8(ascii: "-") ? 1 : 0
        let whole = Self.digits(bytes, &i)
        guard whole.count > 0, whole.count == 1 || bytes[whole.start] != UInt8(ascii: "0") else { return }
        if i == bytes.count {
            let text = String(decoding: bytes, as: UTF8.self)
            // “-0” would not come back as it was.
            if text != "-0", let number = Int64(text) { self = .integer(number) }
            return
        }
        var significant = whole.count
        if bytes[i] == UInt8(ascii: ".") {
            i += 1
            let fraction = Self.digits(bytes, &i)
            guard fraction.count > 0 else { return }
            significant += fraction.count
        }
        if i < bytes.count, bytes[i] | 0x20 == UInt8(ascii: "e") {
            i += 1
            if i < bytes.count, bytes[i] == UInt8(ascii: "-") || bytes[i] == UInt8(ascii: "+") { i += 1 }
            guard Self.digits(bytes, &i).count > 0 else { return }
        }
        guard i == bytes.count, significant <= 30, let number = Double(String(decoding: bytes, as: UTF8.self)), number.isFinite else {
            return
        }
        self = .real(number)
    }

    private static func digits(_ bytes: UnsafeRawBufferPointer, _ i: inout Int) -> (start: Int, count: Int) {
        let start = i
        while i < bytes.count, (0x30...0x39).contains(bytes[i]) { i += 1 }
        return (start, i - start)
    }
}

/// Single values of a CSV.
enum CSVValue {
    static func boolean(_ bytes: UnsafeRawBufferPointer) -> Bool? {
        switch bytes.count {
        case 4 where equal(bytes, "true"): true
        case 5 where equal(bytes, "false"): false
        default: nil
        }
    }

    /// `2024-03-31`.
    static func day(_ bytes: UnsafeRawBufferPointer) -> Day? {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var result = 0
            for i in range {
                guard (0x30...0x39).contains(bytes[i]) else { return nil }
                result = result * 10 + Int(bytes[i] - 0x30)
            }
            return result
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else { return nil }
        return Day(year: year, month: month, day: day)
    }

    /// A coordinate: any decimal number, blanks around it allowed; nil when it is none.
    static func coordinate(_ bytes: UnsafeRawBufferPointer) -> Double? {
        let text = trimmed(bytes)
        guard !text.isEmpty, text.count <= 40,
            text.allSatisfy({ (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) })
        else { return nil }
        guard let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite else { return nil }
        return number
    }

    /// Without ASCII blanks around.
    static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var end = bytes.count
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    private static func equal(_ bytes: UnsafeRawBufferPointer, _ word: String) -> Bool {
        zip(bytes, word.utf8).allSatisfy { $0 | 0x20 == $1 }
    }
}
