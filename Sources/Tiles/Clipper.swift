/// Cuts rings and lines at the buffered tile, in fine units (see `TileGrid`).
///
/// A crossing is computed from the edge's ends in a fixed order, so that an edge two polygons share is cut at the same place in both.
struct Clipper: ~Copyable {
    /// The ring or the line piece at hand.
    var points = Scratch<FinePoint>(capacity: 1024)
    private var spare = Scratch<FinePoint>(capacity: 1024)

    /// Which edges of the box a vertex is beyond.
    struct Sides: OptionSet {
        var rawValue: UInt8
        static let west = Sides(rawValue: 1)
        static let east = Sides(rawValue: 2)
        static let north = Sides(rawValue: 4)
        static let south = Sides(rawValue: 8)
    }

    @inline(__always)
    static func sides(_ point: FinePoint, _ grid: borrowing TileGrid) -> Sides {
        Sides(
            rawValue: (point.x < grid.low ? 1 : 0) | (point.x > grid.high ? 2 : 0) | (point.y < grid.low ? 4 : 0)
                | (point.y > grid.high ? 8 : 0))
    }

    /// Cuts the ring in `points`, whose closing vertex is not repeated, one edge of the box after another.
    ///
    /// Rule: Sutherland, Hodgman, “Reentrant polygon clipping”, 1974. A ring that leaves the box more than once comes back with bridges
    /// along the box's edge: the same area, but not simple. `Untangler` takes them apart.
    mutating func clipRing(to grid: borrowing TileGrid) {
        var beyond: Sides = []
        var beyondForAll: Sides = [.west, .east, .north, .south]
        for i in 0..<points.count {
            let sides = Clipper.sides(points[i], grid)
            beyond.formUnion(sides)
            beyondForAll.formIntersection(sides)
        }
        if !beyondForAll.isEmpty {
            points.removeAll()
            return
        }
        if beyond.contains(.west) { clipRing(vertically: true, at: grid.low, keepsGreater: true) }
        if beyond.contains(.east) { clipRing(vertically: true, at: grid.high, keepsGreater: false) }
        if beyond.contains(.north) { clipRing(vertically: false, at: grid.low, keepsGreater: true) }
        if beyond.contains(.south) { clipRing(vertically: false, at: grid.high, keepsGreater: false) }
    }

    private mutating func clipRing(vertically: Bool, at limit: Int64, keepsGreater: Bool) {
        if points.isEmpty { return }
        spare.removeAll()
        var last = points[points.count - 1]
        var lastKept = isKept(last, vertically, limit, keepsGreater)
        for i in 0..<points.count {
            let point = points[i]
            let kept = isKept(point, vertically, limit, keepsGreater)
            if kept != lastKept { spare.append(vertically ? crossing(x: limit, last, point) : crossing(y: limit, last, point)) }
            if kept { spare.append(point) }
            last = point
            lastKept = kept
        }
        swap(&points, &spare)
    }

    @inline(__always)
    private func isKept(_ point: FinePoint, _ vertically: Bool, _ limit: Int64, _ keepsGreater: Bool) -> Bool {
        let value = vertically ? point.x : point.y
        return keepsGreater ? value >= limit : value <= limit
    }

    /// The part of a segment inside the box, nil when there is none.
    ///
    /// Rule: D. Cohen, I. Sutherland, in Newman, Sproull, “Principles of interactive computer graphics”, 1973.
    static func clip(_ from: FinePoint, _ to: FinePoint, to grid: borrowing TileGrid) -> (FinePoint, FinePoint)? {
        var a = from
        var b = to
        var sidesOfA = sides(a, grid)
        var sidesOfB = sides(b, grid)
        while !(sidesOfA.isEmpty && sidesOfB.isEmpty) {
            if !sidesOfA.isDisjoint(with: sidesOfB) { return nil }
            let cutsA = !sidesOfA.isEmpty
            let sides = cutsA ? sidesOfA : sidesOfB
            let cut: FinePoint
            if sides.contains(.west) {
                cut = crossing(x: grid.low, a, b)
            } else if sides.contains(.east) {
                cut = crossing(x: grid.high, a, b)
            } else if sides.contains(.north) {
                cut = crossing(y: grid.low, a, b)
            } else {
                cut = crossing(y: grid.high, a, b)
            }
            if cutsA {
                a = cut
                sidesOfA = self.sides(a, grid)
            } else {
                b = cut
                sidesOfB = self.sides(b, grid)
            }
        }
        return (a, b)
    }

    private static func crossing(x: Int64, _ a: FinePoint, _ b: FinePoint) -> FinePoint {
        let (a, b) = a.x < b.x ? (a, b) : (b, a)
        return FinePoint(x: x, y: a.y + proportion(x - a.x, of: b.x - a.x, times: b.y - a.y))
    }

    private static func crossing(y: Int64, _ a: FinePoint, _ b: FinePoint) -> FinePoint {
        let (a, b) = a.y < b.y ? (a, b) : (b, a)
        return FinePoint(x: a.x + proportion(y - a.y, of: b.y - a.y, times: b.x - a.x), y: y)
    }

    private func crossing(x: Int64, _ a: FinePoint, _ b: FinePoint) -> FinePoint { Clipper.crossing(x: x, a, b) }

    private func crossing(y: Int64, _ a: FinePoint, _ b: FinePoint) -> FinePoint { Clipper.crossing(y: y, a, b) }

    /// part ÷ whole × length, rounded, halves up; 0 ≤ part ≤ whole < 2³⁶.
    static func proportion(_ part: Int64, of whole: Int64, times length: Int64) -> Int64 {
        let (product, overflow) = (2 * part).multipliedReportingOverflow(by: length)
        let (numerator, overflow2) = product.addingReportingOverflow(whole)
        if overflow || overflow2 {
            // Edges of half the world against a tile far down: 128 bits.
            let wide = 2 * Int128(part) * Int128(length) + Int128(whole)
            let divisor = 2 * Int128(whole)
            let quotient = wide / divisor
            return Int64(wide < 0 && quotient * divisor != wide ? quotient - 1 : quotient)
        }
        let divisor = 2 * whole
        let quotient = numerator / divisor
        return numerator < 0 && quotient * divisor != numerator ? quotient - 1 : quotient
    }
}

/// Twice the area of a ring whose first vertex is not repeated, in square fine units: positive when it runs clockwise on the map.
func signedArea(_ points: borrowing Scratch<FinePoint>) -> Int128 {
    if points.count < 3 { return 0 }
    let origin = points[0]
    var area: Int128 = 0
    for i in 2..<points.count {
        let a = points[i - 1]
        let b = points[i]
        area += Int128(a.x - origin.x) * Int128(b.y - origin.y) - Int128(a.y - origin.y) * Int128(b.x - origin.x)
    }
    return area
}
