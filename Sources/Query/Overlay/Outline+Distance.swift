import Geo
import GeoNative

/// Distances between geometries in metres over the GRS80 ellipsoid.
///
/// Edges are straight in longitude and latitude, as everywhere in a layer. For every pair of edges near each other a plane that has the scale of the pair's
/// own latitude gives the distance within known bounds; the pairs that may hold the smallest are then measured along the geodesic, the place on
/// the edge sought until it no longer moves. Below 10 km the result is right to a millimetre, beyond to 1e-7 of itself.
extension Outline {
    /// The distance in metres, 0 where the two have a place in common; nil when it is more than `limit`.
    ///
    /// - Parameter shift: degrees to add to the other's longitudes: ±360 across the antimeridian.
    /// - Complexity: O(edges of this near the other × edges of the other near this); where these are many, O(edges × edges within the distance of one)
    func distance(to other: Outline, atMost limit: Double, shift: Double = 0, _ scratch: DistanceScratch) -> Double? {
        if shift == 0 && meets(other, scratch.meeting) { return 0 }
        var area = other.box.grown(byMetres: limit)
        (area.minX, area.maxX) = (area.minX + shift, area.maxX + shift)
        var ours = box.grown(byMetres: limit)
        (ours.minX, ours.maxX) = (ours.minX - shift, ours.maxX - shift)
        scratch.mine.removeAll(keepingCapacity: true)
        edges(meeting: area, into: &scratch.mine)
        guard !scratch.mine.isEmpty else { return nil }
        scratch.theirs.removeAll(keepingCapacity: true)
        other.edges(meeting: ours, into: &scratch.theirs)
        guard !scratch.theirs.isEmpty else { return nil }
        let scale = LocalScale(latitude: (max(box.minY, other.box.minY) + min(box.maxY, other.box.maxY)) / 2)

        // The least that any pair may be, and the most that the nearest pair is.
        var (most, least) = (limit * (1 + 1e-9) + 1e-6, Double.infinity)
        // Where both are large, each edge looks only at those within what is known to be enough.
        let isLarge = scratch.mine.count * scratch.theirs.count > DistanceScratch.plainPairs
        if isLarge { most = min(most, sampled(other, shift, scratch) * (1 + 1e-9) + 1e-6) }
        var isNear = isLarge
        eachPair(other, shift, scale, scratch, within: isLarge ? { most } : nil) { _, _, distance, error in
            least = min(least, distance * (1 - error))
            if distance * (1 + error) <= most {
                most = distance * (1 + error)
                isNear = true
            }
        }
        guard isNear || least <= limit else { return nil }
        var best = Double.infinity
        eachPair(other, shift, scale, scratch, within: isLarge ? { min(most, best) } : nil) { mine, theirs, distance, error in
            guard distance * (1 - error) <= min(most, best) else { return }
            best = min(best, measure(mine, theirs, of: other, shift))
        }
        return best <= limit ? best : nil
    }

    /// Calls `visit` with pairs of edges, how far they are apart in a plane, and how wrong that is at most.
    /// - Parameter within: metres beyond which pairs need not be looked at; nil looks at all.
    @inline(__always)
    private func eachPair(
        _ other: Outline, _ shift: Double, _ scale: LocalScale, _ scratch: DistanceScratch, within: (() -> Double)?,
        _ visit: (Int, Int, _ distance: Double, _ error: Double) -> Void
    ) {
        for theirs in scratch.theirs {
            let (c, d) = (Int(theirs), other.end(ofEdge: Int(theirs)))
            let (cx, cy, dx, dy) = (other.x(c) + shift, other.y(c), other.x(d) + shift, other.y(d))
            if let within {
                scratch.near.removeAll(keepingCapacity: true)
                let box = Box(minX: min(cx, dx), minY: min(cy, dy), maxX: max(cx, dx), maxY: max(cy, dy))
                edges(meeting: box.grown(byMetres: within()), into: &scratch.near)
            }
            for mine in within == nil ? scratch.mine : scratch.near {
                let (a, b) = (Int(mine), end(ofEdge: Int(mine)))
                let (low, high) = (min(y(a), y(b), cy, dy), max(y(a), y(b), cy, dy))
                let (perX, perY, error) = scale.at(low, high)
                let distance = PlanePair(
                    ax: (x(a) - cx) * perX, ay: (y(a) - cy) * perY, bx: (x(b) - cx) * perX, by: (y(b) - cy) * perY,
                    dx: (dx - cx) * perX, dy: (dy - cy) * perY
                ).distance
                visit(a, c, distance, min(0.9, error + scale.curvature * distance * distance))
            }
        }
    }

    /// Metres between some vertices of the two: not less than the distance.
    private func sampled(_ other: Outline, _ shift: Double, _ scratch: DistanceScratch) -> Double {
        var best = Double.infinity
        for mine in stride(from: 0, to: scratch.mine.count, by: max(1, scratch.mine.count / 32)) {
            let from = place(Int(scratch.mine[mine]), 0)
            for theirs in stride(from: 0, to: scratch.theirs.count, by: max(1, scratch.theirs.count / 32)) {
                best = min(best, Ellipsoid.distance(from, other.place(Int(scratch.theirs[theirs]), shift)))
            }
        }
        return best
    }

    /// Metres between two edges that do not meet: one of the four ends is nearest.
    private func measure(_ mine: Int, _ theirs: Int, of other: Outline, _ shift: Double) -> Double {
        let (a, b) = (place(mine, 0), place(end(ofEdge: mine), 0))
        let (c, d) = (other.place(theirs, shift), other.place(other.end(ofEdge: theirs), shift))
        return min(
            min(Outline.measure(a, toEdge: c, d), Outline.measure(b, toEdge: c, d)),
            min(Outline.measure(c, toEdge: a, b), Outline.measure(d, toEdge: a, b)))
    }

    private func place(_ vertex: Int, _ shift: Double) -> Point { Point(x: x(vertex) + shift, y: y(vertex)) }

    /// Metres from a place to an edge: a parabola through three places on the edge leads to the nearest, twice.
    static func measure(_ place: Point, toEdge from: Point, _ to: Point) -> Double {
        let length = Ellipsoid.distance(from, to)
        guard length > 0 else { return Ellipsoid.distance(place, from) }
        func at(_ share: Double) -> Double {
            Ellipsoid.distance(place, Point(x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y)))
        }
        let perDegree = Ellipsoid.metresPerDegree(latitude: (place.y + (from.y + to.y) / 2) / 2)
        let (dx, dy) = ((to.x - from.x) * perDegree.x, (to.y - from.y) * perDegree.y)
        let (px, py) = ((place.x - from.x) * perDegree.x, (place.y - from.y) * perDegree.y)
        var share = min(1, max(0, (px * dx + py * dy) / (dx * dx + dy * dy)))
        var best = at(share)
        var step = min(0.25, max(best / length * 0.01, 0.05 / length))
        for _ in 0..<2 {
            let centre = min(1 - step, max(step, share))
            let (left, middle, right) = (at(centre - step), at(centre), at(centre + step))
            let (l, m, r) = (left * left, middle * middle, right * right)
            let curve = l - 2 * m + r
            guard curve > 0 else { break }
            share = min(1, max(0, centre + step * (l - r) / (2 * curve)))
            best = min(best, at(share))
            step = max(step / 8, min(step, 0.01 / length))
        }
        return best
    }
}

/// Lists that are used again from pair to pair.
final class DistanceScratch {
    let meeting = MeetScratch()
    var mine: [Int32] = []
    var theirs: [Int32] = []
    var near: [Int32] = []

    /// More pairs of edges than this are not all looked at.
    static let plainPairs = 1 << 14
}

/// Two segments in metres, one of them from the origin to (dx, dy).
private struct PlanePair {
    let ax, ay, bx, by, dx, dy: Double

    /// Between segments that are known not to meet.
    @inline(__always) var distance: Double {
        var square = PlanePair.toSegment(ax, ay, dx, dy)
        square = min(square, PlanePair.toSegment(bx, by, dx, dy))
        // The origin and (dx, dy), seen from a.
        let (ex, ey) = (bx - ax, by - ay)
        square = min(square, PlanePair.toSegment(-ax, -ay, ex, ey))
        square = min(square, PlanePair.toSegment(dx - ax, dy - ay, ex, ey))
        return square.squareRoot()
    }

    /// The square of the distance from a place to the segment from the origin to (dx, dy).
    @inline(__always) private static func toSegment(_ x: Double, _ y: Double, _ dx: Double, _ dy: Double) -> Double {
        let square = dx * dx + dy * dy
        let share = square > 0 ? min(1, max(0, (x * dx + y * dy) / square)) : 0
        let (ex, ey) = (x - share * dx, y - share * dy)
        return ex * ex + ey * ey
    }
}

/// Metres in a degree near a latitude, and how far wrong they are at most.
private struct LocalScale {
    private let latitude: Double
    private let at0: (x: Double, y: Double)
    private let slope: (x: Double, y: Double)
    private let curve: (x: Double, y: Double)
    private let tangent: Double
    /// How much shorter than the straight line the geodesic is, relative and by the square of the distance (d² tan²φ / 24 R²), and more.
    let curvature: Double

    init(latitude: Double) {
        self.latitude = latitude
        let step = 0.01
        let (below, here, above) = (
            Ellipsoid.metresPerDegree(latitude: latitude - step), Ellipsoid.metresPerDegree(latitude: latitude),
            Ellipsoid.metresPerDegree(latitude: latitude + step)
        )
        at0 = here
        slope = ((above.x - below.x) / (2 * step), (above.y - below.y) / (2 * step))
        curve = ((above.x - 2 * here.x + below.x) / (step * step), (above.y - 2 * here.y + below.y) / (step * step))
        tangent = abs(slope.x) / max(here.x, 1)
        let (ratio, radius) = (here.y / max(here.x, 1), 6.36e6)
        curvature = ratio * ratio / (8 * radius * radius)
    }

    /// The scale in the middle of a span of latitudes, and the relative error of distances within it.
    @inline(__always)
    func at(_ low: Double, _ high: Double) -> (x: Double, y: Double, error: Double) {
        let offset = (low + high) / 2 - latitude
        if abs(offset) < 1 {
            let x = at0.x + offset * (slope.x + offset * curve.x / 2)
            let y = at0.y + offset * (slope.y + offset * curve.y / 2)
            // Twice the change over half the span, what the parabola misses, and a share for geodesics that leave the span.
            return (x, y, min(0.9, (tangent + 0.02) * (high - low) + 1e-5 * abs(offset) + 1e-6))
        }
        let exact = Ellipsoid.metresPerDegree(latitude: (low + high) / 2)
        let ends = (Ellipsoid.metresPerDegree(latitude: low).x, Ellipsoid.metresPerDegree(latitude: high).x)
        let change = max(abs(ends.0 - exact.x), abs(ends.1 - exact.x)) / max(exact.x, 1)
        return (exact.x, exact.y, min(0.9, 2 * change + 0.02 * (high - low) + 1e-6))
    }
}

extension Envelope {
    /// A box that holds every place within so many metres of this one, and more.
    func grown(byMetres metres: Double) -> Envelope {
        let south = minY - metres / 110_500 - 1e-9
        let north = maxY + metres / 110_500 + 1e-9
        let perDegree = Ellipsoid.metresPerDegree(latitude: min(89.9, max(abs(south), abs(north)))).x
        // Towards a pole meridians meet: everything is near.
        let reach = max(abs(south), abs(north)) > 89 ? 360 : metres / perDegree * 1.001 + 1e-9
        return Envelope(minX: minX - reach, minY: max(-90, south), maxX: maxX + reach, maxY: min(90, north))
    }
}
