import Geo

/// Proves quickly that polygons of few vertices are valid, so that GEOS need not be asked; says nothing about all others.
///
/// A polygon of one ring is valid exactly when no two of its segments meet but neighbours in their common vertex (OGC 06-103r4, 6.1.11.1). Signs
/// of cross products are taken only where they are certain: beyond the error bound of Shewchuk, “Adaptive Precision Floating-Point
/// Arithmetic” (1997), 4.3, `ccwerrboundA`. GEOS computes the same signs exactly, so a ring proved simple here is valid there; a test asks both.
enum SimpleRings {
    /// The most vertices of a ring that is looked at: the work grows with the square.
    static let vertexLimit = 48
    /// The most parts of a multipolygon.
    static let partLimit = 4

    /// (3 + 16ε)ε with ε = 2⁻⁵³.
    private static let errorBound = 3.330_669_073_875_471_6e-16

    /// True: valid, certainly. False: not known.
    ///
    /// Rings must be closed and have no vertex twice in a row.
    /// - Complexity: O(vertices²) up to the limit, O(1) beyond
    static func areCertainlyValid(_ geometry: borrowing Geometry) -> Bool {
        let parts = geometry.partEnds.count
        // A hole needs more questions than this answers.
        guard parts == geometry.ringEnds.count, parts >= 1, parts <= partLimit else { return false }
        guard geometry.kind == .polygon || geometry.kind == .multiPolygon else { return false }
        return geometry.coordinates.withUnsafeBufferPointer { numbers in
            var boxes = (Envelope.empty, Envelope.empty, Envelope.empty, Envelope.empty)
            return withUnsafeMutableBytes(of: &boxes) { raw in
                let boxes = raw.bindMemory(to: Envelope.self)
                var start = 0
                for part in 0..<parts {
                    let end = geometry.ringEnds[part]
                    guard end - start >= 4, end - start <= vertexLimit else { return false }
                    let ring = UnsafeBufferPointer(rebasing: numbers[(2 * start)..<(2 * end)])
                    guard isSimple(ring, &boxes[part]) else { return false }
                    // Parts that are clear of each other cannot touch.
                    for other in 0..<part where boxes[other].intersects(boxes[part]) { return false }
                    start = end
                }
                return true
            }
        }
    }

    private static func isSimple(_ ring: UnsafeBufferPointer<Double>, _ box: inout Envelope) -> Bool {
        let segments = ring.count / 2 - 1
        for i in 0..<segments {
            let (ax, ay, bx, by) = (ring[2 * i], ring[2 * i + 1], ring[2 * i + 2], ring[2 * i + 3])
            box.extend(x: ax, y: ay)
            let next = i + 1 == segments ? 0 : i + 1
            let (cx, cy) = (ring[2 * next + 2], ring[2 * next + 3])
            guard continues(ax, ay, bx, by, cx, cy) else { return false }
            let (minX, maxX, minY, maxY) = (min(ax, bx), max(ax, bx), min(ay, by), max(ay, by))
            // Not the next one, and not the one before the first, which is the last.
            let last = i == 0 ? segments - 1 : segments
            var j = i + 2
            while j < last {
                let (px, py, qx, qy) = (ring[2 * j], ring[2 * j + 1], ring[2 * j + 2], ring[2 * j + 3])
                j += 1
                if max(px, qx) < minX || min(px, qx) > maxX || max(py, qy) < minY || min(py, qy) > maxY { continue }
                if side(ax, ay, bx, by, px, py) * side(ax, ay, bx, by, qx, qy) > 0 { continue }
                if side(px, py, qx, qy, ax, ay) * side(px, py, qx, qy, bx, by) > 0 { continue }
                return false
            }
        }
        return true
    }

    /// c does not lead back over a–b: it is certainly to a side, or certainly ahead.
    @inline(__always)
    private static func continues(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double) -> Bool {
        if side(ax, ay, bx, by, cx, cy) != 0 { return true }
        let along = (bx - ax) * (cx - bx)
        let across = (by - ay) * (cy - by)
        return along + across > 4 * errorBound * (abs(along) + abs(across))
    }

    /// 1: c is left of a–b, −1: right, 0: not certain.
    @inline(__always)
    private static func side(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double) -> Int {
        let left = (ax - cx) * (by - cy)
        let right = (ay - cy) * (bx - cx)
        let determinant = left - right
        let bound = errorBound * (abs(left) + abs(right))
        return determinant > bound ? 1 : determinant < -bound ? -1 : 0
    }
}
