/// At which zooms a ring may be rounded to a tile's grid without a look at what came of it.
///
/// The grids of all tiles of a zoom are one grid through the world, so it can be known once what rounding makes of a ring that is not cut: a set of zooms,
/// bit `zoom − 5`. Zoom 20, at which a grid unit is a world unit, stands for those beyond; below 5 nothing is known.
///
/// 1. Rounding moves a vertex by at most √½ of a grid unit, and every point of an edge by no more. So where no vertex is nearer than √2 units to an edge
///    it is no end of, no two edges can touch afterwards that did not before: for edges that do not cross, the least distance of two is that of an end
///    of one to the other, and for two that share a vertex, one could only come to lie along the other by an end that reaches it.
/// 2. At some zooms before that it is tried out: rounded, repeated vertices left out, every edge held against every other. Thin rings must have kept their
///    area too: of those that have not tiles show a stand-in.
enum RingSafety {
    /// Rings with more vertices are not looked at: every vertex is held against every edge.
    static let vertexLimit = 48

    /// - Parameter world: x and y in turn, world units, the first vertex repeated at the end.
    /// - Returns: the zooms at which the rounded ring, repeated vertices left out, is simple and runs the same way round; none for a ring that is not
    ///   simple on world units or has too many vertices.
    /// - Complexity: O(vertices²)
    static func zooms(_ world: UnsafeBufferPointer<Int32>) -> UInt16 {
        guard let certain = leastZoom(world) else { return 0 }
        var zooms: UInt16 = certain <= 5 ? .max : ~0 << UInt16(certain - 5)
        let area = doubledArea(world)
        var zoom = certain - 1
        while zoom >= max(leastTriedZoom, certain - triedZooms) {
            if staysSimple(world, zoom: zoom, area) { zooms |= 1 << UInt16(zoom - 5) }
            zoom -= 1
        }
        return zooms
    }

    /// How many zooms are tried out below the certain ones: a ring that is smaller still seldom survives.
    private static let triedZooms = 4
    /// Farther out so much is thinned out that trying costs more than it saves.
    private static let leastTriedZoom = 12

    /// Whether a thin ring has another area than in truth, by more than an eighth: then it is to be looked at.
    /// - Parameters:
    ///   - area: square grid units, twice; `trueArea` too.
    private static func isOff(
        _ area: Int64, _ trueArea: Double, _ ring: UnsafeMutableBufferPointer<SIMD2<Int32>>, _ count: Int
    ) -> Bool {
        var (low, high) = (ring[0], ring[0])
        for i in 1..<count { (low, high) = (pointwiseMin(low, ring[i]), pointwiseMax(high, ring[i])) }
        if abs(area) >= 3 * Int64((high &- low).max()) { return false }
        return abs(Double(area) - trueArea) > abs(trueArea) / 8
    }

    /// Whether the ring rounded at a zoom, repeated vertices left out, has no edges that touch but neighbours at their vertex.
    /// - Parameter doubledArea: in truth.
    private static func staysSimple(_ world: UnsafeBufferPointer<Int32>, zoom: Int, _ doubledArea: Double) -> Bool {
        withUnsafeTemporaryAllocation(of: SIMD2<Int32>.self, capacity: vertexLimit + 1) { ring in
            let reduction = Int64(20 - zoom)
            let isClockwise = doubledArea > 0
            let trueArea = doubledArea / Double(1 << (2 * reduction))
            let half: Int64 = reduction > 0 ? 1 << (reduction - 1) : 0
            // In grid units from the first vertex's cell: products of two differences fit, see the limit in `leastZoom`.
            let (originX, originY) = ((Int64(world[0]) + half) >> reduction, (Int64(world[1]) + half) >> reduction)
            var count = 0
            for i in 0..<world.count / 2 - 1 {
                let x = Int32(truncatingIfNeeded: (Int64(world[2 * i]) + half) >> reduction - originX)
                let y = Int32(truncatingIfNeeded: (Int64(world[2 * i + 1]) + half) >> reduction - originY)
                if count > 0 && ring[count - 1] == SIMD2(x, y) { continue }
                ring[count] = SIMD2(x, y)
                count += 1
            }
            while count > 1 && ring[count - 1] == ring[0] { count -= 1 }
            if count < 3 { return false }
            ring[count] = ring[0]
            func turn(_ a: SIMD2<Int32>, _ b: SIMD2<Int32>, _ c: SIMD2<Int32>) -> Int64 {
                Int64(b.x &- a.x) * Int64(c.y &- a.y) - Int64(b.y &- a.y) * Int64(c.x &- a.x)
            }
            var area: Int64 = 0
            for i in 0..<count {
                let (a, b, c) = (ring[i], ring[i + 1], ring[i + 2 > count ? 1 : i + 2])
                area += Int64(a.x) * Int64(b.y) - Int64(a.y) * Int64(b.x)
                // A spike: the next edge goes back along this one.
                if turn(a, b, c) == 0 && Int64(b.x - a.x) * Int64(c.x - b.x) + Int64(b.y - a.y) * Int64(c.y - b.y) < 0 { return false }
            }
            if area == 0 || (area > 0) != isClockwise || isOff(area, trueArea, ring, count) { return false }
            for i in 0..<count - 2 {
                let (a, b) = (ring[i], ring[i + 1])
                for j in i + 2..<(i == 0 ? count - 1 : count) {
                    let (c, d) = (ring[j], ring[j + 1])
                    if max(a.x, b.x) < min(c.x, d.x) || max(c.x, d.x) < min(a.x, b.x) || max(a.y, b.y) < min(c.y, d.y)
                        || max(c.y, d.y) < min(a.y, b.y)
                    {
                        continue
                    }
                    let (ofC, ofD) = (turn(a, b, c).signum(), turn(a, b, d).signum())
                    if ofC == ofD && ofC != 0 { continue }
                    let (ofA, ofB) = (turn(c, d, a).signum(), turn(c, d, b).signum())
                    if ofA == ofB && ofA != 0 { continue }
                    return false
                }
            }
            return true
        }
    }

    /// From which zoom on it is certain; nil for a ring that is not simple on world units or has too many vertices.
    private static func leastZoom(_ world: UnsafeBufferPointer<Int32>) -> Int? {
        let count = world.count / 2 - 1
        guard (3...vertexLimit).contains(count) else { return nil }
        var least = Double.infinity
        let (originX, originY) = (Int64(world[0]), Int64(world[1]))
        // Relative, so that the products below are exact: half a world times half a world is 2⁶², but a small polygon is what is asked about.
        for i in 0..<count {
            let (x, y) = (Int64(world[2 * i]) - originX, Int64(world[2 * i + 1]) - originY)
            guard abs(x) < 1 << 24, abs(y) < 1 << 24 else { return nil }
        }
        for edge in 0..<count {
            let (ax, ay) = (Double(world[2 * edge]), Double(world[2 * edge + 1]))
            let (dx, dy) = (Double(world[2 * edge + 2]) - ax, Double(world[2 * edge + 3]) - ay)
            let square = dx * dx + dy * dy
            guard square > 0 else { return nil }
            let inverse = 1 / square
            let next = edge + 1 == count ? 0 : edge + 1
            var lastSide = 0.0
            for vertex in 0...count {
                let place = vertex == count ? 0 : vertex
                let (px, py) = (Double(world[2 * place]) - ax, Double(world[2 * place + 1]) - ay)
                let side = dx * py - dy * px
                if place != edge && place != next {
                    let along = px * dx + py * dy
                    let distance: Double
                    if along <= 0 {
                        distance = px * px + py * py
                    } else if along >= square {
                        distance = (px - dx) * (px - dx) + (py - dy) * (py - dy)
                    } else {
                        distance = side * side * inverse
                    }
                    if distance < least { least = distance }
                }
                // The ring goes over the line of this edge here; whether within the edge is seen from the other side.
                if vertex > 0 && ((lastSide < 0 && side > 0) || (lastSide > 0 && side < 0)) {
                    let from = vertex - 1
                    let (qx, qy) = (Double(world[2 * from]) - ax, Double(world[2 * from + 1]) - ay)
                    let (ex, ey) = (px - qx, py - qy)
                    let ofStart = ex * -qy - ey * -qx
                    let ofEnd = ex * (dy - qy) - ey * (dx - qx)
                    if (ofStart < 0 && ofEnd > 0) || (ofStart > 0 && ofEnd < 0) { return nil }
                }
                lastSide = side
            }
        }
        // A unit of the grid is 2^(20 − zoom) world units. A hair above 2 for the rounding of the division.
        for zoom in 0...20 {
            let unit = Double(1 << (20 - zoom))
            if least > 2.000001 * unit * unit { return zoom }
        }
        // Simple as it is, but not certainly on any coarser grid.
        return least > 0 ? 20 : nil
    }

    /// Along a ring or a line, in world units.
    static func length(_ world: UnsafeBufferPointer<Int32>) -> Float {
        var length = 0.0
        for i in 1..<max(1, world.count / 2) {
            let x = Double(world[2 * i]) - Double(world[2 * i - 2])
            let y = Double(world[2 * i + 1]) - Double(world[2 * i - 1])
            length += (x * x + y * y).squareRoot()
        }
        return Float(length)
    }

    /// Twice the area of a ring, in square world units; positive when it runs clockwise on the map (y grows south).
    static func doubledArea(_ world: UnsafeBufferPointer<Int32>) -> Double {
        let count = world.count / 2
        guard count > 2 else { return 0 }
        let (originX, originY) = (Double(world[0]), Double(world[1]))
        var area = 0.0
        var lastX = 0.0
        var lastY = 0.0
        for i in 1..<count {
            let (x, y) = (Double(world[2 * i]) - originX, Double(world[2 * i + 1]) - originY)
            area += lastX * y - lastY * x
            (lastX, lastY) = (x, y)
        }
        return area
    }
}
