/// A sum that does not lose the small among the large (Neumaier's compensated summation), so that figures agree to the last digits that matter; and that
/// does not become infinite on the way to a sum that is not.
struct CompensatedSum: Sendable {
    private var ordinary = Part()
    /// Of values so large that a few of them could go beyond what a number holds, each made smaller by `scale`.
    private var large = Part()

    private static let largest = 0x1p900
    private static let scale = 0x1p-128

    private struct Part {
        var sum = 0.0
        var rest = 0.0

        mutating func add(_ value: Double) {
            let next = sum + value
            rest += abs(sum) >= abs(value) ? (sum - next) + value : (value - next) + sum
            sum = next
        }

        mutating func add(_ other: Part) {
            add(other.sum)
            add(other.rest)
        }
    }

    mutating func add(_ value: Double) {
        if abs(value) < CompensatedSum.largest { ordinary.add(value) } else { large.add(value * CompensatedSum.scale) }
    }

    mutating func add(_ other: CompensatedSum) {
        ordinary.add(other.ordinary)
        large.add(other.large)
    }

    /// Infinite only where the sum is beyond all numbers.
    var value: Double { divided(by: 1) }

    /// The sum, divided before it can become infinite.
    func divided(by count: Int) -> Double {
        guard large.sum != 0 || large.rest != 0 else { return (ordinary.sum + ordinary.rest) / Double(count) }
        var all = large
        all.add(ordinary.sum * CompensatedSum.scale)
        all.add(ordinary.rest * CompensatedSum.scale)
        return (all.sum + all.rest) / Double(count) / CompensatedSum.scale
    }
}
