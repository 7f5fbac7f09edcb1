/// Snap rounding: from segments that cross anywhere to segments that meet only at their ends, on the grid.
extension Untangler {
    /// Marks the cells of all vertices and of all crossings, in a bitmap over the envelope.
    mutating func heatCells(within limit: inout WorkLimit) {
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
        let low = GridPoint(x: minX, y: edges[0].upper.y)
        hot.start(from: low, to: GridPoint(x: maxX, y: maxY))
        needsBending = false
        for i in 0..<edges.count {
            hot.heat(edges[i].upper)
            hot.heat(edges[i].lower)
        }
        pairs.chosen.removeAll()
        for i in 0..<edges.count { pairs.chosen.append(UInt32(i)) }
        pairs.list(edges, from: low, reduction: 0)
        while pairs.nextStrip(edges) {
            for i in 0..<pairs.count {
                let a = edges[pairs.segment(i)]
                var j = i + 1
                while pairs.areNear(i, j) {
                    let b = edges[pairs.segment(j)]
                    if let cell = crossing(a, b) {
                        hot.heat(cell)
                        if !isOn(a, cell) || !isOn(b, cell) { needsBending = true }
                    }
                    j += 1
                }
                if !limit.allows(j - i) { return }
            }
        }
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
    mutating func bendSegments(within limit: inout WorkLimit) {
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
            let rows = Int(edge.lower.y - edge.upper.y)
            if !limit.allows(rows + Int(abs(edge.balance)) * chain.count, pieces: segments.count) { return }
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
        if rise > 0 {
            // The segment leaves row y at y + ½, into the column x + ½ rounded down: upper.x + (run × (2k + 1) + rise) ÷ (2 × rise) for the
            // row k, with the division carried from row to row.
            let divisor = 2 * rise
            let start = floorDivide(Int64(run + rise), Int64(divisor))
            let step = Int32(floorDivide(Int64(2 * run), Int64(divisor)))
            let stepRest = 2 * run - step * divisor
            var column = edge.upper.x + Int32(start)
            var rest = run + rise - Int32(start) * divisor
            for y in edge.upper.y..<edge.lower.y {
                // Going east, a border between columns that is reached only there is not reached in this row.
                hot.collect(row: y, from: first, to: run > 0 && rest == 0 ? column - 1 : column, into: &chain)
                first = column
                column += step
                rest += stepRest
                if rest >= divisor {
                    column += 1
                    rest -= divisor
                }
            }
        }
        hot.collect(row: edge.lower.y, from: first, to: edge.lower.x, into: &chain)
    }
}
