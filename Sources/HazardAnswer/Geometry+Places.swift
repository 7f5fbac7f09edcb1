import Foundation
import Geo

extension Geometry {
    /// Whether a polygon of the geometry holds the place; its border does.
    /// - Complexity: O(vertices)
    func areaCovers(_ point: Point) -> Bool {
        for part in partEnds.indices where kind(ofPart: part) == .polygon {
            var isInside = false
            for ring in rings(ofPart: part) {
                let range = vertices(ofRing: ring)
                for index in range.dropFirst() {
                    let (a, b) = (vertex(index - 1), vertex(index))
                    let side = (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)
                    if side == 0, Envelope(around: a, b).contains(point) { return true }
                    // A ray to the east: each edge is crossed from below or from above, or not at all.
                    if (a.y > point.y) != (b.y > point.y), (side > 0) == (b.y > a.y) { isInside.toggle() }
                }
            }
            if isInside { return true }
        }
        return false
    }

    /// Metres from a place to the nearest point of the geometry, and that point; 0 inside a polygon. Nil for an empty geometry.
    ///
    /// On a plane that touches the GRS80 ellipsoid at the place: right to a part in a thousand for 50 km.
    func nearest(to place: Point) -> (distance: Double, point: Point)? {
        if isEmpty { return nil }
        if areaCovers(place) { return (0, place) }
        let plane = TangentPlane(at: place)
        var best = (distance: Double.infinity, point: place)
        func take(_ x: Double, _ y: Double) {
            let distance = (x * x + y * y).squareRoot()
            if distance < best.distance { best = (distance, plane.place(x, y)) }
        }
        for ring in ringEnds.indices {
            let range = vertices(ofRing: ring)
            var (ax, ay) = plane.metres(vertex(range.lowerBound))
            take(ax, ay)
            for index in range.dropFirst() {
                let (bx, by) = plane.metres(vertex(index))
                let (dx, dy) = (bx - ax, by - ay)
                let length = dx * dx + dy * dy
                let share = length == 0 ? 0 : Swift.min(1, Swift.max(0, -(ax * dx + ay * dy) / length))
                take(ax + share * dx, ay + share * dy)
                (ax, ay) = (bx, by)
            }
        }
        return best
    }
}

/// Metres east and north of a place.
struct TangentPlane {
    let origin: Point
    /// Metres in a degree of longitude and of latitude.
    let perDegree: (x: Double, y: Double)

    init(at origin: Point) {
        self.origin = origin
        // GRS80.
        let (a, e2) = (6_378_137.0, 0.006_694_380_022_90)
        let sine = sin(origin.y * .pi / 180)
        let w2 = 1 - e2 * sine * sine
        let meridian = a * (1 - e2) / (w2 * w2.squareRoot())
        let normal = a / w2.squareRoot()
        perDegree = (normal * cos(origin.y * .pi / 180) * .pi / 180, meridian * .pi / 180)
    }

    func metres(_ point: Point) -> (x: Double, y: Double) {
        ((point.x - origin.x) * perDegree.x, (point.y - origin.y) * perDegree.y)
    }

    func place(_ x: Double, _ y: Double) -> Point {
        Point(x: origin.x + (perDegree.x > 0 ? x / perDegree.x : 0), y: origin.y + y / perDegree.y)
    }
}

extension Envelope {
    fileprivate init(around a: Point, _ b: Point) {
        self.init(minX: Swift.min(a.x, b.x), minY: Swift.min(a.y, b.y), maxX: Swift.max(a.x, b.x), maxY: Swift.max(a.y, b.y))
    }
}
