/// Makes valid polygons of rings that touch, cross or overlap on the grid, without a repair library and without losing area.
///
/// What is inside is where the rings wind around at least once: shells count one, holes count minus one. So holes never become shells,
/// what two polygons both cover is covered once, and the bridges a clipped ring has along the tile's edge cancel.
///
/// 1. *Segments*: the rings' edges; what runs to and fro along the same edge cancels.
/// 2. *Snap rounding*: every vertex and every crossing makes its grid cell hot; each segment is bent to the centres of the hot cells it
///    passes. Then segments have at most their ends in common, and nothing moved by more than half a grid unit along an axis.
///    Rule: Guibas, Marimont, “Rounding arrangements dynamically”, 1995; J. Hobby, “Practical segment intersection with finite
///    precision output”, 1999. Exact, because everything is a whole number of 13 bits. Where every crossing lies on the grid, as with
///    mere contacts and bridges, segments are only divided there and nothing moves at all.
/// 3. *Sweep* (`Untangler+Faces.swift`): the winding number on both sides of each segment; those with inside on just one side are border.
/// 4. *Rings*: follow the border so that the same piece of inside stays on the right, and cut where a vertex repeats.
struct Untangler: ~Copyable {
    /// A piece of the arrangement from its north end to its south end (ordered by y, then x).
    struct Edge: BitwiseCopyable {
        var upper: GridPoint
        var lower: GridPoint
        /// How many times more the rings run down it than up.
        var balance: Int32
        /// How often the rings wind around the area to its west.
        var windingWest: Int32 = 0
        /// The border's next edge, once known.
        var next: Int32 = -1
        var upperNode: Int32 = 0
        var lowerNode: Int32 = 0
        var cycle: Int32 = -1

        var windingEast: Int32 { windingWest - balance }
        var isInsideWest: Bool { windingWest > 0 }
        var isInsideEast: Bool { windingEast > 0 }
        var isBorder: Bool { isInsideWest != isInsideEast }
    }

    /// Segments as numbers that sort by their north end, then their south end: 26 bits each, then one that is set when it runs up.
    var segments = Scratch<UInt64>(capacity: 256)
    var spare = Scratch<UInt64>(capacity: 256)
    var edges = Scratch<Edge>(capacity: 256)
    private var hot = Scratch<UInt64>(capacity: 256)
    private var chain = Scratch<GridPoint>()

    // For the sweep and the rings, see Untangler+Faces.swift.
    var ends = Scratch<UInt64>(capacity: 256)
    var status = Scratch<Int32>()
    var fan = Scratch<Int32>()
    var spokes = Scratch<Spoke>()
    var sameFace = Scratch<(Int32, Int32)>()
    var stack = Scratch<PathVertex>()
    var heightOnStack = Scratch<Int32>()
    var loops = Scratch<Loop>()
    var faces = Scratch<Int32>()
    /// The vertices of `loops`.
    var points = Scratch<GridPoint>(capacity: 256)

    /// Replaces the rings by those of a valid polygon or multipolygon with the same inside.
    /// - Complexity: O(segments × log segments) plus the pairs of segments that lie beside each other, and the grid rows they pass.
    mutating func untangle(_ rings: inout GridRings) {
        segments.removeAll()
        for number in 0..<rings.rings.count {
            let ring = rings.rings[number]
            var from = rings.points[ring.end - 1]
            for i in ring.start..<ring.end {
                let to = rings.points[i]
                addSegment(from, to)
                from = to
            }
        }
        collectEdges()
        heatCells()
        bendSegments()
        collectEdges()
        sweep()
        traceRings()
        groupRings(into: &rings)
    }

    @inline(__always)
    private mutating func addSegment(_ from: GridPoint, _ to: GridPoint) {
        let a = from.key
        let b = to.key
        if a < b {
            segments.append(a << 27 | b << 1)
        } else if b < a {
            segments.append(b << 27 | a << 1 | 1)
        }
    }

    /// Sorts the segments and makes one edge of those that are the same, unless they cancel.
    private mutating func collectEdges() {
        segments.sort(bits: 1..<53, spare: &spare)
        edges.removeAll()
        var i = 0
        while i < segments.count {
            let line = segments[i] >> 1
            var balance: Int32 = 0
            while i < segments.count && segments[i] >> 1 == line {
                balance += segments[i] & 1 == 0 ? 1 : -1
                i += 1
            }
            if balance != 0 {
                edges.append(Edge(upper: GridPoint(key: line >> 26), lower: GridPoint(key: line & 0x3FF_FFFF), balance: balance))
            }
        }
    }

    // MARK: Snap rounding

    private var originX: Int32 = 0
    private var originY: Int32 = 0
    private var wordsPerRow = 0
    /// Some crossing lies between the places of the grid.
    private var needsBending = false

    /// Marks the cells of all vertices and of all crossings, in a bitmap over the envelope.
    private mutating func heatCells() {
        guard edges.count > 0 else { return }
        var minX = Int32.max
        var maxX = Int32.min
        var maxY = Int32.min
        for i in 0..<edges.count {
            let edge = edges[i]
            minX = min(minX, edge.upper.x, edge.lower.x)
            maxX = max(maxX, edge.upper.x, edge.lower.x)
            maxY = max(maxY, edge.lower.y)
        }
        originX = minX
        originY = edges[0].upper.y
        wordsPerRow = Int(maxX - minX) / 64 + 1
        hot.fill(0, count: wordsPerRow * Int(maxY - originY + 1))
        needsBending = false
        for i in 0..<edges.count {
            heat(edges[i].upper)
            heat(edges[i].lower)
        }
        for i in 0..<edges.count {
            let a = edges[i]
            let west = min(a.upper.x, a.lower.x)
            let east = max(a.upper.x, a.lower.x)
            var j = i + 1
            while j < edges.count {
                let b = edges[j]
                if b.upper.y > a.lower.y { break }
                if max(b.upper.x, b.lower.x) >= west && min(b.upper.x, b.lower.x) <= east, let cell = crossing(a, b) {
                    heat(cell)
                    if !isOn(a, cell) || !isOn(b, cell) { needsBending = true }
                }
                j += 1
            }
        }
    }

    private mutating func heat(_ cell: GridPoint) {
        let column = Int(cell.x - originX)
        hot[Int(cell.y - originY) * wordsPerRow + column >> 6] |= 1 << UInt64(column & 63)
    }

    @inline(__always)
    private func isOn(_ edge: Edge, _ point: GridPoint) -> Bool { turn(edge.upper, edge.lower, point) == 0 }

    /// The cell in which two segments cross, each inside the other; nil when they do not, or at most touch at an end.
    private func crossing(_ a: Edge, _ b: Edge) -> GridPoint? {
        let sideOfStart = Int64(turn(a.upper, a.lower, b.upper))
        let sideOfEnd = Int64(turn(a.upper, a.lower, b.lower))
        guard (sideOfStart < 0 && sideOfEnd > 0) || (sideOfStart > 0 && sideOfEnd < 0) else { return nil }
        let sideOfA = turn(b.upper, b.lower, a.upper)
        let sideOfAEnd = turn(b.upper, b.lower, a.lower)
        guard (sideOfA < 0 && sideOfAEnd > 0) || (sideOfA > 0 && sideOfAEnd < 0) else { return nil }
        // At b.upper + share × (b.lower − b.upper).
        let whole = abs(sideOfStart - sideOfEnd)
        let share = abs(sideOfStart)
        let x = floorDivide(2 * share * Int64(b.lower.x - b.upper.x) + whole, 2 * whole)
        let y = floorDivide(2 * share * Int64(b.lower.y - b.upper.y) + whole, 2 * whole)
        return GridPoint(x: b.upper.x + Int32(x), y: b.upper.y + Int32(y))
    }

    /// Replaces every segment by the chain of the hot cells it passes. A cell holds its north and west border, not the other two.
    private mutating func bendSegments() {
        segments.removeAll()
        for i in 0..<edges.count {
            let edge = edges[i]
            findHotCells(along: edge)
            if !needsBending { keepCells(on: edge) }
            for j in 1..<chain.count {
                for _ in 0..<abs(edge.balance) {
                    if edge.balance > 0 { addSegment(chain[j - 1], chain[j]) } else { addSegment(chain[j], chain[j - 1]) }
                }
            }
        }
    }

    private mutating func keepCells(on edge: Edge) {
        var kept = 0
        for j in 0..<chain.count where isOn(edge, chain[j]) {
            chain[kept] = chain[j]
            kept += 1
        }
        chain.truncate(to: kept)
    }

    private mutating func findHotCells(along edge: Edge) {
        chain.removeAll()
        let run = edge.lower.x - edge.upper.x
        let rise = edge.lower.y - edge.upper.y
        var first = edge.upper.x
        for y in edge.upper.y...edge.lower.y {
            var last = edge.lower.x
            var following = last
            if y < edge.lower.y {
                // Where the segment leaves this row, at y + ½, which is the next row's: x = numerator ÷ (2 × rise), plus ½ for the column.
                let numerator = run * (2 * (y - edge.upper.y) + 1) + rise
                let column = numerator >= 0 ? numerator / (2 * rise) : (numerator + 1) / (2 * rise) - 1
                following = edge.upper.x + column
                // Going east, a border between columns reached only there is not reached in this row.
                last = run > 0 && column * 2 * rise == numerator ? following - 1 : following
            }
            collectHotCells(row: y, from: first, to: last)
            first = following
        }
    }

    private mutating func collectHotCells(row: Int32, from: Int32, to: Int32) {
        let base = Int(row - originY) * wordsPerRow
        let west = Int(min(from, to) - originX)
        let east = Int(max(from, to) - originX)
        let start = chain.count
        for word in (west >> 6)...(east >> 6) {
            var bits = hot[base + word]
            if word == west >> 6 { bits &= ~0 << UInt64(west & 63) }
            if word == east >> 6 { bits &= ~0 >> UInt64(63 - east & 63) }
            while bits != 0 {
                chain.append(GridPoint(x: originX + Int32(word << 6 + bits.trailingZeroBitCount), y: row))
                bits &= bits - 1
            }
        }
        if to < from { chain.reverse(start..<chain.count) }
    }
}

private func floorDivide(_ numerator: Int64, _ divisor: Int64) -> Int64 {
    let quotient = numerator / divisor
    return numerator < 0 && quotient * divisor != numerator ? quotient - 1 : quotient
}
