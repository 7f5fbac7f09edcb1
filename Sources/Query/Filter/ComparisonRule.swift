import CQL2
import Glibc

/// What a comparison makes of “less” (−1), “equal” (0) and “greater” (1).
struct ComparisonRule {
    let comparison: Comparison
    /// A bit for each outcome that holds: 1 less, 2 equal, 4 greater.
    private let bits: UInt8

    init(_ comparison: Comparison) {
        self.comparison = comparison
        bits =
            switch comparison {
            case .less: 1
            case .equal: 2
            case .greater: 4
            case .lessOrEqual: 3
            case .greaterOrEqual: 6
            case .notEqual: 5
            }
    }

    var text: String { comparison.rawValue }

    @inline(__always)
    func truth(_ order: Int) -> UInt8 { ((bits >> UInt8(truncatingIfNeeded: order &+ 1)) & 1) &* 2 }

    /// The comparison that says the same with its sides changed.
    var flipped: ComparisonRule {
        switch comparison {
        case .less: ComparisonRule(.greater)
        case .greater: ComparisonRule(.less)
        case .lessOrEqual: ComparisonRule(.greaterOrEqual)
        case .greaterOrEqual: ComparisonRule(.lessOrEqual)
        case .equal, .notEqual: self
        }
    }
}

/// Orders of values, exactly: −1, 0 or 1.
enum Order {
    @inline(__always)
    static func of<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a > b ? 1 : 0 }

    /// A whole number and a finite double, without rounding either.
    @inline(__always)
    static func of(_ a: Int64, _ b: Double) -> Int {
        if b >= 0x1p63 { return -1 }
        if b < -0x1p63 { return 1 }
        let whole = b.rounded(.towardZero)
        let order = of(a, Int64(whole))
        return order != 0 ? order : of(whole, b)
    }

    /// Bytes as unsigned numbers, which for UTF-8 is the order of code points; what begins the other comes first.
    @inline(__always)
    static func of(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let shared = min(a.count, b.count)
        if shared > 0 {
            let order = memcmp(a.baseAddress!, b.baseAddress!, shared)
            if order != 0 { return order < 0 ? -1 : 1 }
        }
        return of(a.count, b.count)
    }
}
