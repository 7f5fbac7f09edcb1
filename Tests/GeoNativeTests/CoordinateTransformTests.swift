import Foundation
import Geo
import GeoNative
import TestKit
import Testing

@Suite struct CoordinateTransformTests {
    private func transformed(_ x: Double, _ y: Double, from text: String) throws -> Point {
        let transform = try CoordinateTransform(from: #require(CRSReference(text)))
        var numbers = [x, y]
        #expect(transform.transform(&numbers) == 0)
        return Point(x: numbers[0], y: numbers[1])
    }

    private func metres(_ a: Point, _ b: Point) -> Double {
        let east = (a.x - b.x) * 111_320 * cos(a.y * .pi / 180)
        let north = (a.y - b.y) * 110_950
        return (east * east + north * north).squareRoot()
    }

    /// 位置参照情報, 福島県本宮市岩根下桶126: zone IX, X 164065.1, Y 43616.6, latitude 37.477545, longitude 140.326492.
    @Test func `the published point of Motomiya comes out where it was published`() throws {
        let place = try transformed(43616.6, 164065.1, from: "EPSG:6677")
        #expect(abs(place.x - 140.326492) < 5e-7)
        #expect(abs(place.y - 37.477545) < 5e-7)
    }

    /// The origins of the zones as decreed (平成14年国土交通省告示第9号): I 129°30′ 33°, VI 136° 36°, IX 139°50′ 36°, X 140°50′ 40°, XII 142°15′ 44°.
    private static let origins: [Int: Point] = [
        6669: Point(x: 129.5, y: 33), 6674: Point(x: 136, y: 36), 6677: Point(x: 139 + 50.0 / 60, y: 36),
        6678: Point(x: 140 + 50.0 / 60, y: 40), 6680: Point(x: 142.25, y: 44),
    ]

    @Test(arguments: [6669, 6674, 6677, 6678, 6680])
    func `a zone's origin is where the decree puts it`(code: Int) throws {
        let place = try transformed(0, 0, from: "\(code)")
        let origin = try #require(Self.origins[code])
        #expect(abs(place.x - origin.x) < 1e-9 && abs(place.y - origin.y) < 1e-9)
    }

    @Test(arguments: [4326, 6668, 6697, 11318, 4979])
    func `degrees on the current datum stay as they are`(code: Int) throws {
        guard let transform = try? CoordinateTransform(from: .registered(authority: "EPSG", code: "\(code)")) else {
            #expect(code == 11318, "only the newest registry has \(code)")
            return
        }
        #expect(transform.isIdentity && transform.shift == .none && !transform.isProjected)
    }

    @Test func `Web Mercator is undone on the sphere`() throws {
        let place = try transformed(15_550_408.91, 4_257_980.73, from: "EPSG:3857")
        #expect(abs(place.x - 15_550_408.91 / 6_378_137 * 180 / .pi) < 1e-9)
        let y = atan(sinh(4_257_980.73 / 6_378_137)) * 180 / .pi
        #expect(abs(place.y - y) < 1e-9)
    }

    /// GSI's own program gives 36.10696628160147, 140.08457686629436 for this point with the grid; three parameters are good to 9 m.
    @Test func `without the grid the Tokyo datum is shifted by three parameters, and says so`() throws {
        let transform = try CoordinateTransform(from: .registered(authority: "EPSG", code: "4301"))
        var numbers = [140.08785504166664, 36.103774791666666]
        #expect(transform.transform(&numbers) == 0)
        let error = metres(Point(x: numbers[0], y: numbers[1]), Point(x: 140.08457686629436, y: 36.10696628160147))
        switch transform.shift {
        case .threeParameter: #expect(error < 9)
        case .grid: #expect(error < 0.01)
        default: Issue.record("\(transform.shift)")
        }
        #expect(transform.datum == .tokyo && transform.pipeline.count == 1)
    }

    @Test func `JGD2000 without its grid is taken as it is, and says so`() throws {
        let transform = try CoordinateTransform(from: .registered(authority: "EPSG", code: "2451"), gridDirectories: ["/nowhere"])
        #expect(transform.datum == .jgd2000 && transform.isProjected)
        let old = try transformed(43616.6, 164065.1, from: "EPSG:2451")
        let new = try transformed(43616.6, 164065.1, from: "EPSG:6677")
        if transform.shift == .assumedEqual { #expect(metres(old, new) < 0.001) }
    }

    @Test func `there and back again is the same place`() throws {
        var numbers: [Double] = []
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<1000 {
            numbers += [.random(in: -100_000...100_000, using: &generator), .random(in: -200_000...200_000, using: &generator)]
        }
        for code in ["6677", "30169", "2451", "3857"] {
            let transform = try CoordinateTransform(from: .registered(authority: "EPSG", code: code))
            var copy = numbers
            #expect(transform.transform(&copy) == 0)
            #expect(transform.inverse(&copy) == 0)
            // Three parameters change the height, which is not kept: millimetres.
            let tolerance = code == "30169" ? 0.02 : 0.000_1
            #expect(zip(copy, numbers).allSatisfy { abs($0 - $1) < tolerance }, "EPSG:\(code)")
        }
    }

    @Test func `what has no place is counted and not finite`() throws {
        let transform = try CoordinateTransform(from: .registered(authority: "EPSG", code: "6677"))
        var numbers = [43616.6, 164065.1, .infinity, 0, .nan, .nan]
        #expect(transform.transform(&numbers) == 2)
        #expect(numbers[0].isFinite && !numbers[2].isFinite && !numbers[4].isFinite)
    }

    @Test func `text of a prj file is understood`() throws {
        let text = """
            PROJCS["JGD_2011_Japan_Zone_9",GEOGCS["GCS_JGD_2011",DATUM["D_JGD_2011",SPHEROID["GRS_1980",6378137.0,298.257222101]],\
            PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",0.0],\
            PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",139.8333333333333],PARAMETER["Scale_Factor",0.9999],\
            PARAMETER["Latitude_Of_Origin",36.0],UNIT["Meter",1.0]]
            """
        let transform = try CoordinateTransform(from: .wkt(text))
        #expect(transform.datum == .current && transform.isProjected && transform.shift == .none)
        var numbers = [43616.6, 164065.1]
        #expect(transform.transform(&numbers) == 0)
        #expect(abs(numbers[0] - 140.326492) < 5e-7 && abs(numbers[1] - 37.477545) < 5e-7)
    }

    private static let datums: [(String, Datum)] = [
        ("D_Tokyo", .tokyo), ("D_JGD_2000", .jgd2000), ("D_WGS_1984", .current), ("D_Somewhere", .other("D_Somewhere")),
    ]

    @Test(arguments: datums)
    func `the datum of a prj file is known by its name`(name: String, datum: Datum) throws {
        let text = """
            GEOGCS["GCS",DATUM["\(name)",SPHEROID["Bessel_1841",6377397.155,299.1528128]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]
            """
        #expect(try CoordinateTransform(from: .wkt(text)).datum == datum)
    }

    @Test func `text that asks for files is refused`() throws {
        let text = """
            GEOGCS["x",DATUM["x",SPHEROID["GRS 1980",6378137,298.257222101],EXTENSION["PROJ4_GRIDS","grids=/etc/passwd"]],PRIMEM["Greenwich",0],\
            UNIT["degree",0.0174532925199433]]
            """
        #expect(throws: TransformError.refusedText("grids=")) { try CoordinateTransform(from: .wkt(text)) }
        #expect(throws: TransformError.self) { try CoordinateTransform(from: .wkt(String(repeating: "A", count: 70_000))) }
        #expect(throws: TransformError.unknownReference("EPSG:999999")) {
            try CoordinateTransform(from: .registered(authority: "EPSG", code: "999999"))
        }
        #expect(throws: TransformError.notHorizontal("JGD2011 (vertical) height")) {
            try CoordinateTransform(from: .registered(authority: "EPSG", code: "6695"))
        }
    }

    private static let names: [(String, String?)] = [
        ("EPSG:6677", "EPSG:6677"), ("epsg:6677", "EPSG:6677"), (" 6677 ", "EPSG:6677"), ("urn:ogc:def:crs:EPSG::6677", "EPSG:6677"),
        ("http://www.opengis.net/def/crs/EPSG/0/6677", "EPSG:6677"), ("OGC:CRS84", "OGC:CRS84"), ("ESRI:102619", "ESRI:102619"),
        ("+proj=longlat", nil), ("", nil), ("EPSG:", nil), ("zone 9", nil), ("EPSG:66 77", nil),
    ]

    @Test(arguments: names)
    func `names of reference systems as people write them`(text: String, name: String?) {
        #expect(CRSReference(text)?.name == name)
    }
}
