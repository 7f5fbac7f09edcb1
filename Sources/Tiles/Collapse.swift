/// What a polygon feature leaves behind when none of its rings survives on the grid: how much area it has in the tile, and where.
///
/// A ring can fall onto a line or a point although its area is large: a ditch of 4000 × 0.3 grid units. The tile must still show that
/// area, so a stand-in of the same size is drawn where the polygon runs: a square unit at least.
struct Collapse: ~Copyable {
    /// Square grid units, of all shells without their holes.
    private(set) var area = 0.0
    private var largest = 0.0
    /// The largest shell's vertices on the grid.
    private var points = Scratch<GridPoint>()
    /// The ends of the longest straight run of the largest shell, on the grid.
    private var from = GridPoint(x: 0, y: 0)
    private var to = GridPoint(x: 0, y: 0)

    mutating func removeAll() {
        area = 0
        largest = 0
    }

    /// Whether a stand-in would lie where the polygons are: they are small, or thin all over, as only what has few vertices is.
    func fits(isThin: Bool) -> Bool { area > 0 && (length <= 16 || (isThin && area <= Double(length))) }

    /// Of the longest straight run.
    private var length: Int32 { max(1, abs(to.x - from.x), abs(to.y - from.y)) }

    /// Counts a ring whose first vertex is not repeated.
    mutating func add(_ ring: borrowing Scratch<FinePoint>, _ grid: TileGrid, isHole: Bool) {
        let ringArea = Double(abs(signedArea(ring))) / 2 * grid.areaScale
        if ringArea <= 0 { return }
        area += isHole ? -ringArea : ringArea
        if isHole || ringArea <= largest { return }
        largest = ringArea
        points.removeAll()
        for i in 0..<ring.count { points.append(grid.snap(ring[i])) }
        findRun()
    }

    /// What is nearer than this to a line, in grid units, is along it: half a pixel of 16.
    private static let reach = 8.0
    /// A line that bends more often is taken as it is then.
    private static let bendLimit = 32

    /// Finds the longest straight run of what is left of a ring: from one end of it to the other, or where it bends, up to the bend or from there on.
    private mutating func findRun() {
        var (west, east, north, south) = (0, 0, 0, 0)
        for i in 1..<points.count {
            if points[i].x < points[west].x { west = i }
            if points[i].x > points[east].x { east = i }
            if points[i].y < points[north].y { north = i }
            if points[i].y > points[south].y { south = i }
        }
        let isFlat = points[east].x - points[west].x >= points[south].y - points[north].y
        var (first, last) = isFlat ? (west, east) : (north, south)
        // On its way from one end to the other; the way back runs beside it, but for what clipping put along the buffer's edge.
        if last < first { last += points.count }
        if isAlongEdge(first, last) { (first, last) = (last, first + points.count) }
        for _ in 0..<Collapse.bendLimit {
            guard let bend = bend(first, last) else { break }
            if isAlongEdge(first, bend) {
                first = bend
            } else if isAlongEdge(bend, last) || square(first, bend) >= square(bend, last) {
                last = bend
            } else {
                first = bend
            }
        }
        set(from: points[first % points.count], to: points[last % points.count])
    }

    private func isAlongEdge(_ i: Int, _ j: Int) -> Bool {
        let (a, b) = (points[i % points.count], points[j % points.count])
        let (low, high) = (-TileGrid.buffer32, Int32(TileGrid.extent) + TileGrid.buffer32)
        return (a.x == b.x && (a.x == low || a.x == high)) || (a.y == b.y && (a.y == low || a.y == high))
    }

    /// The vertex between two that is farthest from the line between them, if it is not along it.
    private func bend(_ first: Int, _ last: Int) -> Int? {
        let (a, b) = (points[first % points.count], points[last % points.count])
        let length = square(first, last).squareRoot()
        var (bend, farthest): (Int?, Double) = (nil, Collapse.reach)
        for i in first + 1..<max(first + 1, last) {
            let point = points[i % points.count]
            let distance: Double
            if length > 0 {
                distance = abs(Double(turn(a, b, point))) / length
            } else {
                distance = square(first, i).squareRoot()
            }
            if distance > farthest { (bend, farthest) = (i, distance) }
        }
        return bend
    }

    private func square(_ i: Int, _ j: Int) -> Double {
        let (a, b) = (points[i % points.count], points[j % points.count])
        let (dx, dy) = (Double(a.x - b.x), Double(a.y - b.y))
        return dx * dx + dy * dy
    }

    /// What runs between two places has no area.
    mutating func set(from: GridPoint, to: GridPoint) {
        let isForward = abs(to.x - from.x) >= abs(to.y - from.y) ? from.x <= to.x : from.y <= to.y
        (self.from, self.to) = isForward ? (from, to) : (to, from)
    }

    /// Makes `rings` one parallelogram along the middle of the largest shell's longest straight run, of as much area as was lost there (to a whole unit, and
    /// one at least): a grid unit wide, or more where the run is too short for it.
    func standIn(into rings: inout GridRings) {
        let run = to.x - from.x
        let rise = to.y - from.y
        let isFlat = run >= abs(rise)
        let width = max(1, min(Collapse.widthLimit, Int32((area / Double(length)).rounded(.up))))
        let shown = max(1, min(length, Int32((area / Double(width)).rounded())))
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
        var offset = GridPoint(x: isWide ? 0 : width, y: isWide ? width : 0)
        if max(a.x, b.x) + offset.x > limit || max(a.y, b.y) + offset.y > limit { offset = GridPoint(x: -offset.x, y: -offset.y) }
        rings.removeAll()
        rings.points.append(a)
        rings.points.append(b)
        rings.points.append(GridPoint(x: b.x + offset.x, y: b.y + offset.y))
        rings.points.append(GridPoint(x: a.x + offset.x, y: a.y + offset.y))
        _ = rings.endRing(start: 0, part: 0, isHole: false)
    }

    /// Grid units.
    private static let widthLimit: Int32 = 8

    private func along(_ distance: Int32, of length: Int32) -> GridPoint {
        func step(_ whole: Int32) -> Int32 { Int32((Double(whole) * Double(distance) / Double(length)).rounded()) }
        return GridPoint(x: from.x + step(to.x - from.x), y: from.y + step(to.y - from.y))
    }
}
