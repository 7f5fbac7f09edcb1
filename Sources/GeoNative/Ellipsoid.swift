internal import CPROJ
import Foundation
public import Geo

/// The GRS80 ellipsoid, the figure of JGD2011: areas in square metres, lengths and distances in metres, of places in degrees.
///
/// Distances, and areas under long edges, are Karney's (C. F. F. Karney, “Algorithms for geodesics”, J. Geodesy 87, 2013; `geodesic.h` of PROJ), good to
/// some nanometres. Polygons are those whose edges are geodesics, as PostGIS's `geography` and pyproj have them. A layer's edges are straight in
/// longitude and latitude instead: an edge of 100 m differs from the geodesic by 0.15 mm in the middle, one of 1 km by 15 mm (at 36° of latitude).
public enum Ellipsoid {
    /// Equatorial radius in metres, and flattening.
    public static let semiMajorAxis = 6_378_137.0
    public static let flattening = 1 / 298.257_222_101

    // Made once and only read afterwards, so that any thread may use it.
    nonisolated(unsafe) private static let geodesic: UnsafePointer<geod_geodesic> = {
        let made = UnsafeMutablePointer<geod_geodesic>.allocate(capacity: 1)
        geod_init(made, semiMajorAxis, flattening)
        return UnsafePointer(made)
    }()

    /// Metres along the shortest way between two places.
    public static func distance(_ from: Point, _ to: Point) -> Double {
        var metres = 0.0
        geod_inverse(geodesic, from.y, from.x, to.y, to.x, &metres, nil, nil)
        return metres
    }

    /// Metres in a degree of longitude and of latitude at a latitude in degrees.
    public static func metresPerDegree(latitude: Double) -> (x: Double, y: Double) {
        let e2 = flattening * (2 - flattening)
        let (sine, cosine) = (sin(latitude * .pi / 180), cos(latitude * .pi / 180))
        let w2 = 1 - e2 * sine * sine
        let normal = semiMajorAxis / w2.squareRoot()
        return (normal * cosine * .pi / 180, normal * (1 - e2) / w2 * .pi / 180)
    }

    /// The area of the polygons of a geometry in square metres: shells less holes, whichever way they turn. The polygons are valid and apart.
    ///
    /// Right to 1e-8 of itself, or to 1e-7 m².
    /// - Complexity: O(vertices)
    public static func area(_ geometry: borrowing Geometry) -> Double {
        var total = 0.0
        for part in geometry.partEnds.indices where geometry.kind(ofPart: part) == .polygon {
            let rings = geometry.rings(ofPart: part)
            for ring in rings {
                let area = abs(ringArea(geometry, geometry.vertices(ofRing: ring)))
                total += ring == rings.lowerBound ? area : -area
            }
        }
        return total
    }

    /// The length of the lines of a geometry in metres; polygons and points have none.
    /// - Complexity: O(vertices)
    public static func length(_ geometry: borrowing Geometry) -> Double {
        var total = 0.0
        for part in geometry.partEnds.indices where geometry.kind(ofPart: part) == .lineString {
            for ring in geometry.rings(ofPart: part) {
                for i in geometry.vertices(ofRing: ring).dropFirst() { total += distance(geometry.vertex(i - 1), geometry.vertex(i)) }
            }
        }
        return total
    }

    /// Signed: the sum, over the edges, of the area between the edge and the ring's first parallel.
    private static func ringArea(_ geometry: borrowing Geometry, _ range: Range<Int>) -> Double {
        guard range.count > 3 else { return 0 }
        // Measured from the first vertex's latitude instead of the equator, nothing is lost where a small ring's large strips cancel.
        let base = Strip(geometry.vertex(range.lowerBound))
        var total = 0.0
        var from = base
        for i in range.dropFirst() {
            let to = Strip(geometry.vertex(i))
            total += area(from, to, base)
            from = to
        }
        return total
    }

    /// A vertex, and the area in m² of the strip a radian wide between the equator and its latitude.
    private struct Strip {
        let place: Point
        let sine: Double
        let area: Double

        init(_ place: Point) {
            self.place = place
            sine = sin(place.y * .pi / 180)
            let b = semiMajorAxis * (1 - flattening)
            let e = eccentricity
            // The authalic function: J. P. Snyder, Map Projections – A Working Manual, 3-12.
            area = b * b / 2 * (sine / (1 - e * e * sine * sine) + atanh(e * sine) / e)
        }
    }

    private static let eccentricity = (flattening * (2 - flattening)).squareRoot()

    /// Square metres between an edge and the parallel of `base`, positive where the edge runs east and north of it.
    private static func area(_ from: Strip, _ to: Strip, _ base: Strip) -> Double {
        let degrees = to.place.x - from.place.x
        let width = degrees * .pi / 180
        guard abs(degrees) < shortEdge, abs(to.place.y - from.place.y) < shortEdge else {
            var strip = 0.0
            _ = geod_geninverse(geodesic, from.place.y, from.place.x, to.place.y, to.place.x, nil, nil, nil, nil, nil, nil, &strip)
            return strip - base.area * width
        }
        // The trapezium rule, then what the strip's curve adds, and what lies between the chord and the geodesic (κL³/12).
        let height = (to.place.y - from.place.y) * .pi / 180
        let sine = (from.sine + to.sine) / 2
        let mean = (from.area - base.area + to.area - base.area) / 2
        let bend = sine * ((1 - sine * sine) * width * width + 3 * height * height) / 12
        return width * (mean + semiMajorAxis * semiMajorAxis * bend)
    }

    /// Degrees. Beyond, the correction's own error (e² and the square of the length, relative to it) would count.
    private static let shortEdge = 0.003
}
