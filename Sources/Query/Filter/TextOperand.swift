import Geo
import LayerStore

/// Texts, one for each row of a batch, looked at one after another.
class TextOperand {
    /// The text, when it is the same for all rows.
    var constant: [UInt8]? { nil }
    /// The only column that is read, when all is reckoned from one.
    var column: Column? { nil }
    var isPlainColumn: Bool { false }
    var cost: Int { 5 }
    var text: String { "" }

    /// Makes the batch ready for `bytes`.
    func begin(_ batch: Batch) throws(QueryError) {}

    /// The text of place `i` of the batch, in UTF-8, valid until the operand is asked again; nil is null.
    func bytes(_ i: Int, _ batch: Batch) -> UnsafeRawBufferPointer? { preconditionFailure("an operand without a rule") }
}

final class TextConstant: TextOperand {
    private let value: [UInt8]
    /// Arrays move; what is pointed to must not.
    private let memory: UnsafeMutableRawBufferPointer

    init(_ value: [UInt8]) {
        self.value = value
        memory = .allocate(byteCount: max(1, value.count), alignment: 1)
        memory.copyBytes(from: value)
    }

    deinit { memory.deallocate() }

    override var constant: [UInt8]? { value }
    override var cost: Int { 0 }
    override var text: String { "'\(String(decoding: value, as: UTF8.self))'" }
    override func bytes(_ i: Int, _ batch: Batch) -> UnsafeRawBufferPointer? { UnsafeRawBufferPointer(rebasing: memory[..<value.count]) }
}

final class TextColumn: TextOperand {
    private let layer: String
    private let source: Column
    private let isDictionary: Bool

    init(_ layer: String, _ column: Column) {
        (self.layer, source, isDictionary) = (layer, column, column.entryCount != nil)
    }

    override var column: Column? { source }
    override var isPlainColumn: Bool { true }
    override var text: String { source.attribute.name }

    override func begin(_ batch: Batch) throws(QueryError) {
        guard batch.domain == .rows else { return }
        let span = batch.span
        try reading(layer) { () throws(LayerFileError) in try source.touch(span) }
    }

    override func bytes(_ i: Int, _ batch: Batch) -> UnsafeRawBufferPointer? {
        switch batch.domain {
        case .null: return nil
        case .entries: return source.entry(batch.row(i))
        case .rows:
            let row = batch.row(i)
            if source.isNull(row) { return nil }
            return isDictionary ? source.entry(source.code(row)) : source.plainBytes(row)
        }
    }
}

/// A text folded, or changed by a function.
final class FoldedText: TextOperand {
    private let inner: TextOperand
    private let folding: TextFolding
    private var buffer: [UInt8] = []
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 1)

    init(_ inner: TextOperand, _ folding: TextFolding) { (self.inner, self.folding) = (inner, folding) }

    deinit { memory.deallocate() }

    override var column: Column? { inner.column }
    override var cost: Int { inner.cost + 40 }
    override var text: String { "\(folding.rawValue)(\(inner.text))" }
    override func begin(_ batch: Batch) throws(QueryError) { try inner.begin(batch) }

    override func bytes(_ i: Int, _ batch: Batch) -> UnsafeRawBufferPointer? {
        guard let text = inner.bytes(i, batch) else { return nil }
        if text.count > memory.count {
            memory.deallocate()
            memory = .allocate(byteCount: 2 * text.count, alignment: 1)
        }
        // Plain text is as long folded as before.
        if folding.foldPlain(text, into: memory) { return UnsafeRawBufferPointer(rebasing: memory[..<text.count]) }
        buffer.removeAll(keepingCapacity: true)
        folding.fold(text, into: &buffer)
        if buffer.count > memory.count {
            memory.deallocate()
            memory = .allocate(byteCount: 2 * buffer.count, alignment: 1)
        }
        memory.copyBytes(from: buffer)
        return UnsafeRawBufferPointer(rebasing: memory[..<buffer.count])
    }
}

/// Looks at the deadline from time to time where texts may be long: a row is then no measure of work.
///
/// What is left until the next look is the context's; while rows are gone through it is here, where nothing is counted or checked for it.
struct WorkMeter {
    /// Bytes of plain text, some milliseconds.
    static let stretch = 1 << 22
    /// What a text costs beside its bytes.
    private static let perText = 8

    private let context: FilterContext
    private let weight: Int
    private var left: Int

    init(_ context: FilterContext, weight: Int) { (self.context, self.weight, left) = (context, weight, context.workLeft) }

    @inline(__always)
    mutating func add(_ bytes: Int) throws(QueryError) {
        left -= (bytes &+ WorkMeter.perText) &* weight
        if left < 0 {
            left = WorkMeter.stretch
            try context.deadline.check()
        }
    }

    /// Gives back what is left, at the end of a batch.
    func end() { context.workLeft = left }
}

/// Two texts compared by code points.
final class CompareTexts: TruthNode {
    private let context: FilterContext
    private let rule: ComparisonRule
    private let left: TextOperand
    private let right: TextOperand

    init(_ context: FilterContext, _ rule: ComparisonRule, _ left: TextOperand, _ right: TextOperand) {
        (self.context, self.rule, self.left, self.right) = (context, rule, left, right)
    }

    override var cost: Int { left.cost + right.cost + 2 }
    override var text: String { "\(left.text) \(rule.text) \(right.text)" }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try left.begin(batch)
        try right.begin(batch)
        var meter = WorkMeter(context, weight: 1 + cost / 8)
        for i in 0..<batch.count {
            if let a = left.bytes(i, batch), let b = right.bytes(i, batch) {
                try meter.add(a.count + b.count)
                out[i] = rule.truth(Order.of(a, b))
            } else {
                out[i] = Truth.unknown
            }
        }
        meter.end()
    }
}

/// A text out of a list written out.
final class TextSetNode: TruthNode {
    private let context: FilterContext
    private let operand: TextOperand
    /// Ascending, each once.
    private let members: [[UInt8]]
    private let table: TextTable

    init(_ context: FilterContext, _ operand: TextOperand, _ members: [[UInt8]]) {
        self.context = context
        self.operand = operand
        table = TextTable(members)
        self.members = members
    }

    override var cost: Int { operand.cost + 10 }
    override var text: String { "\(operand.text) in \(members.count) texts" }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try operand.begin(batch)
        var meter = WorkMeter(context, weight: 1 + cost / 8)
        for i in 0..<batch.count {
            guard let text = operand.bytes(i, batch) else {
                out[i] = Truth.unknown
                continue
            }
            try meter.add(text.count)
            out[i] = table.contains(text) ? Truth.yes : Truth.no
        }
        meter.end()
    }
}

/// Texts to be found by their bytes: open addressing, at most half full.
struct TextTable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// Number of a text + 1; 0 is free.
    private var places: [Int32]

    init(_ texts: [[UInt8]]) {
        var size = 8
        while size < 2 * texts.count { size *= 2 }
        places = Array(repeating: 0, count: size)
        for text in texts {
            text.withUnsafeBytes { text in
                var place = TextTable.hash(text) & (size - 1)
                while places[place] != 0 {
                    if equals(Int(places[place]) - 1, text) { return }
                    place = (place + 1) & (size - 1)
                }
                bytes.append(contentsOf: text)
                ends.append(bytes.count)
                places[place] = Int32(ends.count)
            }
        }
    }

    func contains(_ text: UnsafeRawBufferPointer) -> Bool {
        var place = TextTable.hash(text) & (places.count - 1)
        while places[place] != 0 {
            if equals(Int(places[place]) - 1, text) { return true }
            place = (place + 1) & (places.count - 1)
        }
        return false
    }

    private func equals(_ number: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let start = number == 0 ? 0 : ends[number - 1]
        return bytes.withUnsafeBytes { Order.of(UnsafeRawBufferPointer(rebasing: $0[start..<ends[number]]), text) == 0 }
    }

    /// Eight bytes at a time, multiplied and mixed. Lists are short, so that a bad one costs little.
    private static func hash(_ text: UnsafeRawBufferPointer) -> Int {
        var hash = UInt64(truncatingIfNeeded: text.count) &* 0x9E37_79B9_7F4A_7C15
        var at = 0
        while at + 8 <= text.count {
            hash = (hash ^ text.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0xBF58_476D_1CE4_E5B9
            hash ^= hash >> 29
            at += 8
        }
        while at < text.count {
            hash = (hash ^ UInt64(text[at])) &* 0x94D0_49BB_1331_11EB
            at += 1
        }
        return Int(truncatingIfNeeded: (hash ^ (hash >> 32)) & 0x7FFF_FFFF)
    }
}

final class LikeNode: TruthNode {
    private let context: FilterContext
    private let operand: TextOperand
    private let pattern: LikePattern

    init(_ context: FilterContext, _ operand: TextOperand, _ pattern: LikePattern) {
        (self.context, self.operand, self.pattern) = (context, operand, pattern)
    }

    override var cost: Int { operand.cost + 15 }
    override var text: String { "\(operand.text) like '\(pattern.text)'" }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try operand.begin(batch)
        var meter = WorkMeter(context, weight: 1 + operand.cost / 8 + pattern.weight)
        for i in 0..<batch.count {
            guard let text = operand.bytes(i, batch) else {
                out[i] = Truth.unknown
                continue
            }
            try meter.add(text.count)
            out[i] = pattern.matches(text) ? Truth.yes : Truth.no
        }
        meter.end()
    }
}

/// `IS NULL` of a text that was changed.
final class TextNullNode: TruthNode {
    private let context: FilterContext
    private let operand: TextOperand

    init(_ context: FilterContext, _ operand: TextOperand) { (self.context, self.operand) = (context, operand) }

    override var cost: Int { operand.cost }
    override var text: String { "\(operand.text) is null" }
    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try operand.begin(batch)
        var meter = WorkMeter(context, weight: 1 + cost / 8)
        for i in 0..<batch.count {
            let text = operand.bytes(i, batch)
            try meter.add(text?.count ?? 0)
            out[i] = text == nil ? Truth.yes : Truth.no
        }
        meter.end()
    }
}

/// How many characters (Unicode code points) a text has.
final class TextLength: IntegerOperand {
    private let context: FilterContext
    private let operand: TextOperand

    init(_ context: FilterContext, _ operand: TextOperand) {
        (self.context, self.operand) = (context, operand)
        super.init()
    }

    /// The one dictionary that is read, for `DictionaryNode`.
    var textColumn: Column? { operand.column }
    override var cost: Int { operand.cost + 10 }
    override var text: String { "length(\(operand.text))" }

    override func evaluate(_ batch: Batch) throws(QueryError) {
        try operand.begin(batch)
        var meter = WorkMeter(context, weight: 1 + cost / 8)
        for i in 0..<batch.count {
            guard let text = operand.bytes(i, batch) else {
                (numbers[i], nulls[i]) = (0, 1)
                continue
            }
            try meter.add(text.count)
            var count: Int64 = 0
            // All bytes but those that go on with a code point (10xxxxxx).
            for byte in text where byte & 0xC0 != 0x80 { count += 1 }
            (numbers[i], nulls[i]) = (count, 0)
        }
        meter.end()
    }
}
