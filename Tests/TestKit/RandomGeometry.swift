public import Geo

/// Valid geometry of every kind around a place, for property tests.
public struct RandomGeometry {
    public init() {}

    /// A star-shaped ring, so it never crosses itself; counter-clockwise and closed.
    public func ring(centre: Point, radius: Double, vertices: Int, using generator: inout SeededGenerator) -> [Point] {
        // Radii stay within a factor of two and angles within their own sector: no spike reaches over the next.
        var result = (0..<vertices).map { i -> Point in
            let angle = (Double(i) + Double.random(in: 0.1..<0.9, using: &generator)) / Double(vertices) * 2 * .pi
            let r = radius * Double.random(in: 0.5...1, using: &generator)
            return Point(x: centre.x + r * cosine(angle), y: centre.y + r * cosine(angle - .pi / 2))
        }
        result.append(result[0])
        return result
    }

    public func geometry(using generator: inout SeededGenerator) -> Geometry {
        let centre = Point(x: Double.random(in: 139.5...140, using: &generator), y: Double.random(in: 35.4...35.9, using: &generator))
        let radius = Double.random(in: 0.0001...0.01, using: &generator)
        var result: Geometry
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: result = .point(centre.x, centre.y)
        case 1: result = .lineString(Array(ring(centre: centre, radius: radius, vertices: 6, using: &generator).dropLast()))
        case 2:
            let hole = ring(centre: centre, radius: radius * 0.3, vertices: 5, using: &generator)
            result = .polygon([ring(centre: centre, radius: radius, vertices: 9, using: &generator), hole.reversed()])
        case 3:
            let other = Point(x: centre.x + 3 * radius, y: centre.y)
            result = .multiPolygon([
                [ring(centre: centre, radius: radius, vertices: 5, using: &generator)],
                [ring(centre: other, radius: radius, vertices: 7, using: &generator)],
            ])
        case 4:
            result = Geometry(
                kind: .multiPoint, coordinates: [centre.x, centre.y, centre.x + radius, centre.y], ringEnds: [1, 2], partEnds: [1, 2])
        case 5:
            result = Geometry(
                kind: .geometryCollection, coordinates: [centre.x, centre.y, centre.x, centre.y, centre.x + radius, centre.y],
                ringEnds: [1, 3], partEnds: [1, 2], partKinds: [.point, .lineString])
        default: result = .polygon([ring(centre: centre, radius: radius, vertices: 4, using: &generator)])
        }
        result.roundToStorage()
        return result
    }

    private func cosine(_ angle: Double) -> Double {
        // Enough of the series for a test shape, without Foundation: reduced to −π…π.
        var a = angle.truncatingRemainder(dividingBy: 2 * .pi)
        if a > .pi { a -= 2 * .pi }
        if a < -.pi { a += 2 * .pi }
        var term = 1.0
        var sum = 1.0
        for i in 1...12 {
            term *= -a * a / Double((2 * i - 1) * 2 * i)
            sum += term
        }
        return sum
    }
}
