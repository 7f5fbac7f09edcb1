/// The cells of the grid in which something ends or crosses: a bit for each cell of an envelope, row after row.
struct HotCells: ~Copyable {
    private var bits = Scratch<UInt64>(capacity: 256)
    private var wordsPerRow = 0
    private var west: Int32 = 0
    private var north: Int32 = 0

    /// Begins with cold ones, from the most north-western to the most south-eastern.
    mutating func start(from low: GridPoint, to high: GridPoint) {
        (west, north) = (low.x, low.y)
        wordsPerRow = Int(high.x - low.x) / 64 + 1
        bits.fill(0, count: wordsPerRow * Int(high.y - low.y + 1))
    }

    @inline(__always)
    mutating func heat(_ cell: GridPoint) {
        let column = Int(cell.x - west)
        bits[Int(cell.y - north) * wordsPerRow + column >> 6] |= 1 << UInt64(column & 63)
    }

    /// Adds those of a row from one column to another, to the east or to the west, to a chain.
    @inline(__always)
    func collect(row: Int32, from: Int32, to: Int32, into chain: inout Scratch<GridPoint>) {
        if from == to {
            let column = Int(from - west)
            if bits[Int(row - north) * wordsPerRow + column >> 6] >> UInt64(column & 63) & 1 != 0 {
                chain.append(GridPoint(x: from, y: row))
            }
        } else {
            collectRun(row: row, from: from, to: to, into: &chain)
        }
    }

    @inline(never)
    private func collectRun(row: Int32, from: Int32, to: Int32, into chain: inout Scratch<GridPoint>) {
        let base = Int(row - north) * wordsPerRow
        let first = Int(min(from, to) - west)
        let last = Int(max(from, to) - west)
        let start = chain.count
        for word in (first >> 6)...(last >> 6) {
            var rest = bits[base + word]
            if word == first >> 6 { rest &= ~0 << UInt64(first & 63) }
            if word == last >> 6 { rest &= ~0 >> UInt64(63 - last & 63) }
            while rest != 0 {
                chain.append(GridPoint(x: west + Int32(word << 6 + rest.trailingZeroBitCount), y: row))
                rest &= rest - 1
            }
        }
        if to < from { chain.reverse(start..<chain.count) }
    }
}
