import Geo
import TestKit
import Testing

@testable import GeoNative

@Suite struct EllipsoidTests {
    /// Figures of pyproj 3.7 (`Geod(ellps='GRS80')`) for places in Japan.
    /// The witness is pyproj 3.7, `Geod(ellps='GRS80')`.
    @Test func `distances are those of pyproj`() {
        let cases: [(Point, Point, Double)] = [
            (Point(x: 139.7671, y: 35.6812), Point(x: 135.4959, y: 34.7025), 403_827.494_145_461_77),
            (Point(x: 140.34, y: 37.48), Point(x: 140.341, y: 37.481), 141.919_576_744_511_72),
        ]
        for (a, b, metres) in cases { #expect(abs(Ellipsoid.distance(a, b) - metres) < 1e-6) }
    }

    @Test(
        arguments: [
            ([(139.7671, 35.6812), (139.7681, 35.6812), (139.7679, 35.6822), (139.767, 35.682)], 8738.276_652_917_266, 1e-7),
            ([(139.7, 35.6), (139.72, 35.601), (139.71, 35.63)], 2_965_900.593_990_802_8, 1e-9),
            ([(139, 35), (140, 35), (140, 36), (139, 36)], 10_066_272_985.515_747, 1e-12),
            // pyproj's own rounding is the larger here.
            ([(140.1234567, 37.1234567), (140.1235567, 37.1234667), (140.1235467, 37.1235567)], 44.874_445_449_560_89, 1e-6),
        ] as [([(Double, Double)], Double, Double)])
    func `areas are those of pyproj`(corners: [(Double, Double)], squareMetres: Double, tolerance: Double) {
        let ring = (corners + [corners[0]]).map { Point(x: $0.0, y: $0.1) }
        #expect(abs(Ellipsoid.area(Geometry.polygon([ring])) / squareMetres - 1) < tolerance)
        #expect(abs(Ellipsoid.area(Geometry.polygon([ring.reversed()])) / squareMetres - 1) < tolerance)
    }

    @Test func `holes are taken out`() {
        let shell = [(139.7, 35.6), (139.72, 35.6), (139.72, 35.62), (139.7, 35.62), (139.7, 35.6)].map { Point(x: $0.0, y: $0.1) }
        let hole = [(139.705, 35.605), (139.71, 35.61), (139.71, 35.605), (139.705, 35.605)].map { Point(x: $0.0, y: $0.1) }
        #expect(abs(Ellipsoid.area(Geometry.polygon([shell, hole])) / 3_895_469.825_061_083 - 1) < 1e-9)
    }

    /// The length of the meridian from the equator to the pole, and the area of an eighth of the ellipsoid (H. Moritz, “Geodetic Reference System 1980”).
    @Test func `the ellipsoid has the size that its definition gives`() {
        #expect(abs(Ellipsoid.distance(Point(x: 0, y: 0), Point(x: 0, y: 90)) - 10_001_965.7293) < 1e-3)
        let eighth = Geometry.polygon([[Point(x: 0, y: 0), Point(x: 90, y: 0), Point(x: 0, y: 90), Point(x: 0, y: 0)]])
        #expect(abs(Ellipsoid.area(eighth) / (510_065_621_718_491.4 / 8) - 1) < 1e-9)
    }

    @Test(arguments: 0..<40)
    func `pieces have the area of their whole`(seed: UInt64) {
        // Squares of short edges cover a large one drawn with the same edges: every inner edge cancels.
        var generator = SeededGenerator(seed: seed)
        let (x, y) = (Double.random(in: 123...150, using: &generator), Double.random(in: 20...46, using: &generator))
        let (step, count) = (0.0025, 12)
        var pieces = 0.0
        for i in 0..<count {
            for j in 0..<count {
                let (a, b) = (x + step * Double(i), y + step * Double(j))
                pieces += Ellipsoid.area(square(a, b, step, edges: 1))
            }
        }
        let whole = Ellipsoid.area(square(x, y, step * Double(count), edges: count))
        #expect(abs(pieces / whole - 1) < 1e-9)
    }

    private func square(_ x: Double, _ y: Double, _ size: Double, edges: Int) -> Geometry {
        var ring: [Point] = []
        let corners = [(0.0, 0.0), (1, 0), (1, 1), (0, 1), (0, 0)]
        for (from, to) in zip(corners, corners.dropFirst()) {
            for k in 0..<edges {
                let share = Double(k) / Double(edges)
                ring.append(Point(x: x + size * (from.0 + share * (to.0 - from.0)), y: y + size * (from.1 + share * (to.1 - from.1))))
            }
        }
        ring.append(ring[0])
        return Geometry.polygon([ring])
    }
}
