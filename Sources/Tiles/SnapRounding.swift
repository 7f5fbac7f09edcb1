/// Segments in fine units, brought onto the grid so that they meet only at their ends.
///
/// Every end and every crossing makes its grid cell *hot*; each segment becomes the chain of the hot cells it passes. So a segment that several polygons
/// share is the same in all of them; nothing passes over to another side of a line; and nothing moves by more than half a grid unit along an axis.
///
/// Rule: Guibas, Marimont, “Rounding arrangements dynamically”, 1995; J. Hobby, “Practical segment intersection with finite precision output”, 1999. Exact: all
/// numbers are whole, and wide enough.
struct SnapRounding: ~Copyable {
    /// From its north end to its south end (ordered by y, then x).
    struct Segment: LineSegment, Equatable {
        var upper: FinePoint
        var lower: FinePoint

        var north: FinePoint { upper }
        var south: FinePoint { lower }
    }

    private(set) var segments = Scratch<Segment>(capacity: 1024)
    private var table = NumberTable()
    /// The cells that the segment asked for last passes, from its upper end to its lower end.
    private(set) var chain = Scratch<GridPoint>()

    private var grid = TileGrid(MapTile(.webMercatorQuad, zoom: 0, column: 0, row: 0)!)
    private var hot = HotCells()
    private var pairs = NearPairs()

    /// Forgets all segments.
    mutating func start(_ grid: TileGrid) {
        self.grid = grid
        segments.removeAll()
        table.removeAll(leastPlaces: 1024)
    }

    /// The number of a segment, which it is given when it comes first.
    mutating func number(upper: FinePoint, lower: FinePoint) -> Int {
        let segment = Segment(upper: upper, lower: lower)
        var place = table.home(SnapRounding.hash(segment))
        while let number = table[place] {
            if segments[number] == segment { return number }
            place = table.after(place)
        }
        let number = segments.count
        table.put(number, at: place)
        segments.append(segment)
        if table.isCrowded {
            table.enlarge()
            for number in 0..<segments.count { table.add(number, hash: SnapRounding.hash(segments[number])) }
        }
        return number
    }

    @inline(__always)
    private static func hash(_ segment: Segment) -> UInt64 {
        // A fine unit takes 33 bits at most.
        let a = fold(UInt64(bitPattern: segment.upper.x) ^ UInt64(bitPattern: segment.upper.y) << 31)
        return fold(a ^ UInt64(bitPattern: segment.lower.x) ^ UInt64(bitPattern: segment.lower.y) << 31)
    }

    /// Finds the hot cells; afterwards, unless the limit is reached, `findChain` may be asked.
    /// - Complexity: O(segments × log segments) plus the pairs of segments that lie beside each other.
    mutating func heatCells(within limit: inout WorkLimit) {
        if segments.count == 0 { return }
        var low = grid.snap(segments[0].upper)
        var high = low
        for i in 0..<segments.count {
            let upper = grid.snap(segments[i].upper)
            let lower = grid.snap(segments[i].lower)
            low = GridPoint(x: min(low.x, upper.x, lower.x), y: min(low.y, upper.y))
            high = GridPoint(x: max(high.x, upper.x, lower.x), y: max(high.y, lower.y))
        }
        hot.start(from: low, to: high)
        for i in 0..<segments.count {
            hot.heat(grid.snap(segments[i].upper))
            hot.heat(grid.snap(segments[i].lower))
        }
        chooseColdOnes()
        pairs.list(segments, from: low, reduction: grid.reduction)
        while pairs.nextStrip(segments) {
            for i in 0..<pairs.count {
                let a = segments[pairs.segment(i)]
                var j = i + 1
                while pairs.areNear(i, j) {
                    if let cell = crossing(a, segments[pairs.segment(j)]) { hot.heat(cell) }
                    j += 1
                }
                if !limit.allows(j - i) { return }
            }
        }
    }

    /// What passes nothing but cells that are hot already makes none hot: far out that is nearly everything.
    private mutating func chooseColdOnes() {
        pairs.chosen.removeAll()
        for i in 0..<segments.count {
            var hasCold = false
            SnapRounding.forEachRun(segments[i], grid) { row, from, to in
                hasCold = !hot.isHot(row: row, from: from, to: to)
                return !hasCold
            }
            if hasCold { pairs.chosen.append(UInt32(i)) }
        }
    }

    /// The cell in which two segments cross, each inside the other; nil when they do not, or at most touch at an end, whose cell is hot anyway.
    @inline(__always)
    private func crossing(_ a: Segment, _ b: Segment) -> GridPoint? {
        if max(a.upper.x, a.lower.x) < min(b.upper.x, b.lower.x) || max(b.upper.x, b.lower.x) < min(a.upper.x, a.lower.x) { return nil }
        if a.lower.y < b.upper.y || b.lower.y < a.upper.y { return nil }
        // From zoom 2 on the products of two differences, and the difference of two such products, stay below 2⁶³.
        return grid.reduction <= 18 ? crossing(a, b, Int64.self) : crossing(a, b, Int128.self)
    }

    @inline(__always)
    private func crossing<Number: FixedWidthInteger & SignedInteger>(_ a: Segment, _ b: Segment, _: Number.Type) -> GridPoint? {
        let sideOfStart = side(a, b.upper, Number.self)
        let sideOfEnd = side(a, b.lower, Number.self)
        guard (sideOfStart < 0 && sideOfEnd > 0) || (sideOfStart > 0 && sideOfEnd < 0) else { return nil }
        let sideOfA = side(b, a.upper, Number.self)
        let sideOfAEnd = side(b, a.lower, Number.self)
        guard (sideOfA < 0 && sideOfAEnd > 0) || (sideOfA > 0 && sideOfAEnd < 0) else { return nil }
        // At b.upper + share ÷ whole × (b.lower − b.upper).
        return cell(b, share: abs(Int128(sideOfStart)), of: abs(Int128(sideOfStart) - Int128(sideOfEnd)))
    }

    /// Twice the area of the triangle of a segment and a point.
    @inline(__always)
    private func side<Number: FixedWidthInteger & SignedInteger>(_ a: Segment, _ point: FinePoint, _: Number.Type) -> Number {
        Number(a.lower.x &- a.upper.x) &* Number(point.y &- a.upper.y) &- Number(a.lower.y &- a.upper.y) &* Number(point.x &- a.upper.x)
    }

    @inline(never)
    private func cell(_ segment: Segment, share: Int128, of whole: Int128) -> GridPoint {
        func number(_ start: Int64, _ end: Int64) -> Int32 {
            Int32(floorDivide(Int128(start + grid.half) * whole + share * Int128(end - start), whole << Int128(grid.reduction)))
        }
        return GridPoint(x: number(segment.upper.x, segment.lower.x), y: number(segment.upper.y, segment.lower.y))
    }

    /// Makes `chain` the hot cells that a segment passes.
    mutating func findChain(_ number: Int) {
        chain.removeAll()
        SnapRounding.forEachRun(segments[number], grid) { row, from, to in
            hot.collect(row: row, from: from, to: to, into: &chain)
            return true
        }
    }

    /// The cells that a segment passes, row by row: in each from one column to another, in its direction. A cell holds its north and west border, not the
    /// other two.
    /// - Parameter body: whether to go on.
    @inline(__always)
    private static func forEachRun(_ segment: Segment, _ grid: TileGrid, _ body: (_ row: Int32, _ from: Int32, _ to: Int32) -> Bool) {
        let upper = grid.snap(segment.upper)
        let lower = grid.snap(segment.lower)
        var first = upper.x
        if lower.y > upper.y {
            // It leaves row y at y + ½, into the column x + ½ rounded down, that is (x + half) ÷ unit, with x = upper.x + run × (border − upper.y) ÷ rise.
            // From row to row the division is carried.
            let run = segment.lower.x - segment.upper.x
            let rise = segment.lower.y - segment.upper.y
            let border = Int64(upper.y) << grid.reduction + grid.half
            let divisor = rise << grid.reduction
            let start = Int128(segment.upper.x + grid.half) * Int128(rise) + Int128(run) * Int128(border - segment.upper.y)
            var column = Int64(floorDivide(start, Int128(divisor)))
            var rest = Int64(start - Int128(column) * Int128(divisor))
            let step = floorDivide(run, rise)
            let stepRest = (run - step * rise) << grid.reduction
            for y in upper.y..<lower.y {
                // Going east, a border between columns that is reached only there is not reached in this row.
                if !body(y, first, Int32(run > 0 && rest == 0 ? column - 1 : column)) { return }
                first = Int32(column)
                column += step
                rest += stepRest
                if rest >= divisor {
                    column += 1
                    rest -= divisor
                }
            }
        }
        _ = body(lower.y, first, lower.x)
    }
}
