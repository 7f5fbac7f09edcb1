import Foundation
import Geo
import RecordStream
import Testing

@testable import Importing

struct AttackTests {
    private static let secret = #"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"s":"SECRET"},"geometry":null}]}"#

    /// What a file with a harmless ending holds.
    private static let disguises: [String: String] = [
        "an OGR VRT": "<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        "a VRT to the network":
            "<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/vsicurl/http://127.0.0.1:9/</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        "a WFS": "<OGRWFSDataSource><URL>http://127.0.0.1:9/</URL></OGRWFSDataSource>",
        "a WMS": "<GDAL_WMS><Service name='WMS'><ServerUrl>http://127.0.0.1:9/</ServerUrl></Service></GDAL_WMS>",
        "an address": "http://127.0.0.1:9/x.geojson",
        "a GML name in a VRT":
            "<OGRVRTDataSource xmlns='http://www.opengis.net/gml'><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
    ]

    @Test(arguments: disguises.keys.sorted(), ["geojson", "json", "gml", "xml", "shp", "gpkg", "fgb", "kml", "zip"])
    func `what only looks like a map is refused`(kind: String, ending: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("upload." + ending, try #require(Self.disguises[kind]))
        for confine in ["landlock", "none"] {
            let read = try ImporterProcess.run(file, confine: confine)
            #expect(read.failure != nil && read.isOrderly, "\(kind) as .\(ending)")
        }
    }

    private static func gml(_ extra: String, _ body: String = "x") -> String {
        """
        <?xml version="1.0"?>
        \(extra)
        <a:FeatureCollection xmlns:a="urn:a" xmlns:gml="http://www.opengis.net/gml"><gml:featureMember><a:p><a:n>\(body)</a:n>
        <a:g><gml:Point srsName="EPSG:4326"><gml:coordinates>139,35</gml:coordinates></gml:Point></a:g></a:p></gml:featureMember></a:FeatureCollection>
        """
    }

    @Test func `an honest GML passes and leaves nothing beside it`() throws {
        let folder = try TemporaryFolder()
        let read = try ImporterProcess.run(try folder.file("a.gml", Self.gml("")))
        #expect(read.column("n") == [.text("x")])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["a.gml"])
    }

    @Test(arguments: [
        "<!DOCTYPE a [<!ENTITY l0 'lol'><!ENTITY l1 '&l0;&l0;&l0;&l0;&l0;&l0;&l0;&l0;'>]>", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'>",
        "<!doctype a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>", "<!DOCTYPE a>",
    ])
    func `document types are refused`(declaration: String) throws {
        let folder = try TemporaryFolder()
        #expect(try ImporterProcess.run(try folder.file("a.gml", Self.gml(declaration))).failure?.code == "xml-doctype")
        let kml = "<?xml version='1.0'?>\(declaration)<kml xmlns='http://www.opengis.net/kml/2.2'><Placemark/></kml>"
        #expect(try ImporterProcess.run(try folder.file("a.kml", kml)).failure?.code == "xml-doctype")
    }

    @Test func `a document type is found wherever it stands, and no encoding hides it`() throws {
        let folder = try TemporaryFolder()
        let late = Self.gml("<!--" + String(repeating: " ", count: (1 << 20) - 40) + "-->\n<!DOCTYPE a>")
        #expect(try ImporterProcess.run(try folder.file("late.gml", late)).failure != nil)
        let utf16 = Self.gml("<!DOCTYPE a>").replacingOccurrences(of: "?>", with: " encoding=\"UTF-16\"?>")
        let wide: [UInt8] = [0xFF, 0xFE] + utf16.utf16.flatMap { unit -> [UInt8] in [UInt8(unit & 255), UInt8(unit >> 8)] }
        #expect(try ImporterProcess.run(try folder.file("wide.gml", wide)).failure != nil)
        for encoding in ["UTF-7", "EBCDIC-US", "UTF-32", "x"] {
            let text = Self.gml("").replacingOccurrences(of: "1.0\"?>", with: "1.0\" encoding=\"\(encoding)\"?>")
            #expect(try ImporterProcess.run(try folder.file("a.gml", text)).failure?.code == "unsupported-encoding")
        }
    }

    @Test func `GML in Shift_JIS is read`() throws {
        let folder = try TemporaryFolder()
        let text = Self.gml("", "NAME").replacingOccurrences(of: "1.0\"?>", with: "1.0\" encoding=\"Shift_JIS\"?>")
        let parts = text.components(separatedBy: "NAME").map { Array($0.utf8) }
        let read = try ImporterProcess.run(try folder.file("a.gml", parts[0] + ShapefileTests.difficult + parts[1]))
        #expect(read.column("n") == [.text(ShapefileTests.difficultText)])
    }

    @Test func `a table replaced by a view that never ends is not read`() throws {
        let folder = try TemporaryFolder()
        let source = try folder.file("a.geojson", Self.secret)
        let package = folder.url.appendingPathComponent("a.gpkg").path
        guard try systemTool("ogr2ogr", "-f", "GPKG", package, source.path, "-nln", "town", "-nlt", "POINT") else { return }
        #expect(try ImporterProcess.run(URL(fileURLWithPath: package)).count == 1)
        for view in [
            "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r) SELECT i AS fid, NULL AS geom FROM r",
            "SELECT 1 AS fid, NULL AS geom, hex(zeroblob(400000000)) AS s",
        ] {
            let copy = folder.url.appendingPathComponent(UUID().uuidString + ".gpkg")
            try FileManager.default.copyItem(at: URL(fileURLWithPath: package), to: copy)
            guard try systemTool("sqlite3", copy.path, "DROP TABLE town; CREATE VIEW town AS \(view);") else { return }
            let read = try ImporterProcess.run(copy)
            #expect(read.failure?.code == "no-layers" && read.isOrderly)
        }
    }

    @Test func `nesting without end is refused or made a problem`() throws {
        let folder = try TemporaryFolder()
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        let text = "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{\"a\":\(deep)},\"geometry\":null}]}"
        #expect(try ImporterProcess.run(try folder.file("deep.geojson", text)).isOrderly)
    }

    @Test func `links beside a shapefile lead nowhere`() throws {
        let folder = try TemporaryFolder()
        let made = MadeShapefile(columns: [.init(name: Array("N".utf8), kind: "C", width: 3)], rows: [[[0x61]]])
        let file = try made.write(folder)
        let table = folder.url.appendingPathComponent("made.dbf")
        try FileManager.default.removeItem(at: table)
        try FileManager.default.createSymbolicLink(at: table, withDestinationURL: URL(fileURLWithPath: "/etc/passwd"))
        let read = try ImporterProcess.run(file)
        #expect(read.header?.fields.isEmpty == true && read.noteCodes.contains("no-table"))
    }

    @Test func `references are given by registered names only`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("a.csv", "x,y\n1,2\n")
        for text in ["/etc/passwd", "http://127.0.0.1:9/", "@file", "+proj=utm +zone=54 +init=/etc/passwd", "EPSG:999999", "IGNF:../x"] {
            #expect(try ImporterProcess.run(file, "--crs", text).failure?.code == "unknown-crs")
        }
    }

    @Test func `a limit of memory ends the program, and what came is not taken for whole`() throws {
        let folder = try TemporaryFolder()
        let rows = (0..<300_000).map { "\($0),139,35\n" }.joined()
        let file = try folder.file("many.csv", "n,x,y\n" + rows)
        #expect(try ImporterProcess.run(file, keep: false).count == 300_000)
        // Less than the program itself needs.
        let small = try ImporterProcess.run(file, "--limit-memory", "20000000", keep: false)
        #expect(small.count == nil && (small.failure != nil || small.streamError != nil))
    }
}

struct ConfinementTests {
    /// The program itself is asked, in a process of its own: a child of the tests' process, with all its threads and memory, would meet limits
    /// that are not meant for it.
    @Test func `a confined process reaches nothing but its folder`() throws {
        let program = try #require(ImporterProcess.program)
        let process = Process()
        let pipe = Pipe()
        process.executableURL = program
        process.arguments = ["--probe"]
        process.standardOutput = pipe
        try process.run()
        let text = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let probe = try JSONDecoder().decode(ConfinementProbe.self, from: text)
        guard probe.landlock > 0, probe.seccomp else {
            print("this kernel has no Landlock or seccomp; the test of confinement is skipped")
            return
        }
        #expect(probe.leaks.isEmpty && probe.holds)
    }

    @Test func `wrong use is told apart from a refused file`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("a.csv", "x,y\n1,2\n")
        #expect(try ImporterProcess.run(file, "--nonsense").status == 2)
        #expect(try ImporterProcess.run(folder.url.appendingPathComponent("absent.csv")).failure?.code == "unreadable")
        #expect(try ImporterProcess.run(file, "--crs").status == 2)
    }

    @Test func `the scratch folder and nothing else is written`() throws {
        let folder = try TemporaryFolder()
        let made = MadeShapefile(columns: [.init(name: Array("N".utf8), kind: "C", width: 3)], rows: [[[0x61]]])
        let archive = try folder.file("in/a.zip", MadeArchive(entries: MadeArchive.shapefile(made, Array("a".utf8))).bytes)
        let scratch = folder.url.appendingPathComponent("own")
        #expect(try ImporterProcess.run(archive, scratch: scratch).count == 1)
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.path)) == ["in", "own"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path + "/in") == ["a.zip"])
    }
}
