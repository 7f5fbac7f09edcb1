import CQL2
import Geo
import LayerStore

/// Relations of lists (OGC 21-065r2, 7.8): both sides are sets; order and repetition do not count. Unknown where a side is null or is no list.
final class ArrayNode: TruthNode {
    private let context: FilterContext
    private let relation: ArrayRelation
    private let left: ListOperand
    private let right: ListOperand

    init(_ context: FilterContext, _ relation: ArrayRelation, _ left: ListOperand, _ right: ListOperand) {
        (self.context, self.relation, self.left, self.right) = (context, relation, left, right)
    }

    override var cost: Int { 200 }
    override var text: String { "\(left.text) \(relation.rawValue) \(right.text)" }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try left.begin(batch)
        try right.begin(batch)
        var work = 0
        for i in 0..<batch.count {
            guard left.read(i, batch), right.read(i, batch) else {
                out[i] = Truth.unknown
                continue
            }
            work += left.elements.count * right.elements.count
            if work > 1 << 20 {
                work = 0
                try context.deadline.check()
            }
            out[i] = holds ? Truth.yes : Truth.no
        }
    }

    private var holds: Bool {
        switch relation {
        case .equals: left.isWithin(right) && right.isWithin(left)
        case .contains: right.isWithin(left)
        case .containedBy: left.isWithin(right)
        case .overlaps: left.meets(right)
        }
    }
}

/// A list for each row: an attribute that holds JSON, or one that is written out, kept as the JSON that it would be.
final class ListOperand {
    private let layer: String
    private let column: Column?
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var elements: [JSONElement] = []
    let text: String

    init(_ layer: String, column: Column) {
        (self.layer, self.column, text) = (layer, column, column.attribute.name)
        memory = .allocate(byteCount: 1, alignment: 1)
    }

    /// - Parameter json: a list.
    init(_ layer: String, json: [UInt8]) {
        (self.layer, column, text) = (layer, nil, String(decoding: json, as: UTF8.self))
        memory = .allocate(byteCount: max(1, json.count), alignment: 1)
        memory.copyBytes(from: json)
        JSONElement.read(UnsafeRawBufferPointer(rebasing: memory[..<json.count]), into: &elements)
    }

    deinit { memory.deallocate() }

    var isConstant: Bool { column == nil }

    func begin(_ batch: Batch) throws(QueryError) {
        guard let column, batch.domain == .rows else { return }
        let span = batch.span
        try reading(layer) { () throws(LayerFileError) in try column.touch(span) }
    }

    /// Reads the list of a place of the batch into `elements`; false when it is null or no list.
    func read(_ i: Int, _ batch: Batch) -> Bool {
        guard let column else { return true }
        let row = batch.row(i)
        if batch.domain == .null || column.isNull(row) { return false }
        elements.removeAll(keepingCapacity: true)
        guard case .json(let bytes) = column.value(row) else { return false }
        return JSONElement.read(bytes, into: &elements)
    }

    func isWithin(_ other: ListOperand) -> Bool {
        elements.allSatisfy { element in other.elements.contains { $0.equals(element) } }
    }

    func meets(_ other: ListOperand) -> Bool {
        elements.contains { element in other.elements.contains { $0.equals(element) } }
    }
}

/// One element of a list, where it lies in JSON.
struct JSONElement {
    private enum Value {
        case integer(Int64)
        case real(Double)
        /// Without its quotes; escapes as they are written.
        case text(isEscaped: Bool)
        case list
        /// `true`, `false`, `null` and objects: compared by their bytes.
        case other
    }

    private let value: Value
    private let bytes: UnsafeRawBufferPointer

    /// The elements of a JSON list; false when it is none.
    @discardableResult
    static func read(_ json: UnsafeRawBufferPointer, into elements: inout [JSONElement]) -> Bool {
        var cursor = Cursor(bytes: json)
        cursor.skipSpace()
        guard cursor.take(UInt8(ascii: "[")) else { return false }
        cursor.skipSpace()
        if cursor.take(UInt8(ascii: "]")) { return true }
        while true {
            cursor.skipSpace()
            guard let element = cursor.value() else { return false }
            elements.append(element)
            cursor.skipSpace()
            if cursor.take(UInt8(ascii: "]")) { return true }
            guard cursor.take(UInt8(ascii: ",")) else { return false }
        }
    }

    /// Numbers by value, texts by their characters, lists in their order.
    func equals(_ other: JSONElement) -> Bool { equals(other, depth: 0) }

    private func equals(_ other: JSONElement, depth: Int) -> Bool {
        switch (value, other.value) {
        case (.integer(let a), .integer(let b)): return a == b
        case (.real(let a), .real(let b)): return a == b
        case (.integer(let a), .real(let b)), (.real(let b), .integer(let a)): return Order.of(a, b) == 0
        case (.text(let isEscaped), .text(let otherEscaped)):
            if !isEscaped && !otherEscaped { return Order.of(bytes, other.bytes) == 0 }
            return plainText == other.plainText
        case (.list, .list):
            guard depth < 16 else { return Order.of(bytes, other.bytes) == 0 }
            var (a, b) = ([JSONElement](), [JSONElement]())
            guard JSONElement.read(bytes, into: &a), JSONElement.read(other.bytes, into: &b), a.count == b.count else { return false }
            return zip(a, b).allSatisfy { $0.equals($1, depth: depth + 1) }
        case (.other, .other): return Order.of(bytes, other.bytes) == 0
        default: return false
        }
    }

    /// The characters of a text with its escapes resolved.
    private var plainText: [UInt8] {
        var (result, i) = ([UInt8](), 0)
        func unit(_ at: Int) -> UInt32 {
            var code: UInt32 = 0
            for digit in bytes[at..<min(at + 4, bytes.count)] {
                code = code << 4 | UInt32(digit & 15) + (digit > 57 ? 9 : 0)
            }
            return code
        }
        while i < bytes.count {
            guard bytes[i] == UInt8(ascii: "\\"), i + 1 < bytes.count else {
                result.append(bytes[i])
                i += 1
                continue
            }
            let mark = bytes[i + 1]
            i += 2
            switch mark {
            case UInt8(ascii: "b"): result.append(8)
            case UInt8(ascii: "f"): result.append(12)
            case UInt8(ascii: "n"): result.append(10)
            case UInt8(ascii: "r"): result.append(13)
            case UInt8(ascii: "t"): result.append(9)
            case UInt8(ascii: "u"):
                var code = unit(i)
                i += 4
                if (0xD800...0xDBFF).contains(code), i + 5 < bytes.count, bytes[i] == UInt8(ascii: "\\") {
                    code = 0x10000 + (code - 0xD800) << 10 + unit(i + 2) & 0x3FF
                    i += 6
                }
                result.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
            default: result.append(mark)
            }
        }
        return result
    }

    private struct Cursor {
        let bytes: UnsafeRawBufferPointer
        var at = 0

        init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        mutating func skipSpace() {
            while at < bytes.count, [32, 9, 10, 13].contains(bytes[at]) { at += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            guard at < bytes.count, bytes[at] == byte else { return false }
            at += 1
            return true
        }

        mutating func value() -> JSONElement? {
            guard at < bytes.count else { return nil }
            let start = at
            switch bytes[at] {
            case UInt8(ascii: "\""):
                guard let isEscaped = skipText() else { return nil }
                return JSONElement(value: .text(isEscaped: isEscaped), bytes: UnsafeRawBufferPointer(rebasing: bytes[start + 1..<at - 1]))
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard skipNested() else { return nil }
                return JSONElement(
                    value: bytes[start] == UInt8(ascii: "[") ? .list : .other, bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<at]))
            default:
                while at < bytes.count, ![44, 93, 125, 32, 9, 10, 13].contains(bytes[at]) { at += 1 }
                guard at > start else { return nil }
                let word = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
                guard bytes[start] == UInt8(ascii: "-") || (48...57).contains(bytes[start]) else {
                    return JSONElement(value: .other, bytes: word)
                }
                let text = String(decoding: word, as: UTF8.self)
                if let number = Int64(text) { return JSONElement(value: .integer(number), bytes: word) }
                guard let number = Double(text) else { return nil }
                return JSONElement(value: .real(number), bytes: word)
            }
        }

        /// Behind the closing quote; whether there was a backslash. Nil when there is no closing quote.
        private mutating func skipText() -> Bool? {
            at += 1
            var isEscaped = false
            while at < bytes.count {
                switch bytes[at] {
                case UInt8(ascii: "\""):
                    at += 1
                    return isEscaped
                case UInt8(ascii: "\\"):
                    isEscaped = true
                    at += 2
                default: at += 1
                }
            }
            return nil
        }

        private mutating func skipNested() -> Bool {
            var depth = 0
            while at < bytes.count {
                switch bytes[at] {
                case UInt8(ascii: "\""):
                    guard skipText() != nil else { return false }
                    continue
                case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
                default: break
                }
                at += 1
                if depth == 0 { return true }
            }
            return false
        }
    }
}
