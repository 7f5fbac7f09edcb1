public import Glibc

/// Web Mercator (EPSG:3857) as integers: the world is a square of 2³² units, its origin in the middle, x growing east and y growing
/// **south**, as tile rows do. A unit is under 1 cm at the equator.
///
/// Formula: EPSG method 1024, guidance note 7-2, 4.1.1.2, on the unit sphere.
public enum WebMercator {
    /// The latitude, in degrees, at which the world is square; nothing farther out can be drawn.
    public static let latitudeLimit = 85.051_128_779_806_59

    /// Units from west to east, 2³².
    public static let worldSize = 4_294_967_296.0

    /// World units for a place in degrees. Farther out than the limit is clamped to the edge.
    ///
    /// NaN must have been refused before.
    @inlinable
    public static func project(longitude: Double, latitude: Double) -> (x: Int32, y: Int32) {
        let sine = sin(min(max(latitude, -latitudeLimit), latitudeLimit) * (.pi / 180))
        // atanh(sine) as a logarithm: 0.5·log((1+s)/(1−s)), which is several times faster.
        let y = -0.5 * log((1 + sine) / (1 - sine)) * (worldSize / (2 * .pi))
        return (clamped(longitude * (worldSize / 360)), clamped(y))
    }

    /// Degrees for world units.
    public static func unproject(x: Double, y: Double) -> Point {
        Point(x: x * (360 / worldSize), y: atan(sinh(-y * (2 * .pi / worldSize))) * (180 / .pi))
    }

    @inlinable
    static func clamped(_ value: Double) -> Int32 {
        Int32(max(-2_147_483_648, min(2_147_483_647, value.rounded())))
    }
}
