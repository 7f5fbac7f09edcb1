/// The rings of one polygon or multipolygon on a tile's grid, flat; the closing vertex is not repeated.
struct GridRings: ~Copyable {
    struct Ring: BitwiseCopyable {
        /// Where its vertices begin and end in `points`.
        var start: Int
        var end: Int
        /// The polygon it belongs to.
        var part: Int32
        var isHole: Bool
    }

    var points = Scratch<GridPoint>(capacity: 1024)
    var rings = Scratch<Ring>()

    mutating func removeAll() {
        points.removeAll()
        rings.removeAll()
    }

    /// Adds a vertex to the ring that began at `start`, taking back repeated vertices and spikes: where the ring turns round and
    /// goes back along the line it came on, the vertex at the turn encloses nothing.
    @inline(__always)
    mutating func add(_ point: GridPoint, ringStart start: Int) {
        while true {
            let count = points.count
            if count == start { break }
            let last = points[count - 1]
            if last == point { return }
            if count - start == 1 { break }
            if !isSpike(points[count - 2], last, point) { break }
            points.removeLast()
        }
        points.append(point)
    }

    /// Ends the ring that began at `start`: takes back repetitions and spikes across its ends too, and turns it so that a shell runs
    /// clockwise on the map and a hole the other way (MVT 2.1, 4.3.4.4). Nothing stays of a ring with fewer than three vertices.
    mutating func endRing(start: Int, part: Int32, isHole: Bool) -> RingForm {
        var first = start
        while true {
            let last = points.count - 1
            if last - first < 2 {
                points.truncate(to: start)
                return .nothing
            }
            if points[first] == points[last] {
                points.removeLast()
            } else if isSpike(points[last - 1], points[last], points[first]) {
                points.removeLast()
            } else if isSpike(points[last], points[first], points[first + 1]) {
                first += 1
            } else {
                break
            }
        }
        let form = form(of: first..<points.count)
        if form.area != 0 && (form.area < 0) != isHole { points.reverse(first..<points.count) }
        rings.append(Ring(start: first, end: points.count, part: part, isHole: isHole))
        return form.area == 0 ? .tangled : form.convex ? .convex : .unknown
    }

    /// Square grid units, twice: of shells, without their holes.
    var doubledArea: Int64 {
        var area: Int64 = 0
        for number in 0..<rings.count {
            let ring = rings[number]
            for i in ring.start + 1..<ring.end { area += Int64(turn(points[ring.start], points[i - 1], points[i])) }
        }
        return area
    }

    /// Vertices of what may be off.
    private static let mostOff = 16

    /// Whether they are so small, a pixel of 8 units, or so thin, a unit and a half, that rounding may have changed their area much.
    var mayBeOff: Bool {
        if rings.isEmpty || points.count - rings[0].start > GridRings.mostOff { return false }
        let area = doubledArea
        if area >= 3 * Int64(TileGrid.extent + 2 * TileGrid.buffer) { return false }
        var (low, high) = (points[rings[0].start], points[rings[0].start])
        for i in rings[0].start..<points.count {
            low = GridPoint(x: min(low.x, points[i].x), y: min(low.y, points[i].y))
            high = GridPoint(x: max(high.x, points[i].x), y: max(high.y, points[i].y))
        }
        let side = Int64(max(high.x - low.x, high.y - low.y))
        return area < 3 * side || (area <= 2 * 64 && side <= 16)
    }

    enum RingForm {
        /// Fewer than three vertices.
        case nothing
        /// No ring could be simple and look like this.
        case tangled
        /// Convex, hence simple.
        case convex
        /// Has to be looked at.
        case unknown
    }

    /// Twice the area by the surveyor's formula, and whether the ring is convex: it turns one way only, and runs once up and once down.
    private func form(of range: Range<Int>) -> (area: Int64, convex: Bool) {
        var a = points[range.upperBound - 2]
        var b = points[range.upperBound - 1]
        let origin = b
        var area: Int64 = 0
        var left = false
        var right = false
        var reversals = 0
        var forward = b.y > a.y || (b.y == a.y && b.x > a.x)
        for i in range {
            let c = points[i]
            let turned = turn(a, b, c)
            if turned > 0 { right = true }
            if turned < 0 { left = true }
            let nowForward = c.y > b.y || (c.y == b.y && c.x > b.x)
            if nowForward != forward { reversals &+= 1 }
            forward = nowForward
            area &+= Int64(turn(origin, b, c))
            a = b
            b = c
        }
        return (area, left != right && reversals == 2)
    }

    @inline(__always)
    private func isSpike(_ a: GridPoint, _ b: GridPoint, _ c: GridPoint) -> Bool {
        turn(a, b, c) == 0 && (b.x &- a.x) &* (c.x &- b.x) &+ (b.y &- a.y) &* (c.y &- b.y) < 0
    }
}
