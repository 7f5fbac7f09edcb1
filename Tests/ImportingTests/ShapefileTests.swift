import Foundation
import Geo
import RecordStream
import TestKit
import Testing

struct ShapefileTests {
    /// `①～−∥重` in CP932, each a character on which the tables of Shift_JIS disagree but the last.
    static let difficult: [UInt8] = [0x87, 0x40, 0x81, 0x60, 0x81, 0x7C, 0x81, 0x61, 0x8F, 0x64]
    static let difficultText = "①～－∥重"

    private func shapefile(_ values: [[UInt8]], name: [UInt8] = Array("NAME".utf8), width: Int = 20) -> MadeShapefile {
        MadeShapefile(columns: [.init(name: name, kind: "C", width: width)], rows: values.map { [$0] })
    }

    @Test(arguments: [nil, "CP932", "SJIS", "932", "UTF-8", "nonsense\u{1}"])
    func `CP932 is read whether the .cpg says so, is missing or lies`(cpg: String?) throws {
        let folder = try TemporaryFolder()
        let file = try shapefile([Self.difficult, Array("plain".utf8)]).write(folder, cpg: cpg)
        let read = try ImporterProcess.run(file)
        #expect(read.column("NAME") == [.text(Self.difficultText), .text("plain")])
        #expect(read.header?.encoding?.name == "CP932")
        let lies = cpg == "UTF-8" || cpg == "nonsense\u{1}"
        #expect(read.problemCodes == (lies ? ["wrong-encoding-file"] : []))
        #expect(read.rows.map { $0.geometry?.vertex(0) } == [Point(x: 139, y: 35), Point(x: 140, y: 35)])
    }

    @Test func `UTF-8 and EUC-JP are told apart from CP932`() throws {
        let folder = try TemporaryFolder()
        let utf8 = try shapefile([Array("避難所".utf8)]).write(folder, "utf8")
        let euc = try shapefile([[0xC8, 0xF2, 0xC6, 0xF1, 0xBD, 0xEA]]).write(folder, "euc")
        #expect(try ImporterProcess.run(utf8).column("NAME") == [.text("避難所")])
        #expect(try ImporterProcess.run(euc).column("NAME") == [.text("避難所")])
    }

    @Test func `a value that does not decode is a problem and null, never mojibake`() throws {
        let folder = try TemporaryFolder()
        let file = try shapefile([Self.difficult, [0x81, 0x20, 0x41], Self.difficult]).write(folder)
        let read = try ImporterProcess.run(file, "--encoding", "Shift_JIS")
        #expect(read.column("NAME") == [.text(Self.difficultText), .null, .text(Self.difficultText)])
        #expect(read.problems.map { [$0.code, $0.field ?? "", "\($0.row ?? 99)"] } == [["undecodable-text", "NAME", "1"]])
    }

    @Test func `a name cut inside a character loses its broken tail and stays unique`() throws {
        let folder = try TemporaryFolder()
        let long = Array(Self.difficult + [0x8F])
        let made = MadeShapefile(
            columns: [
                .init(name: Array(long.prefix(11)), kind: "C", width: 4), .init(name: Self.difficult, kind: "C", width: 4),
                .init(name: [0x41, 0x8F], kind: "C", width: 4),
            ], rows: [[[0x61], [0x62], [0x63]]])
        let read = try ImporterProcess.run(try made.write(folder), "--encoding", "CP932")
        #expect(read.header?.fields.map(\.name) == [Self.difficultText, Self.difficultText + "_2", "A"])
        #expect(read.rows.first?.values == [.text("a"), .text("b"), .text("c")])
    }

    @Test func `a value cut by its column keeps its whole characters`() throws {
        let folder = try TemporaryFolder()
        let file = try shapefile([Array("避難所".utf8)], width: 8).write(folder)
        let read = try ImporterProcess.run(file)
        #expect(read.column("NAME") == [.text("避難")])
        #expect(read.problemCodes == ["cut-text"])
    }

    @Test func `numbers stay exact and blanks and stars are null`() throws {
        let folder = try TemporaryFolder()
        let columns: [MadeShapefile.Column] = [
            .init(name: Array("WIDE".utf8), kind: "N", width: 20), .init(name: Array("HUGE".utf8), kind: "N", width: 25),
            .init(name: Array("REAL".utf8), kind: "N", width: 10, decimals: 3), .init(name: Array("ODD".utf8), kind: "N", width: 6),
            .init(name: Array("DAY".utf8), kind: "D", width: 8), .init(name: Array("FLAG".utf8), kind: "L", width: 1),
        ]
        let texts = [
            ["9223372036854775807", "12345678901234567890123", "1.500", "7", "20240229", "T"],
            ["-9007199254740993", "1", "-2", "1.5", "20230229", "f"],
            ["********************", "", "*", "", "00000000", "?"],
            ["x", "2", "nan", "3", "", " "],
        ]
        let file = try MadeShapefile(columns: columns, rows: texts.map { $0.map { Array($0.utf8) } }).write(folder)
        let read = try ImporterProcess.run(file)
        #expect(read.column("WIDE") == [.integer(.max), .integer(-9_007_199_254_740_993), .null, .null])
        #expect(read.column("HUGE") == [.text("12345678901234567890123"), .text("1"), .null, .text("2")])
        #expect(read.column("REAL") == [.real(1.5), .real(-2), .null, .null])
        #expect(read.column("ODD") == [.real(7), .real(1.5), .null, .real(3)])
        let leapDay = try #require(Day(year: 2024, month: 2, day: 29))
        #expect(read.column("DAY") == [.date(leapDay), .null, .null, .null])
        #expect(read.column("FLAG") == [.boolean(true), .boolean(false), .null, .null])
        #expect(read.problemCodes.sorted() == ["bad-date", "bad-number", "bad-number"])
        #expect(read.noteCodes.contains("large-numbers"))
    }

    @Test func `a missing index is made again without touching the source`() throws {
        let folder = try TemporaryFolder()
        let file = try shapefile([[0x61], [0x62]]).write(folder, withIndex: false)
        let read = try ImporterProcess.run(file)
        #expect(read.count == 2)
        #expect(read.noteCodes.contains("index-rebuilt"))
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.path)) == ["made.shp", "made.dbf"])
    }

    @Test func `a table of another length than the shapes is told`() throws {
        let folder = try TemporaryFolder()
        let three = shapefile([[0x61], [0x62], [0x63]])
        let two = shapefile([[0x61], [0x62]])
        let file = try three.write(folder)
        _ = try folder.file("made.dbf", two.dbf)
        let read = try ImporterProcess.run(file)
        #expect(read.column("NAME") == [.text("a"), .text("b"), .null])
        #expect(read.problemCodes == ["row-without-attributes"])
    }

    @Test func `companions in another folder are found by the given name`() throws {
        let folder = try TemporaryFolder()
        let file = try shapefile([Self.difficult]).write(folder, "道路")
        let original = try folder.file("originals/0123abcd", try Array(Data(contentsOf: file)))
        let read = try ImporterProcess.run(original, "--name", "道路.shp", "--companions", folder.url.path)
        #expect(read.column("NAME") == [.text(Self.difficultText)])
        #expect(read.header?.layer == "道路")
    }

    @Test(arguments: 0..<60)
    func `damaged shapefiles are refused or read, never a crash`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let made = shapefile([Self.difficult, [0x61], [0x62]])
        var parts = ["shp": made.shp, "shx": made.shx, "dbf": made.dbf]
        for (ending, bytes) in parts.sorted(by: { $0.key < $1.key }) {
            var bytes = bytes
            for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random) }
            if seed % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            parts[ending] = bytes
        }
        for (ending, bytes) in parts { _ = try folder.file("made." + ending, bytes) }
        let read = try ImporterProcess.run(folder.url.appendingPathComponent("made.shp"))
        #expect(read.isOrderly, "\(read.status) \(read.errorText)")
    }

}
