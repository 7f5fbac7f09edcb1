/// Searches a packed index where it lies, in a mapped file or an array. The pointer must stay valid for as long as the view is used.
public struct PackedIndexView: @unchecked Sendable {
    @usableFromInline let nodes: UnsafePointer<Int32>
    @usableFromInline let count: Int
    @usableFromInline let levels: [Int]
    /// For each level the number of nodes before it.
    @usableFromInline let starts: [Int]
    /// For each block of `1 << blockShift` bytes a byte that is not 0 when the block agrees with its checksum; nil when all do.
    @usableFromInline let checked: UnsafePointer<UInt8>?
    @usableFromInline let check: @Sendable (Int) throws -> Void
    @usableFromInline static var blockShift: Int { 16 }

    /// - Parameters:
    ///   - nodes: `PackedIndex.byteCount(count:)` bytes.
    ///   - checked: a byte for each block of 64 KiB; where it is 0, `check` is called with the block's number before the block is read.
    public init(
        nodes: UnsafePointer<Int32>, count: Int, checked: UnsafePointer<UInt8>? = nil,
        check: @escaping @Sendable (Int) throws -> Void = { _ in }
    ) {
        self.nodes = nodes
        self.count = count
        self.checked = checked
        self.check = check
        levels = PackedIndex.levels(count: count)
        var start = 0
        starts = levels.map { size in
            defer { start += size }
            return start
        }
    }

    /// A box that holds all rows of `4096 × number ..< 4096 × (number + 1)`: those rows share a node three levels up. Nil in an index of fewer
    /// levels.
    /// - Complexity: O(1)
    @inlinable
    public func checkedBox(ofRows4096 number: Int) throws -> IndexBox? {
        guard levels.count > 2, number >= 0, number < levels[2] else { return nil }
        let offset = (starts[2] + number) * (PackedIndex.nodeSize / 4)
        if let checked {
            let block = (offset * 4) >> PackedIndexView.blockShift
            if checked[block] == 0 { try check(block) }
        }
        let used = min(PackedIndex.fanout, levels[1] - number * PackedIndex.fanout)
        let places = nodes + offset
        var box = IndexBox(minX: places[0], minY: places[16], maxX: places[32], maxY: places[48])
        for i in 1..<max(1, used) {
            box.minX = min(box.minX, places[i])
            box.minY = min(box.minY, places[16 + i])
            box.maxX = max(box.maxX, places[32 + i])
            box.maxY = max(box.maxY, places[48 + i])
        }
        return box
    }

    /// Calls `found` with runs of rows, in ascending order, whose boxes meet `box`. The second argument is true when all of the run lies within `inside`,
    /// so that nothing is left to look at.
    ///
    /// A node that lies within `inside` is taken whole, without going down.
    /// - Parameter inside: a box within `box`; nil when nothing can be taken without a look.
    /// - Complexity: O(log n + rows found)
    @inlinable
    public func search(_ box: IndexBox, inside: IndexBox?, _ found: (Range<Int>, Bool) throws -> Void) rethrows {
        try search(box, inside: inside, check: { _ in }, found)
    }

    /// As `search(_:inside:_:)`, and every block is held against its checksum before it is read for the first time.
    @inlinable
    public func checkedSearch(_ box: IndexBox, inside: IndexBox?, _ found: (Range<Int>, Bool) throws -> Void) throws {
        try search(box, inside: inside, check: check, found)
    }

    @inlinable
    func search(
        _ box: IndexBox, inside: IndexBox?, check: (Int) throws -> Void, _ found: (Range<Int>, Bool) throws -> Void
    ) rethrows {
        guard count > 0 else { return }
        let top = levels.count - 1
        // A depth-first walk with one 16-bit set of children left for each level: at most eight levels for 2³² rows.
        var left = SIMD8<UInt32>()
        var within = SIMD8<UInt32>()
        var node = SIMD8<Int>()
        var level = top
        var run = 0..<0
        var runInside = false

        func open(_ number: Int, at level: Int) throws {
            let offset = (starts[level] + number) * (PackedIndex.nodeSize / 4)
            if let checked {
                let block = (offset * 4) >> PackedIndexView.blockShift
                if checked[block] == 0 { try check(block) }
            }
            let children = nodes + offset
            node[level] = number
            // The unused places of a last node meet nothing but a box that ends at the edge of the number range, so they are cut off.
            let used = (level == 0 ? count : levels[level - 1]) - number * PackedIndex.fanout
            left[level] = PackedIndexView.meeting(children, box) & (used < PackedIndex.fanout ? (1 << UInt32(used)) - 1 : 0xFFFF)
            within[level] = inside.map { PackedIndexView.lying(children, in: $0) } ?? 0
        }

        func take(_ rows: Range<Int>, _ isInside: Bool) throws {
            if rows.lowerBound == run.upperBound && isInside == runInside && !run.isEmpty {
                run = run.lowerBound..<rows.upperBound
            } else {
                if !run.isEmpty { try found(run, runInside) }
                run = rows
                runInside = isInside
            }
        }

        try open(0, at: top)
        while true {
            if left[level] == 0 {
                if level == top { break }
                level += 1
                continue
            }
            let place = left[level].trailingZeroBitCount
            left[level] &= left[level] - 1
            let child = node[level] * PackedIndex.fanout + place
            let isInside = within[level] & (1 << UInt32(place)) != 0
            if level == 0 {
                try take(child..<child + 1, isInside)
            } else if isInside {
                let shift = 4 * level
                try take(child << shift..<min((child + 1) << shift, count), true)
            } else {
                level -= 1
                try open(child, at: level)
            }
        }
        if !run.isEmpty { try found(run, runInside) }
    }

    // Plain loops over sixteen numbers: the compiler makes vector code of them on every processor, which it does not of `SIMDMask`.

    /// A bit for each of a node's sixteen boxes that meets `box`.
    @inlinable @inline(__always)
    static func meeting(_ node: UnsafePointer<Int32>, _ box: IndexBox) -> UInt32 {
        var bits: UInt32 = 0
        for i in 0..<16 {
            let x: UInt32 = (node[i] <= box.maxX ? 1 : 0) & (node[32 &+ i] >= box.minX ? 1 : 0)
            let y: UInt32 = (node[16 &+ i] <= box.maxY ? 1 : 0) & (node[48 &+ i] >= box.minY ? 1 : 0)
            bits |= (x & y) << UInt32(truncatingIfNeeded: i)
        }
        return bits
    }

    /// A bit for each of a node's sixteen boxes that lies within `box`.
    @inlinable @inline(__always)
    static func lying(_ node: UnsafePointer<Int32>, in box: IndexBox) -> UInt32 {
        var bits: UInt32 = 0
        for i in 0..<16 {
            let x: UInt32 = (node[i] >= box.minX ? 1 : 0) & (node[32 &+ i] <= box.maxX ? 1 : 0)
            let y: UInt32 = (node[16 &+ i] >= box.minY ? 1 : 0) & (node[48 &+ i] <= box.maxY ? 1 : 0)
            bits |= (x & y) << UInt32(truncatingIfNeeded: i)
        }
        return bits
    }
}
