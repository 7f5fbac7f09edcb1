/// On which side of a line a place lies, without error: the sign of a determinant of doubles, taken as the exact numbers they are.
///
/// Nearly always the plain arithmetic is certain of the sign; where it is not, the determinant is summed exactly
/// (J. R. Shewchuk, “Adaptive precision floating-point arithmetic and fast robust geometric predicates”, 1997).
enum Orientation {
    /// 1 when p lies to the left of the line from a to b, −1 to the right, 0 on it.
    @inline(__always)
    static func side(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ px: Double, _ py: Double) -> Int {
        let left = (ax - px) * (by - py)
        let right = (ay - py) * (bx - px)
        let determinant = left - right
        let bound = 3.330_669_073_875_471_6e-16 * (abs(left) + abs(right))
        if determinant > bound { return 1 }
        if determinant < -bound { return -1 }
        return exactSide(ax, ay, bx, by, px, py)
    }

    @inline(never)
    private static func exactSide(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ px: Double, _ py: Double) -> Int {
        var sum = Expansion()
        sum.addProduct(difference(ax, px), difference(by, py))
        let (x, y) = (difference(ay, py), difference(bx, px))
        sum.addProduct((-x.high, -x.low), y)
        return sum.sign
    }

    /// a − b as the sum of two doubles, exactly.
    private static func difference(_ a: Double, _ b: Double) -> (high: Double, low: Double) {
        let high = a - b
        let virtual = a - high
        let back = high + virtual
        return (high, (a - back) + (virtual - b))
    }

    /// A number as the sum of doubles that do not overlap, the smallest first.
    private struct Expansion {
        private var parts = InlineArray<16, Double>(repeating: 0)
        private var count = 0

        mutating func addProduct(_ a: (high: Double, low: Double), _ b: (high: Double, low: Double)) {
            for x in [a.low, a.high] {
                for y in [b.low, b.high] where x != 0 && y != 0 {
                    let product = x * y
                    add((-product).addingProduct(x, y))
                    add(product)
                }
            }
        }

        /// GROW-EXPANSION of the paper.
        private mutating func add(_ number: Double) {
            var rest = number
            for i in 0..<count {
                let sum = rest + parts[i]
                let virtual = sum - rest
                parts[i] = (rest - (sum - virtual)) + (parts[i] - virtual)
                rest = sum
            }
            parts[count] = rest
            count += 1
        }

        var sign: Int {
            var i = count
            while i > 0 {
                i -= 1
                if parts[i] != 0 { return parts[i] > 0 ? 1 : -1 }
            }
            return 0
        }
    }

    /// Whether two segments, ends included, have a place in common. A segment may be a single place.
    @inline(__always)
    static func meet(
        _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double, _ dx: Double, _ dy: Double
    ) -> Bool {
        if max(ax, bx) < min(cx, dx) || max(cx, dx) < min(ax, bx) || max(ay, by) < min(cy, dy) || max(cy, dy) < min(ay, by) { return false }
        let c = side(ax, ay, bx, by, cx, cy)
        if c != 0 && c == side(ax, ay, bx, by, dx, dy) { return false }
        let a = side(cx, cy, dx, dy, ax, ay)
        // On one line, the boxes that meet say that the segments do.
        return a == 0 || a != side(cx, cy, dx, dy, bx, by)
    }
}
