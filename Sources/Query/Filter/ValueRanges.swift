import CQL2
import Geo

/// A set of numbers as closed ranges, ascending and apart: what a comparison, BETWEEN or IN with values written out comes down to.
struct ValueRanges<Number: Comparable & BitwiseCopyable & Sendable>: Sendable {
    private(set) var ranges: [ClosedRange<Number>]

    /// - Complexity: O(n log n)
    init(_ ranges: [ClosedRange<Number>]) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, range.lowerBound <= last.upperBound {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    /// - Complexity: O(log n)
    func contains(_ value: Number) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= value
    }

    /// Some value between the two may be in the set; every value certainly is.
    func meets(_ span: ClosedRange<Number>) -> (some: Bool, all: Bool) {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < span.lowerBound { low = middle + 1 } else { high = middle }
        }
        guard low < ranges.count, ranges[low].lowerBound <= span.upperBound else { return (false, false) }
        return (true, ranges[low].lowerBound <= span.lowerBound && span.upperBound <= ranges[low].upperBound)
    }

    func intersection(_ other: ValueRanges) -> ValueRanges {
        var (result, i, j) = ([ClosedRange<Number>](), 0, 0)
        while i < ranges.count && j < other.ranges.count {
            let (a, b) = (ranges[i], other.ranges[j])
            let low = max(a.lowerBound, b.lowerBound)
            let high = min(a.upperBound, b.upperBound)
            if low <= high { result.append(low...high) }
            if a.upperBound < b.upperBound { i += 1 } else { j += 1 }
        }
        return ValueRanges(result)
    }

    var text: String {
        if ranges.isEmpty { return "nothing" }
        if ranges.count > 4 { return "one of \(ranges.count) values" }
        return ranges.map { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)…\($0.upperBound)" }.joined(
            separator: ", ")
    }
}

extension ValueRanges where Number == Int64 {
    /// The whole numbers that compare so with a whole number; `<>` is for the caller to negate.
    init(_ comparison: Comparison, _ value: Int64) {
        switch comparison {
        case .equal, .notEqual: self.init([value...value])
        case .less: self.init(value == .min ? [] : [.min...(value - 1)])
        case .lessOrEqual: self.init([.min...value])
        case .greater: self.init(value == .max ? [] : [(value + 1)...Int64.max])
        case .greaterOrEqual: self.init([value...Int64.max])
        }
    }

    /// The whole numbers that compare so with a finite double, exactly.
    init(_ comparison: Comparison, _ value: Double) {
        if value >= 0x1p63 {
            self.init(comparison == .less || comparison == .lessOrEqual ? [.min...Int64.max] : [])
        } else if value < -0x1p63 {
            self.init(comparison == .greater || comparison == .greaterOrEqual ? [.min...Int64.max] : [])
        } else if value == value.rounded(.down) {
            self.init(comparison, Int64(value))
        } else {
            // Between two whole numbers; the lower one is representable.
            let below = Int64(value.rounded(.down))
            switch comparison {
            case .equal, .notEqual: self.init([])
            case .less, .lessOrEqual: self.init(.lessOrEqual, below)
            case .greater, .greaterOrEqual: self.init(.greater, below)
            }
        }
    }
}

extension ValueRanges where Number == Double {
    init(_ comparison: Comparison, _ value: Double) {
        let all = Double.greatestFiniteMagnitude
        switch comparison {
        case .equal, .notEqual: self.init([value...value])
        case .less: self.init(value == -all ? [] : [-all...value.nextDown])
        case .lessOrEqual: self.init([-all...value])
        case .greater: self.init(value == all ? [] : [value.nextUp...all])
        case .greaterOrEqual: self.init([value...all])
        }
    }

    /// The doubles that compare so with a whole number, exactly.
    init(_ comparison: Comparison, _ value: Int64) {
        let near = Double(value)
        let order = Order.of(value, near)
        guard order != 0 else {
            self.init(comparison, near)
            return
        }
        // No double is the number itself: `near` lies just above or below it.
        switch comparison {
        case .equal, .notEqual: self.init([])
        case .less, .lessOrEqual: self.init(order < 0 ? .less : .lessOrEqual, near)
        case .greater, .greaterOrEqual: self.init(order < 0 ? .greaterOrEqual : .greater, near)
        }
    }
}
