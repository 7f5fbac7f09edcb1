import Foundation
import Geo
import RecordStream
import TestKit
import Testing

struct FormatTests {
    private static let features = """
        {"type":"FeatureCollection","features":[
        {"type":"Feature","id":"a-1","properties":{"text":"重ね ①","whole":9007199254740993,"real":0.1,"flag":true,"day":"2024-02-29",
        "time":"2024-03-31T12:34:56.789+09:00","utc":"2024-03-31T00:00:00Z","object":{"b":[1,null]},"list":["x","y"]},
        "geometry":{"type":"Polygon","coordinates":[[[139,35],[140,35],[140,36],[139,35]]]}},
        {"type":"Feature","id":"a-2","properties":{"text":null,"whole":null,"real":null,"flag":null,"day":null,"time":null,"utc":null,"object":null,"list":null},
        "geometry":null}]}
        """

    /// - Parameter hasNull: the second feature, without geometry, which an indexed FlatGeobuf does not hold, is there.
    private func check(_ read: Imported, hasJSON: Bool, hasNull: Bool = true) throws {
        try #require(read.count == (hasNull ? 2 : 1), "\(read.failure.map { "\($0)" } ?? "")")
        func expected(_ value: AttributeValue) -> [AttributeValue] { hasNull ? [value, .null] : [value] }
        #expect(read.header?.crs?.code == "4326")
        #expect(read.column("text") == expected(.text("重ね ①")))
        #expect(read.column("whole") == expected(.integer(9_007_199_254_740_993)))
        #expect(read.column("real") == expected(.real(0.1)))
        #expect(read.column("flag") == expected(.boolean(true)))
        if read.header?.driver != "FlatGeobuf" {
            #expect(read.column("day") == expected(.date(try #require(Day(year: 2024, month: 2, day: 29)))))
        }
        #expect(read.rows[0].geometry?.coordinates == [139, 35, 140, 35, 140, 36, 139, 35])
        if hasNull { #expect(read.rows[1].geometry == nil) }
        if hasJSON {
            let noon = Instant(microseconds: 1_711_856_096_789_000, zoneMinutes: 540)
            #expect(read.column("time") == expected(.time(noon)))
            #expect(read.column("utc").first == .time(Instant(microseconds: 1_711_843_200_000_000, zoneMinutes: 0)))
            #expect(read.type("object") == .json && read.type("list") == .json)
        }
    }

    @Test func `GeoJSON with everything`() throws {
        let folder = try TemporaryFolder()
        let read = try ImporterProcess.run(try folder.file("町.geojson", Self.features))
        try check(read, hasJSON: true)
        #expect(read.column("id") == [.text("a-1"), .text("a-2")])
        #expect(read.header?.layer == "町")
    }

    @Test(arguments: ["GPKG", "FlatGeobuf", "GeoJSONSeq"])
    func `other formats say the same`(driver: String) throws {
        let folder = try TemporaryFolder()
        let source = try folder.file("a.geojson", Self.features)
        let ending = ["GPKG": "gpkg", "FlatGeobuf": "fgb", "GeoJSONSeq": "geojsonl"][driver] ?? ""
        let target = folder.url.appendingPathComponent("b." + ending)
        // A FlatGeobuf has neither days, which become times, nor lists.
        let columns = driver == "FlatGeobuf" ? "text,whole,real,flag" : "text,whole,real,flag,day,time,utc,object,list"
        guard try systemTool("ogr2ogr", "-f", driver, target.path, source.path, "-select", columns) else { return }
        let read = try ImporterProcess.run(target)
        try check(read, hasJSON: driver == "GeoJSONSeq", hasNull: driver != "FlatGeobuf")
        #expect(read.isOrderly)
    }

    @Test func `plain columns and single features say the same`() throws {
        // Without times the formats go the fast way by columns.
        let folder = try TemporaryFolder()
        let source = try folder.file("a.geojson", Self.features)
        for ending in ["gpkg", "fgb"] {
            let fast = folder.url.appendingPathComponent("fast." + ending)
            guard try systemTool("ogr2ogr", fast.path, source.path, "-select", "text,whole,real,flag" + (ending == "gpkg" ? ",day" : ""))
            else { return }
            try check(try ImporterProcess.run(fast), hasJSON: false, hasNull: ending == "gpkg")
        }
    }

    /// 2⁶³ and beyond; GDAL makes 2⁶³ − 1 of them.
    private static let tooLarge = [
        "9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "10000000000000000000000000",
    ]

    private static func numbers(_ values: [String], between: String = ",") -> String {
        values.map {
            #"{"type":"Feature","properties":{"n":\#($0)},"geometry":{"type":"Point","coordinates":[139.123456789012345678901,35]}}"#
        }
        .joined(separator: between)
    }

    @Test func `whole numbers beyond 64 bits are found, not cut`() throws {
        let folder = try TemporaryFolder()
        func read(_ values: [String]) throws -> Imported {
            try ImporterProcess.run(
                try folder.file("\(values.count).geojson", "{\"type\":\"FeatureCollection\",\"features\":[\(Self.numbers(values))]}"))
        }
        for large in Self.tooLarge {
            let one = try read([large, "7"])
            #expect(one.column("n") == [.null, .integer(7)], "\(large)")
            #expect(one.problems.map(\.code) == ["number-too-large"] && one.problems.first?.row == 0 && one.problems.first?.field == "n")
            let list = try read(["[1,\(large)]", "[2]", "null"])
            #expect(list.column("n") == [.null, .json("[2]"), .null], "\(large)")
            #expect(list.problems.map(\.code) == ["number-too-large"])
        }
        // The very ends are numbers like any other, as long as nothing was cut to them.
        let ends = ["9223372036854775807", "-9223372036854775808", "9223372036854775806", "2147483647", "0.5e0"]
        let exact = try read(Array(ends.prefix(4)))
        #expect(exact.column("n") == [.integer(.max), .integer(.min), .integer(.max - 1), .integer(2_147_483_647)])
        #expect(exact.problems.isEmpty)
        // Among fractions whole numbers are cut too, before they become real.
        let mixed = try read(["10000000000000000000000000", "0.5", "1e25", "5", "6"])
        #expect(mixed.column("n") == [.null, .real(0.5), .real(1e25), .real(5), .real(6)])
        #expect(mixed.problems.map(\.code) == ["number-too-large"])
        // One that was cut at one end says nothing of the other.
        #expect(
            try read(["-9223372036854775809", "9223372036854775807", "1", "2", "3", "4"]).column("n").prefix(2) == [.null, .integer(.max)])
    }

    @Test func `sequences, GML and KML do not cut numbers either`() throws {
        let folder = try TemporaryFolder()
        let sequence = try folder.file("a.geojsonl", Self.numbers(["1"] + Self.tooLarge, between: "\n") + "\n")
        func gml(_ value: String, _ number: Int) -> String {
            "<gml:featureMember><a:p gml:id=\"p\(number)\"><a:n>\(value)</a:n></a:p></gml:featureMember>"
        }
        let members = (["1"] + Self.tooLarge).enumerated().map { gml($1, $0) }.joined()
        let gml = try folder.file(
            "a.gml", "<a:C xmlns:a=\"urn:a\" xmlns:gml=\"http://www.opengis.net/gml/3.2\">\(members)</a:C>")
        for file in [sequence, gml] {
            let read = try ImporterProcess.run(file)
            #expect(read.column("n") == [.integer(1)] + Self.tooLarge.map { _ in .null }, "\(file.lastPathComponent)")
            #expect(read.problemCodes.filter { $0 == "number-too-large" }.count == Self.tooLarge.count)
        }
        func mark(_ value: String) -> String {
            """
            <Placemark><ExtendedData><SchemaData schemaUrl="#s"><SimpleData name="n">\(value)</SimpleData></SchemaData></ExtendedData>
            <Point><coordinates>139,35</coordinates></Point></Placemark>
            """
        }
        func kml(_ values: [String]) throws -> Imported {
            try ImporterProcess.run(
                try folder.file(
                    "\(values.count).kml",
                    """
                    <kml xmlns="http://www.opengis.net/kml/2.2"><Document><Schema name="s" id="s"><SimpleField type="int" name="n"/></Schema>
                    \(values.map(mark).joined())</Document></kml>
                    """))
        }
        #expect(try kml(["2147483648", "5"]).column("n") == [.null, .integer(5)])
        #expect(
            try kml(["2147483647", "-2147483648", "5"]).column("n") == [.integer(2_147_483_647), .integer(-2_147_483_648), .integer(5)])
    }

    @Test func `times without a zone stay without one`() throws {
        let folder = try TemporaryFolder()
        let text = Self.features.replacingOccurrences(of: "+09:00", with: "")
        let read = try ImporterProcess.run(try folder.file("a.geojson", text))
        #expect(read.column("time").first == .time(Instant(microseconds: 1_711_888_496_789_000, zoneMinutes: nil)))
    }

    @Test func `times of a GeoPackage are UTC, with a Z or without`() throws {
        let folder = try TemporaryFolder()
        let source = try folder.file("a.geojson", Self.features)
        let package = folder.url.appendingPathComponent("a.gpkg")
        guard try systemTool("ogr2ogr", package.path, source.path) else { return }
        try #require(
            try systemTool("ogrinfo", package.path, "-sql", "UPDATE a SET \"time\" = '2024-03-31T12:34:56.789' WHERE \"time\" IS NOT NULL"))
        let read = try ImporterProcess.run(package)
        #expect(read.column("time").first == .time(Instant(microseconds: 1_711_888_496_789_000, zoneMinutes: 0)))
    }

    @Test func `several layers in one file are named, and one is chosen`() throws {
        let folder = try TemporaryFolder()
        let source = try folder.file("a.geojson", Self.features)
        let package = folder.url.appendingPathComponent("b.gpkg")
        guard try systemTool("ogr2ogr", package.path, source.path, "-nln", "道路") else { return }
        #expect(try systemTool("ogr2ogr", "-update", package.path, source.path, "-nln", "橋"))
        #expect(try ImporterProcess.run(package).failure?.names?.sorted() == ["橋", "道路"])
        #expect(try ImporterProcess.run(package, "--source-layer", "橋").header?.layer == "橋")
        #expect(try ImporterProcess.run(package, "--source-layer", "川").failure?.code == "no-such-layer")
        let list = try ImporterProcess.run(package, "--source-layer", "橋", "--list")
        #expect(list.header?.layers.count == 2 && list.count == 0)
    }

    @Test func `GML that says latitude first comes out longitude first`() throws {
        func gml(_ name: String, _ first: String) -> String {
            """
            <a:C xmlns:a="urn:a" xmlns:gml="http://www.opengis.net/gml/3.2"><a:m><a:p gml:id="p1"><a:n>1</a:n>
            <a:g><gml:Point gml:id="g1" srsName="\(name)"><gml:pos>\(first)</gml:pos></gml:Point></a:g></a:p></a:m></a:C>
            """.replacingOccurrences(of: "a:m>", with: "gml:featureMember>")
        }
        let folder = try TemporaryFolder()
        for name in ["urn:ogc:def:crs:EPSG::6668", "http://www.opengis.net/def/crs/EPSG/0/6668"] {
            let read = try ImporterProcess.run(try folder.file("a.gml", gml(name, "35 139")))
            #expect(read.rows.first?.geometry?.vertex(0) == Point(x: 139, y: 35), "\(name)")
        }
        // Zone IX: the register has north first, and so has GML.
        let plane = try ImporterProcess.run(try folder.file("b.gml", gml("urn:ogc:def:crs:EPSG::6677", "-35000 -7000")))
        #expect(plane.rows.first?.geometry?.vertex(0) == Point(x: -7000, y: -35000))
        #expect(plane.header?.crs?.code == "6677")
    }

    @Test func `curves and surfaces become lines and polygons`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file(
            "a.csv", "WKT,n\n\"CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 0,1 -1,0 0))\",1\n\"TIN(((0 0,1 0,0 1,0 0)))\",2\n")
        let package = folder.url.appendingPathComponent("a.gpkg")
        guard try systemTool("ogr2ogr", package.path, file.path, "-a_srs", "EPSG:6677", "-nlt", "GEOMETRY") else { return }
        let read = try ImporterProcess.run(package)
        #expect(read.rows.map { $0.geometry?.kind } == [.polygon, .multiPolygon])
        #expect((read.rows.first?.geometry?.vertexCount ?? 0) > 20)
        #expect(read.problemCodes.sorted() == ["curves-linearised", "surfaces-flattened"])
    }

    @Test func `KML with folders`() throws {
        let folder = try TemporaryFolder()
        let kml = """
            <?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>避難所</name>
            <Placemark><name>市役所</name><Point><coordinates>139,35</coordinates></Point></Placemark></Document></kml>
            """
        let read = try ImporterProcess.run(try folder.file("a.kml", kml))
        #expect(read.column("Name") == [.text("市役所")])
        #expect(read.rows.first?.geometry?.vertex(0) == Point(x: 139, y: 35))
    }

    @Test(arguments: [10, 100, 400, 700, 1000])
    func `a FlatGeobuf that was cut off is not taken for whole`(keep: Int) throws {
        let folder = try TemporaryFolder()
        let rows = (0..<300).map {
            "{\"type\":\"Feature\",\"properties\":{\"n\":\($0)},\"geometry\":{\"type\":\"Point\",\"coordinates\":[\($0 % 90),2]}}"
        }
        let source = try folder.file("a.geojson", "{\"type\":\"FeatureCollection\",\"features\":[" + rows.joined(separator: ",") + "]}")
        let whole = folder.url.appendingPathComponent("a.fgb")
        guard try systemTool("ogr2ogr", whole.path, source.path) else { return }
        let bytes = Array(try Data(contentsOf: whole))
        #expect(try ImporterProcess.run(whole).count == 300)
        let read = try ImporterProcess.run(try folder.file("cut.fgb", Array(bytes.prefix(bytes.count * keep / 1001))))
        #expect(read.count == nil && read.isOrderly)
    }

    @Test(arguments: ["gpkg", "fgb", "geojson"], 0..<15)
    func `damaged files are refused or read, never a crash`(ending: String, seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let source = try folder.file("a.geojson", Self.features)
        let target = folder.url.appendingPathComponent("b." + ending)
        guard try systemTool("ogr2ogr", target.path, source.path, "-select", "text,whole,real,flag,day") else { return }
        var bytes = Array(try Data(contentsOf: target))
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random) }
        let read = try ImporterProcess.run(try folder.file("damaged." + ending, bytes))
        #expect(read.isOrderly, "\(read.status) \(read.errorText)")
    }
}
