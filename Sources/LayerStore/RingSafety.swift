/// From which zoom on a ring may be rounded to a tile's grid without a look at what came of it.
///
/// Rounding moves a vertex by at most √½ of a grid unit, and every point of an edge by no more. So where no vertex is nearer than √2 units to an edge it
/// is no end of, no two edges can touch afterwards that did not before: for edges that do not cross, the least distance of two is that of an end of one
/// to the other, and for two that share a vertex, one could only come to lie along the other by an end that reaches it.
enum RingSafety {
    /// Rings with more vertices are not looked at: every vertex is held against every edge.
    static let vertexLimit = 48

    /// - Parameter world: x and y in turn, world units, the first vertex repeated at the end.
    /// - Returns: the zoom, `FeatureDetail.never` for a ring that is not simple on world units or has too many vertices.
    /// - Complexity: O(vertices²)
    static func leastZoom(_ world: UnsafeBufferPointer<Int32>) -> UInt8 {
        let count = world.count / 2 - 1
        guard (3...vertexLimit).contains(count) else { return FeatureDetail.never }
        var least = Double.infinity
        let (originX, originY) = (Int64(world[0]), Int64(world[1]))
        // Relative, so that the products below are exact: half a world times half a world is 2⁶², but a small polygon is what is asked about.
        for i in 0..<count {
            let (x, y) = (Int64(world[2 * i]) - originX, Int64(world[2 * i + 1]) - originY)
            guard abs(x) < 1 << 24, abs(y) < 1 << 24 else { return FeatureDetail.never }
        }
        for edge in 0..<count {
            let (ax, ay) = (Double(world[2 * edge]), Double(world[2 * edge + 1]))
            let (dx, dy) = (Double(world[2 * edge + 2]) - ax, Double(world[2 * edge + 3]) - ay)
            let square = dx * dx + dy * dy
            guard square > 0 else { return FeatureDetail.never }
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
                    if (ofStart < 0 && ofEnd > 0) || (ofStart > 0 && ofEnd < 0) { return FeatureDetail.never }
                }
                lastSide = side
            }
        }
        // A unit of the grid is 2^(20 − zoom) world units. A hair above 2 for the rounding of the division.
        var zoom: UInt8 = 0
        while zoom <= 20 {
            let unit = Double(1 << (20 - Int(zoom)))
            if least > 2.000001 * unit * unit { return zoom }
            zoom += 1
        }
        return FeatureDetail.never
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
