import Geo
import LayerStore

/// What one aggregate has gathered in one group.
struct Tally: Sendable {
    var count = 0
    /// Exact: no sum of 2³² 64-bit numbers is larger.
    private var integers: Int128 = 0
    private var reals = CompensatedSum()
    private var least: AttributeValue?
    private var greatest: AttributeValue?

    mutating func add(real: Double) {
        count += 1
        reals.add(real)
    }

    /// Takes a value that is not null.
    mutating func add(_ value: Column.Value, _ aggregate: OverlayRequest.Aggregate) {
        switch aggregate {
        case .sum, .mean:
            switch value {
            case .integer(let number): integers += Int128(number)
            case .real(let number): reals.add(number)
            default: return
            }
            count += 1
        case .min:
            let value = AttributeValue(value)
            if value != .null, least.map({ value.precedes($0) }) ?? true { least = value }
        case .max:
            let value = AttributeValue(value)
            if value != .null, greatest.map({ $0.precedes(value) }) ?? true { greatest = value }
        default: count += 1
        }
    }

    mutating func merge(_ other: Tally) {
        count += other.count
        integers += other.integers
        reals.add(other.reals)
        if let value = other.least, least.map({ value.precedes($0) }) ?? true { least = value }
        if let value = other.greatest, greatest.map({ $0.precedes(value) }) ?? true { greatest = value }
    }

    /// The figure; null where there was nothing to take it of, and where it is larger than a number can be.
    func result(_ aggregate: OverlayRequest.Aggregate, isInteger: Bool) -> AttributeValue {
        switch aggregate {
        case .count, .distinct: return .integer(Int64(count))
        case .area, .length: return .real(reals.value)
        case .sum:
            guard count > 0 else { return .null }
            guard isInteger else { return Tally.real(reals.value) }
            return Int64(exactly: integers).map { .integer($0) } ?? .real(Double(integers))
        case .mean:
            guard count > 0 else { return .null }
            return isInteger ? .real(Double(integers) / Double(count)) : Tally.real(reals.divided(by: count))
        case .min: return least ?? .null
        case .max: return greatest ?? .null
        }
    }

    private static func real(_ value: Double) -> AttributeValue { value.isFinite ? .real(value) : .null }

    /// There was something to add up, and the figure is larger than a number can be.
    func isTooLarge(_ aggregate: OverlayRequest.Aggregate, isInteger: Bool) -> Bool {
        switch aggregate {
        case .sum, .mean: count > 0 && result(aggregate, isInteger: isInteger) == .null
        default: false
        }
    }
}

extension AttributeValue {
    init(_ value: Column.Value) {
        switch value {
        case .null: self = .null
        case .integer(let value): self = .integer(value)
        case .real(let value): self = .real(value)
        case .boolean(let value): self = .boolean(value)
        case .date(let value): self = .date(value)
        case .time(let value): self = .time(value)
        case .text(let bytes): self = .text(String(decoding: bytes, as: UTF8.self))
        case .json(let bytes): self = .json(String(decoding: bytes, as: UTF8.self))
        }
    }
}

extension OverlayRequest.Aggregate {
    /// The attribute that it is of.
    var property: OverlayRequest.Property? {
        switch self {
        case .count, .area, .length: nil
        case .distinct(let property), .sum(let property), .mean(let property), .min(let property), .max(let property): property
        }
    }

    /// The name in requests.
    var function: String {
        switch self {
        case .count: "count"
        case .distinct: "distinct"
        case .sum: "sum"
        case .mean: "mean"
        case .min: "min"
        case .max: "max"
        case .area: "area"
        case .length: "length"
        }
    }
}
