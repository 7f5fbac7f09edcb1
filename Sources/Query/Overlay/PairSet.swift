/// A set of pairs of numbers below 2³².
///
/// Open addressing; a pair takes 16 bytes at most on average.
struct PairSet: Sendable {
    /// The pair plus one; 0 is free.
    private var table: [UInt64] = []
    private(set) var count = 0

    /// False when the pair was in it.
    @inline(__always)
    mutating func insert(_ first: Int, _ second: Int) -> Bool {
        if 3 * count >= 2 * table.count { grow() }
        let pair = (UInt64(truncatingIfNeeded: first) << 32 | UInt64(truncatingIfNeeded: second)) &+ 1
        var place = PairSet.place(pair, table.count)
        while table[place] != 0 {
            if table[place] == pair { return false }
            place = (place + 1) & (table.count - 1)
        }
        table[place] = pair
        count += 1
        return true
    }

    /// Ascending, by the first number and then the second.
    var sorted: [(first: Int, second: Int)] {
        table.filter { $0 != 0 }.sorted().map { (Int(($0 - 1) >> 32), Int(truncatingIfNeeded: ($0 - 1) & 0xFFFF_FFFF)) }
    }

    private mutating func grow() {
        let old = table
        table = [UInt64](repeating: 0, count: max(64, 2 * old.count))
        for pair in old where pair != 0 {
            var place = PairSet.place(pair, table.count)
            while table[place] != 0 { place = (place + 1) & (table.count - 1) }
            table[place] = pair
        }
    }

    @inline(__always)
    private static func place(_ pair: UInt64, _ size: Int) -> Int {
        let mixed = pair &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed ^ mixed >> 32) & (size - 1)
    }
}
