import CQL2
import Geo
import Glibc
import LayerStore

/// Numbers, one for each row of a batch: an attribute, a literal, or what was reckoned from others.
class NumberOperand<Number: Numeric & BitwiseCopyable> {
    fileprivate(set) final var numbers: UnsafeMutablePointer<Number>
    /// 1 where there is no number.
    fileprivate(set) final var nulls: UnsafeMutablePointer<UInt8>
    /// Rows that there is room for.
    fileprivate final var capacity: Int
    /// The number, when it is the same for all rows.
    var constant: Number? { nil }
    /// The column, when it is nothing else.
    var column: Column? { nil }
    var cost: Int { 2 }
    var text: String { "" }

    init(capacity: Int = Batch.capacity) {
        self.capacity = capacity
        (numbers, nulls) = (.allocate(capacity: capacity), .allocate(capacity: capacity))
    }

    deinit {
        numbers.deallocate()
        nulls.deallocate()
    }

    /// Fills `numbers` and `nulls` for a batch that is not empty.
    func evaluate(_ batch: Batch) throws(QueryError) { preconditionFailure("an operand without a rule") }
}

/// Whole numbers; also days and instants.
typealias IntegerOperand = NumberOperand<Int64>
/// Always finite where not null.
typealias RealOperand = NumberOperand<Double>
typealias IntegerConstant = NumberConstant<Int64>
typealias RealConstant = NumberConstant<Double>

final class NumberConstant<Number: Numeric & BitwiseCopyable>: NumberOperand<Number> {
    private let value: Number?

    /// - Parameter value: nil is null, which a division by zero makes.
    init(_ value: Number?) {
        self.value = value
        // There may be a thousand in a list, and few of them are ever put to rows.
        super.init(capacity: 1)
        fill()
    }

    private func fill() {
        numbers.initialize(repeating: value ?? 0, count: capacity)
        nulls.initialize(repeating: value == nil ? 1 : 0, count: capacity)
    }

    override var constant: Number? { value }
    override var cost: Int { 0 }
    override var text: String { value.map { "\($0)" } ?? "null" }
    override func evaluate(_ batch: Batch) throws(QueryError) {
        guard batch.count > capacity else { return }
        numbers.deallocate()
        nulls.deallocate()
        capacity = Batch.capacity
        (numbers, nulls) = (.allocate(capacity: capacity), .allocate(capacity: capacity))
        fill()
    }
}

/// A column of integers, days or instants.
final class IntegerColumn: IntegerOperand {
    private let layer: String
    private let source: Column

    init(_ layer: String, _ column: Column) {
        (self.layer, source) = (layer, column)
        super.init()
    }

    override var column: Column? { source }
    override var text: String { source.attribute.name }

    override func evaluate(_ batch: Batch) throws(QueryError) {
        let span = batch.span
        try reading(layer) { () throws(LayerFileError) in try source.touch(span) }
        nulls.update(repeating: 0, count: batch.count)
        Nulls.mark(source, batch, nulls, 1)
        if case .days = source.layout {
            let values = source.values(as: Int32.self)
            for i in 0..<batch.count { numbers[i] = Int64(values[batch.row(i)]) }
        } else {
            let values = source.values(as: Int64.self)
            for i in 0..<batch.count { numbers[i] = values[batch.row(i)] }
        }
    }
}

final class RealColumn: RealOperand {
    private let layer: String
    private let source: Column

    init(_ layer: String, _ column: Column) {
        (self.layer, source) = (layer, column)
        super.init()
    }

    override var column: Column? { source }
    override var text: String { source.attribute.name }

    override func evaluate(_ batch: Batch) throws(QueryError) {
        let span = batch.span
        try reading(layer) { () throws(LayerFileError) in try source.touch(span) }
        nulls.update(repeating: 0, count: batch.count)
        Nulls.mark(source, batch, nulls, 1)
        let values = source.values(as: Double.self)
        for i in 0..<batch.count { numbers[i] = values[batch.row(i)] }
    }
}

/// Whole numbers as doubles, rounded to the nearest where they have more than 53 bits.
final class RealFromInteger: RealOperand {
    private let inner: IntegerOperand

    init(_ inner: IntegerOperand) {
        self.inner = inner
        super.init()
    }

    override var constant: Double? { inner.constant.map { Double($0) } }
    override var cost: Int { inner.cost + 1 }
    override var text: String { inner.text }
    override func evaluate(_ batch: Batch) throws(QueryError) {
        try inner.evaluate(batch)
        for i in 0..<batch.count {
            numbers[i] = Double(inner.numbers[i])
            nulls[i] = inner.nulls[i]
        }
    }
}

/// A rule that makes one whole number of several; nil where it has none (a division by zero, more than 64 bits).
final class IntegerRule: IntegerOperand {
    private let parts: [IntegerOperand]
    private let rule: (Int64, Int64) -> Int64?
    private let name: String

    /// - Parameter rule: folds the parts from the left; of one part, it is given the part twice.
    init(_ name: String, _ parts: [IntegerOperand], _ rule: @escaping (Int64, Int64) -> Int64?) {
        (self.name, self.parts, self.rule) = (name, parts, rule)
        super.init()
    }

    override var cost: Int { parts.reduce(3) { $0 + $1.cost } }
    override var text: String { "\(name)(\(parts.map(\.text).joined(separator: ", ")))" }

    override func evaluate(_ batch: Batch) throws(QueryError) {
        for part in parts { try part.evaluate(batch) }
        let first = parts[0]
        for i in 0..<batch.count {
            numbers[i] = first.numbers[i]
            nulls[i] = first.nulls[i]
        }
        for part in parts.count == 1 ? [first] : Array(parts.dropFirst()) {
            for i in 0..<batch.count where nulls[i] == 0 {
                if part.nulls[i] == 0, let result = rule(numbers[i], part.numbers[i]) { numbers[i] = result } else { nulls[i] = 1 }
            }
        }
    }
}

/// A rule that makes one double of several; what is not finite is null.
final class RealRule: RealOperand {
    private let parts: [RealOperand]
    private let rule: (Double, Double) -> Double
    private let name: String

    init(_ name: String, _ parts: [RealOperand], _ rule: @escaping (Double, Double) -> Double) {
        (self.name, self.parts, self.rule) = (name, parts, rule)
        super.init()
    }

    override var cost: Int { parts.reduce(3) { $0 + $1.cost } }
    override var text: String { "\(name)(\(parts.map(\.text).joined(separator: ", ")))" }

    override func evaluate(_ batch: Batch) throws(QueryError) {
        for part in parts { try part.evaluate(batch) }
        let first = parts[0]
        for i in 0..<batch.count {
            numbers[i] = first.numbers[i]
            nulls[i] = first.nulls[i]
        }
        for part in parts.count == 1 ? [first] : Array(parts.dropFirst()) {
            for i in 0..<batch.count {
                let result = rule(numbers[i], part.numbers[i])
                nulls[i] |= part.nulls[i] | (result.isFinite ? 0 : 1)
                // A zero of either sign is one number.
                numbers[i] = result.isFinite ? result + 0 : 0
            }
        }
    }
}

/// Arithmetic of CQL2. Whole numbers stay whole and exact under `+ - * div %`; what does not fit 64 bits, a division by zero and what is not a
/// finite number are null. `/` and `^` give reals. `div` and `%` round towards zero, and the remainder has the sign of the dividend.
enum ArithmeticRule {
    static func integer(_ operation: Arithmetic) -> ((Int64, Int64) -> Int64?)? {
        func exact(_ result: (partialValue: Int64, overflow: Bool)) -> Int64? { result.overflow ? nil : result.partialValue }
        switch operation {
        case .add: return { exact($0.addingReportingOverflow($1)) }
        case .subtract: return { exact($0.subtractingReportingOverflow($1)) }
        case .multiply: return { exact($0.multipliedReportingOverflow(by: $1)) }
        case .integerDivide: return { exact($0.dividedReportingOverflow(by: $1)) }
        case .modulo: return { $1 == 0 ? nil : $1 == -1 ? 0 : $0 % $1 }
        case .divide, .power: return nil
        }
    }

    static func real(_ operation: Arithmetic) -> (Double, Double) -> Double {
        switch operation {
        case .add: { $0 + $1 }
        case .subtract: { $0 - $1 }
        case .multiply: { $0 * $1 }
        case .divide: { $1 == 0 ? .nan : $0 / $1 }
        case .integerDivide: { $1 == 0 ? .nan : ($0 / $1).rounded(.towardZero) }
        case .modulo: { $1 == 0 ? .nan : fmod($0, $1) }
        case .power: { pow($0, $1) }
        }
    }
}

/// Two numbers of either kind compared, exactly.
final class CompareNumbers: TruthNode {
    enum Pair {
        case integers(IntegerOperand, IntegerOperand)
        case reals(RealOperand, RealOperand)
        case mixed(IntegerOperand, RealOperand)
        /// A day and an instant: the instant's day in Japan is compared.
        case dayAndInstant(IntegerOperand, IntegerOperand)
    }

    private let rule: ComparisonRule
    private let pair: Pair

    init(_ rule: ComparisonRule, _ pair: Pair) { (self.rule, self.pair) = (rule, pair) }

    override var cost: Int {
        switch pair {
        case .integers(let a, let b), .dayAndInstant(let a, let b): a.cost + b.cost + 2
        case .reals(let a, let b): a.cost + b.cost + 2
        case .mixed(let a, let b): a.cost + b.cost + 3
        }
    }

    override var text: String {
        switch pair {
        case .integers(let a, let b), .dayAndInstant(let a, let b): "\(a.text) \(rule.text) \(b.text)"
        case .reals(let a, let b): "\(a.text) \(rule.text) \(b.text)"
        case .mixed(let a, let b): "\(a.text) \(rule.text) \(b.text)"
        }
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        switch pair {
        case .integers(let a, let b):
            try a.evaluate(batch)
            try b.evaluate(batch)
            write(batch, out, a.nulls, b.nulls) { Order.of(a.numbers[$0], b.numbers[$0]) }
        case .reals(let a, let b):
            try a.evaluate(batch)
            try b.evaluate(batch)
            write(batch, out, a.nulls, b.nulls) { Order.of(a.numbers[$0], b.numbers[$0]) }
        case .mixed(let a, let b):
            try a.evaluate(batch)
            try b.evaluate(batch)
            write(batch, out, a.nulls, b.nulls) { Order.of(a.numbers[$0], b.numbers[$0]) }
        case .dayAndInstant(let a, let b):
            try a.evaluate(batch)
            try b.evaluate(batch)
            write(batch, out, a.nulls, b.nulls) { Order.of(a.numbers[$0], Day.inJapan(b.numbers[$0])) }
        }
    }

    @inline(__always)
    private func write(
        _ batch: Batch, _ out: UnsafeMutablePointer<UInt8>, _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ order: (Int) -> Int
    ) {
        for i in 0..<batch.count { out[i] = a[i] | b[i] != 0 ? Truth.unknown : rule.truth(order(i)) }
    }
}

extension Day {
    /// The days since 1970-01-01 of the day in Japan (UTC+9) on which an instant lies.
    static func inJapan(_ microseconds: Int64) -> Int64 {
        let day: Int64 = 86_400_000_000
        // Whole days first: adding nine hours to the last instants there are would not fit.
        var days = microseconds / day
        var rest = microseconds % day
        if rest < 0 {
            rest += day
            days -= 1
        }
        return rest >= 15 * 3_600_000_000 ? days + 1 : days
    }
}

/// A number of a set of values written out; the same for whole numbers and reals.
final class NumberSetNode: TruthNode {
    enum Member {
        case integer(IntegerOperand, ValueRanges<Int64>)
        case real(RealOperand, ValueRanges<Double>)
    }

    private let member: Member

    init(_ member: Member) { self.member = member }

    override var cost: Int {
        switch member {
        case .integer(let operand, _): operand.cost + 8
        case .real(let operand, _): operand.cost + 8
        }
    }

    override var text: String {
        switch member {
        case .integer(let operand, let set): "\(operand.text) in \(set.text)"
        case .real(let operand, let set): "\(operand.text) in \(set.text)"
        }
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        switch member {
        case .integer(let operand, let set):
            try operand.evaluate(batch)
            for i in 0..<batch.count {
                out[i] = operand.nulls[i] != 0 ? Truth.unknown : set.contains(operand.numbers[i]) ? Truth.yes : Truth.no
            }
        case .real(let operand, let set):
            try operand.evaluate(batch)
            for i in 0..<batch.count {
                out[i] = operand.nulls[i] != 0 ? Truth.unknown : set.contains(operand.numbers[i]) ? Truth.yes : Truth.no
            }
        }
    }
}

/// `IS NULL` of a number that was reckoned.
final class NumberNullNode: TruthNode {
    private let evaluation: (Batch) throws(QueryError) -> UnsafeMutablePointer<UInt8>
    private let words: String

    init(_ operand: IntegerOperand) {
        words = operand.text
        evaluation = { batch throws(QueryError) in
            try operand.evaluate(batch)
            return operand.nulls
        }
    }

    init(_ operand: RealOperand) {
        words = operand.text
        evaluation = { batch throws(QueryError) in
            try operand.evaluate(batch)
            return operand.nulls
        }
    }

    override var cost: Int { 5 }
    override var text: String { "\(words) is null" }
    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        let nulls = try evaluation(batch)
        for i in 0..<batch.count { out[i] = nulls[i] != 0 ? Truth.yes : Truth.no }
    }
}
