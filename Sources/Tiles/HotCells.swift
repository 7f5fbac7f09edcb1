/// The cells of the grid in which something ends or crosses: a bit for each cell of an envelope, in blocks of eight rows and columns, so that what lies along
/// an edge lies together in memory whichever way it runs.
struct HotCells: ~Copyable {
    private var blocks = Scratch<UInt64>(capacity: 256)
    /// Those that are not zero: a few polygons of a tile heat few cells of a large envelope.
    private var heated = Scratch<Int32>(capacity: 256)
    private var blocksPerRow = 0
    private var west: Int32 = 0
    private var north: Int32 = 0

    /// Begins with cold ones, from the most north-western to the most south-eastern.
    mutating func start(from low: GridPoint, to high: GridPoint) {
        for i in 0..<heated.count { blocks[Int(heated[i])] = 0 }
        heated.removeAll()
        (west, north) = (low.x, low.y)
        blocksPerRow = Int(high.x - low.x) >> 3 + 1
        let count = blocksPerRow * (Int(high.y - low.y) >> 3 + 1)
        if blocks.count < count { blocks.fill(0, count: count) }
    }

    @inline(__always)
    mutating func heat(_ cell: GridPoint) {
        let (column, row) = (Int(cell.x - west), Int(cell.y - north))
        let block = row >> 3 * blocksPerRow + column >> 3
        if blocks[block] == 0 { heated.append(Int32(truncatingIfNeeded: block)) }
        blocks[block] |= 1 << UInt64((row & 7) << 3 | column & 7)
    }

    /// Whether all of a row from one column to another, to the east or to the west, are hot.
    @inline(__always)
    func isHot(row: Int32, from: Int32, to: Int32) -> Bool {
        let line = Int(row - north)
        let (base, shift) = (line >> 3 * blocksPerRow, UInt64((line & 7) << 3))
        for column in Int(min(from, to) - west)...Int(max(from, to) - west)
        where blocks[base + column >> 3] >> (shift + UInt64(column & 7)) & 1 == 0 { return false }
        return true
    }

    /// Adds those of a row from one column to another, to the east or to the west, to a chain.
    @inline(__always)
    func collect(row: Int32, from: Int32, to: Int32, into chain: inout Scratch<GridPoint>) {
        if from == to {
            let (column, line) = (Int(from - west), Int(row - north))
            if blocks[line >> 3 * blocksPerRow + column >> 3] >> UInt64((line & 7) << 3 | column & 7) & 1 != 0 {
                chain.append(GridPoint(x: from, y: row))
            }
        } else {
            collectRun(row: row, from: from, to: to, into: &chain)
        }
    }

    @inline(never)
    private func collectRun(row: Int32, from: Int32, to: Int32, into chain: inout Scratch<GridPoint>) {
        let line = Int(row - north)
        let (base, shift) = (line >> 3 * blocksPerRow, UInt64((line & 7) << 3))
        let first = Int(min(from, to) - west)
        let last = Int(max(from, to) - west)
        let start = chain.count
        for block in (first >> 3)...(last >> 3) {
            var rest = blocks[base + block] >> shift & 0xFF
            if rest == 0 { continue }
            if block == first >> 3 { rest &= ~0 << UInt64(first & 7) }
            if block == last >> 3 { rest &= 0xFF >> UInt64(7 - (last & 7)) }
            while rest != 0 {
                chain.append(GridPoint(x: west + Int32(block << 3 + rest.trailingZeroBitCount), y: row))
                rest &= rest - 1
            }
        }
        if to < from { chain.reverse(start..<chain.count) }
    }
}
