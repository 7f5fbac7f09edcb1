/// What a polygon feature leaves behind when none of its rings survives on the grid: how much area it has in the tile, and where.
///
/// A ring can fall onto a line or a point although its area is large: a ditch of 4000 × 0.3 grid units. The tile must still show that
/// area, so a stand-in of the same size is drawn where the polygon runs: a square unit at least.
struct Collapse: ~Copyable {
    /// Square grid units, of all shells without their holes.
    private(set) var area = 0.0
    private var largest = 0.0
    /// The ends of the largest shell, on the grid.
    private var from = GridPoint(x: 0, y: 0)
    private var to = GridPoint(x: 0, y: 0)

    mutating func removeAll() {
        area = 0
        largest = 0
    }

    /// Counts a ring whose first vertex is not repeated.
    mutating func add(_ ring: borrowing Scratch<FinePoint>, _ grid: TileGrid, isHole: Bool) {
        let ringArea = Double(abs(signedArea(ring))) / 2 * grid.areaScale
        if ringArea <= 0 { return }
        area += isHole ? -ringArea : ringArea
        if isHole || ringArea <= largest { return }
        largest = ringArea
        var west = grid.snap(ring[0])
        var (east, north, south) = (west, west, west)
        for i in 1..<ring.count {
            let point = grid.snap(ring[i])
            if point.x < west.x { west = point }
            if point.x > east.x { east = point }
            if point.y < north.y { north = point }
            if point.y > south.y { south = point }
        }
        (from, to) = east.x - west.x >= south.y - north.y ? (west, east) : (north, south)
    }

    /// What runs between two places has no area.
    mutating func set(from: GridPoint, to: GridPoint) {
        let isForward = abs(to.x - from.x) >= abs(to.y - from.y) ? from.x <= to.x : from.y <= to.y
        (self.from, self.to) = isForward ? (from, to) : (to, from)
    }

    /// Makes `rings` one parallelogram, a grid unit wide, along the middle of the largest shell, of as much area as was lost there (to a
    /// whole unit, and one at least).
    func standIn(into rings: inout GridRings) {
        let run = to.x - from.x
        let rise = to.y - from.y
        let isFlat = run >= abs(rise)
        let length = max(1, isFlat ? run : rise)
        let shown = max(1, min(length, Int32(area.rounded())))
        let start = (length - shown) / 2
        var a = along(start, of: length)
        var b = along(start + shown, of: length)
        if run == 0 && rise == 0 { b.x += 1 }
        let limit = Int32(TileGrid.extent + TileGrid.buffer)
        if b.x > limit {
            a.x -= 1
            b.x -= 1
        }
        let isWide = isFlat || (run == 0 && rise == 0)
        var offset = GridPoint(x: isWide ? 0 : 1, y: isWide ? 1 : 0)
        if max(a.x, b.x) + offset.x > limit || max(a.y, b.y) + offset.y > limit { offset = GridPoint(x: -offset.x, y: -offset.y) }
        rings.removeAll()
        rings.points.append(a)
        rings.points.append(b)
        rings.points.append(GridPoint(x: b.x + offset.x, y: b.y + offset.y))
        rings.points.append(GridPoint(x: a.x + offset.x, y: a.y + offset.y))
        _ = rings.endRing(start: 0, part: 0, isHole: false)
    }

    private func along(_ distance: Int32, of length: Int32) -> GridPoint {
        func step(_ whole: Int32) -> Int32 { Int32((Double(whole) * Double(distance) / Double(length)).rounded()) }
        return GridPoint(x: from.x + step(to.x - from.x), y: from.y + step(to.y - from.y))
    }
}
