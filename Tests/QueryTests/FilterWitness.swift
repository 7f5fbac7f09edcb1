import CQL2
import Geo
import GeoNative
import LayerStore

@testable import Query

/// Evaluates a filter for one row at a time from owned values, without a plan, index or statistic: slow, and near to the words of the standard.
struct FilterWitness {
    let sample: FilterSample
    let context = GEOSContext()

    enum Value: Equatable {
        case null
        case integer(Int64)
        case real(Double)
        case truth(Bool)
        case text(String)
        case day(Int)
        case instant(Int64)
    }

    func rows(_ filter: Expression) throws -> [Int] {
        try sample.values.indices.filter { try truth(filter, $0) == true }
    }

    // MARK: Truth

    func truth(_ expression: Expression, _ row: Int) throws -> Bool? {
        switch expression {
        case .and(let parts):
            let truths = try parts.map { try truth($0, row) }
            return truths.contains(false) ? false : truths.contains(nil) ? nil : true
        case .or(let parts):
            let truths = try parts.map { try truth($0, row) }
            return truths.contains(true) ? true : truths.contains(nil) ? nil : false
        case .not(let inner): return try truth(inner, row).map { !$0 }
        case .comparison(let comparison, let left, let right):
            return compare(comparison, try value(left, row), try value(right, row))
        case .isNull(let inner):
            if case .property("geometry") = inner { return sample.geometries[row] == nil }
            if case .property(let name) = inner, let column = FilterSample.attributes.firstIndex(where: { $0.name == name }) {
                return sample.values[row][column] == .null
            }
            return try value(inner, row) == .null
        case .like(let inner, let pattern):
            var (folds, inside) = ([TextFolding](), pattern)
            while true {
                if case .casei(let next) = inside { (folds, inside) = ([.casei] + folds, next); continue }
                if case .accenti(let next) = inside { (folds, inside) = ([.accenti] + folds, next); continue }
                break
            }
            guard case .text(let pattern) = inside, case .text(let text) = try value(inner, row) else { return nil }
            return FilterWitness.like(text, pattern) { run in folds.reduce(run) { $1.fold($0) } }
        case .between(let inner, let lower, let upper):
            let (value, lower, upper) = (try value(inner, row), try value(lower, row), try value(upper, row))
            guard let a = compare(.greaterOrEqual, value, lower), let b = compare(.lessOrEqual, value, upper) else { return nil }
            return a && b
        case .isIn(let inner, let items):
            let value = try value(inner, row)
            let truths = try items.map { compare(.equal, value, try self.value($0, row)) }
            return truths.contains(true) ? true : truths.contains(nil) ? nil : false
        case .spatial(let relation, let left, let right): return try spatial(relation, left, right, row)
        case .temporal(let relation, let left, let right): return try temporal(relation, left, right, row)
        case .array(let relation, let left, let right):
            guard let a = list(left, row), let b = list(right, row) else { return nil }
            switch relation {
            case .equals: return Set(a) == Set(b)
            case .contains: return Set(b).isSubset(of: a)
            case .containedBy: return Set(a).isSubset(of: b)
            case .overlaps: return !Set(a).isDisjoint(with: b)
            }
        default:
            guard case .truth(let truth) = try value(expression, row) else { return nil }
            return truth
        }
    }

    func compare(_ comparison: Comparison, _ left: Value, _ right: Value) -> Bool? {
        guard let order = order(left, right) else { return nil }
        return switch comparison {
        case .equal: order == 0
        case .notEqual: order != 0
        case .less: order < 0
        case .greater: order > 0
        case .lessOrEqual: order <= 0
        case .greaterOrEqual: order >= 0
        }
    }

    private func order(_ left: Value, _ right: Value) -> Int? {
        func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }
        switch (left, right) {
        case (.null, _), (_, .null): return nil
        // 64 bits of mantissa hold every Int64 and every Double.
        case (.integer(let a), .integer(let b)): return order(a, b)
        case (.integer(let a), .real(let b)): return order(Float80(a), Float80(b))
        case (.real(let a), .integer(let b)): return order(Float80(a), Float80(b))
        case (.real(let a), .real(let b)): return order(a, b)
        case (.truth(let a), .truth(let b)): return order(a ? 1 : 0, b ? 1 : 0)
        case (.text(let a), .text(let b)):
            let (a, b) = (a.unicodeScalars.map(\.value), b.unicodeScalars.map(\.value))
            return a.lexicographicallyPrecedes(b) ? -1 : a == b ? 0 : 1
        case (.day(let a), .day(let b)): return order(a, b)
        case (.instant(let a), .instant(let b)): return order(a, b)
        case (.day(let a), .instant(let b)): return order(a, FilterWitness.dayInJapan(b))
        case (.instant(let a), .day(let b)): return order(FilterWitness.dayInJapan(a), b)
        default: preconditionFailure("values of two types")
        }
    }

    static func dayInJapan(_ microseconds: Int64) -> Int {
        Int(((Float80(microseconds) / 3_600_000_000 + 9) / 24).rounded(.down))
    }

    // MARK: Values

    func value(_ expression: Expression, _ row: Int) throws -> Value {
        switch expression {
        case .property(let name):
            switch sample.values[row][FilterSample.attributes.firstIndex { $0.name == name }!] {
            case .null: return .null
            case .integer(let value): return .integer(value)
            case .real(let value): return .real(value)
            case .boolean(let value): return .truth(value)
            case .date(let day): return .day(Int(day.daysSince1970))
            case .time(let instant): return .instant(instant.microseconds)
            case .text(let text), .json(let text): return .text(text)
            }
        case .text(let text): return .text(text)
        case .integer(let value): return .integer(value)
        case .real(let value): return .real(value)
        case .boolean(let value): return .truth(value)
        case .date(let day): return .day(Int(day.daysSince1970))
        case .timestamp(let instant): return .instant(instant.microseconds)
        case .casei(let inner), .accenti(let inner):
            guard case .text(let text) = try value(inner, row) else { return .null }
            if case .casei = expression { return .text(TextFolding.casei.fold(text)) }
            return .text(TextFolding.accenti.fold(text))
        case .arithmetic(let operation, let left, let right):
            return FilterWitness.arithmetic(operation, try value(left, row), try value(right, row))
        case .function(let name, let arguments):
            let values = try arguments.map { try value($0, row) }
            if values.contains(.null) { return .null }
            switch (name, values[0]) {
            case ("lower", .text(let text)): return .text(text.lowercased())
            case ("upper", .text(let text)): return .text(text.uppercased())
            case ("length", .text(let text)): return .integer(Int64(text.unicodeScalars.count))
            case ("abs", .integer(let value)): return value == .min ? .null : .integer(abs(value))
            case ("abs", .real(let value)): return .real(abs(value))
            case ("floor", .real(let value)): return .real(value.rounded(.down))
            case ("max", _): return compare(.less, values[0], values[1]) == true ? values[1] : values[0]
            default: preconditionFailure("a function of the witness")
            }
        default: return try truth(expression, row).map { .truth($0) } ?? .null
        }
    }

    private static func arithmetic(_ operation: Arithmetic, _ left: Value, _ right: Value) -> Value {
        func real(_ value: Value) -> Double? {
            switch value {
            case .integer(let value): Double(value)
            case .real(let value): value
            default: nil
            }
        }
        if case .integer(let a) = left, case .integer(let b) = right {
            let (wide, other) = (Int128(a), Int128(b))
            var exact: Int128?
            switch operation {
            case .add: exact = wide + other
            case .subtract: exact = wide - other
            case .multiply: exact = wide * other
            case .integerDivide: exact = b == 0 ? nil : wide / other
            case .modulo: exact = b == 0 ? nil : wide % other
            case .divide: return b == 0 ? .null : .real(Double(a) / Double(b))
            case .power: exact = nil
            }
            guard let exact, let result = Int64(exactly: exact) else { return .null }
            return .integer(result)
        }
        guard let a = real(left), let b = real(right) else { return .null }
        let result: Double
        switch operation {
        case .add: result = a + b
        case .subtract: result = a - b
        case .multiply: result = a * b
        case .divide: result = b == 0 ? .nan : a / b
        case .modulo: result = b == 0 ? .nan : a.truncatingRemainder(dividingBy: b)
        case .integerDivide: result = b == 0 ? .nan : (a / b).rounded(.towardZero)
        case .power: result = .nan
        }
        return result.isFinite ? .real(result) : .null
    }

    /// By a table of all prefixes: text × pattern.
    static func like(_ text: String, _ pattern: String, fold: (String) -> String = { $0 }) -> Bool {
        enum Token: Equatable {
            case run
            case any
            case scalar(Unicode.Scalar)
        }
        var (tokens, plain, isEscaped) = ([Token](), "", false)
        func flush() {
            tokens += fold(plain).unicodeScalars.map { Token.scalar($0) }
            plain = ""
        }
        for scalar in pattern.unicodeScalars {
            if isEscaped {
                plain.unicodeScalars.append(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "%" || scalar == "_" {
                flush()
                tokens.append(scalar == "%" ? .run : .any)
            } else {
                plain.unicodeScalars.append(scalar)
            }
        }
        if isEscaped { plain += "\\" }
        flush()
        var fits = [true] + tokens.indices.map { tokens[...$0].allSatisfy { $0 == .run } }
        for scalar in text.unicodeScalars {
            var next = [false]
            for (i, token) in tokens.enumerated() {
                switch token {
                case .run: next.append(next[i] || fits[i + 1] || fits[i])
                case .any: next.append(fits[i])
                case .scalar(let wanted): next.append(fits[i] && wanted == scalar)
                }
            }
            fits = next
        }
        return fits[tokens.count]
    }

    // MARK: Relations

    private func spatial(_ relation: SpatialRelation, _ left: Expression, _ right: Expression, _ row: Int) throws -> Bool? {
        guard let a = geometry(left, row), let b = geometry(right, row) else { return nil }
        let isMixed = [a, b].contains { $0.kind == .geometryCollection && Set($0.partKinds).count > 1 }
        let first = try NativeGeometry(a, in: context)
        let second = try NativeGeometry(b, in: context)
        switch relation {
        case .intersects, .disjoint:
            var meets = false
            for i in a.partEnds.indices {
                for j in b.partEnds.indices where !meets {
                    meets = try NativeGeometry(a.part(i), in: context).intersects(NativeGeometry(b.part(j), in: context))
                }
            }
            return meets == (relation == .intersects)
        default: if isMixed { return nil }
        }
        switch relation {
        case .equals: return try first.equals(second)
        case .touches: return try first.touches(second)
        case .within: return try first.within(second)
        case .overlaps: return try first.overlaps(second)
        case .crosses: return try first.crosses(second)
        case .contains: return try first.contains(second)
        case .intersects, .disjoint: return nil
        }
    }

    private func geometry(_ expression: Expression, _ row: Int) -> Geometry? {
        switch expression {
        case .property: return sample.geometries[row]
        case .geometry(let geometry): return geometry
        case .bbox(let west, let south, let east, let north):
            return .polygon([
                [
                    Point(x: west, y: south), Point(x: east, y: south), Point(x: east, y: north), Point(x: west, y: north),
                    Point(x: west, y: south),
                ]
            ])
        default: preconditionFailure("no geometry")
        }
    }

    /// Allen's relations by the words of the standard's tables.
    private func temporal(_ relation: TemporalRelation, _ left: Expression, _ right: Expression, _ row: Int) throws -> Bool? {
        enum End {
            case low
            case high
            case at(Value)
        }
        func ends(_ expression: Expression) throws -> (End, End)? {
            guard case .interval(let start, let end) = expression else {
                let value = try value(expression, row)
                return value == .null ? nil : (.at(value), .at(value))
            }
            let (from, to) = (try start.map { try value($0, row) }, try end.map { try value($0, row) })
            if from == .null || to == .null { return nil }
            return (from.map { .at($0) } ?? .low, to.map { .at($0) } ?? .high)
        }
        func order(_ a: End, _ b: End) -> Int {
            switch (a, b) {
            case (.low, .low), (.high, .high): 0
            case (.low, _), (_, .high): -1
            case (.high, _), (_, .low): 1
            case (.at(let a), .at(let b)): self.order(a, b)!
            }
        }
        guard let (s0, e0) = try ends(left), let (s1, e1) = try ends(right) else { return nil }
        let (ss, se, es, ee) = (order(s0, s1), order(s0, e1), order(e0, s1), order(e0, e1))
        switch relation {
        case .after: return se > 0
        case .before: return es < 0
        case .contains: return ss < 0 && ee > 0
        case .disjoint: return es < 0 || se > 0
        case .during: return ss > 0 && ee < 0
        case .equals: return ss == 0 && ee == 0
        case .finishedBy: return ss < 0 && ee == 0
        case .finishes: return ss > 0 && ee == 0
        case .intersects: return es >= 0 && se <= 0
        case .meets: return es == 0
        case .metBy: return se == 0
        case .overlappedBy: return ss > 0 && se < 0 && ee > 0
        case .overlaps: return ss < 0 && es > 0 && ee < 0
        case .startedBy: return ss == 0 && ee > 0
        case .starts: return ss == 0 && ee < 0
        }
    }

    /// Elements of a list in one spelling each.
    private func list(_ expression: Expression, _ row: Int) -> [String]? {
        switch expression {
        case .property(let name):
            guard case .json(let text) = sample.values[row][FilterSample.attributes.firstIndex { $0.name == name }!] else { return nil }
            switch text {
            case "[]": return []
            case "[1,2]", "[2, 1, 2]": return ["1", "2"]
            case #"["a","b"]"#: return ["'a", "'b"]
            case #"["a", 1.0, true]"#: return ["'a", "1", "true"]
            case #"["\u3042","あ"]"#: return ["'あ"]
            case #"[[1,2],"a"]"#: return ["(1,2)", "'a"]
            case "[3]": return ["3"]
            default: return nil
            }
        case .list(let items):
            return items.map {
                switch $0 {
                case .integer(let value): "\(value)"
                case .real(let value): value == value.rounded() ? "\(Int(value))" : "\(value)"
                case .text(let text): "'\(text)"
                case .boolean(let value): "\(value)"
                case .list(let inner): "(\(list(.list(inner), row)!.joined(separator: ",")))"
                default: preconditionFailure("an element of the witness")
                }
            }
        default: preconditionFailure("no list")
        }
    }
}
