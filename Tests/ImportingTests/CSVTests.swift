import Foundation
import Geo
import RecordStream
import Testing

struct CSVTests {
    private func run(_ text: String) throws -> Imported {
        try run(Array(text.utf8))
    }

    private func run(_ bytes: [UInt8], encoding: String? = nil) throws -> Imported {
        let folder = try TemporaryFolder()
        let file = try folder.file("避難所.csv", bytes)
        return try encoding.map { try ImporterProcess.run(file, "--encoding", $0) } ?? ImporterProcess.run(file)
    }

    @Test func `types come from all values`() throws {
        let read = try run(
            """
            code,number,big,real,flag,mixed,empty,day,truth,緯度,経度
            092011,1,9223372036854775807,1.5,0,1,,2024-03-31,true,35.5,139.5
            352128,-20,9223372036854775808,2,1,x,,2024-04-01,false,35.6,139.6
            """)
        let types = ["code", "number", "big", "real", "flag", "mixed", "empty", "day", "truth"].map { read.type($0) }
        #expect(types == [.text, .integer, .text, .real, .integer, .text, .text, .date, .boolean])
        #expect(read.column("code") == [.text("092011"), .text("352128")])
        #expect(read.column("big") == [.text("9223372036854775807"), .text("9223372036854775808")])
        #expect(read.rows.map { $0.geometry?.vertex(0) } == [Point(x: 139.5, y: 35.5), Point(x: 139.6, y: 35.6)])
        #expect(read.header?.crs == nil && read.noteCodes == ["csv-degrees"])
        #expect(read.header?.layer == "避難所")
    }

    @Test func `quotes, line ends and a title line`() throws {
        let read = try run("\u{FEFF}# 一覧,,\r\nname,lon,lat\r\n\"a,\"\"b\"\"\nc\",139,35\r\n\r\n  d ,140,36")
        #expect(read.column("name") == [.text("a,\"b\"\nc"), .text("  d ")])
        #expect(read.count == 2)
        #expect(read.noteCodes.contains("title-line") && read.noteCodes.contains("empty-rows"))
        #expect(read.header?.encoding == SourceEncoding(name: "UTF-8", how: .format))
    }

    @Test func `rows without a place come without geometry and are told`() throws {
        let read = try run("名称,経度,緯度\na,139,35\nb,,\nc,不明,35\nd,139\n")
        #expect(read.rows.map { $0.geometry == nil } == [false, true, true, true])
        #expect(read.problems.map { "\($0.code) \($0.row ?? 99)" } == ["no-place 1", "bad-place 2", "no-place 3", "short-row 3"])
    }

    @Test func `CP932 is seen, with the characters on which tables differ`() throws {
        let head: [UInt8] = [0x96, 0xBC, 0x8F, 0xCC] + Array(",lng,lat\n".utf8)  // 名称
        let read = try run(head + ShapefileTests.difficult + Array(",139,35\n".utf8))
        #expect(read.column("名称") == [.text(ShapefileTests.difficultText)])
        #expect(read.header?.encoding == SourceEncoding(name: "CP932", how: .detected))
    }

    @Test func `a wrong encoding given by hand is told value by value`() throws {
        let read = try run(Array("name,x,y\n".utf8) + ShapefileTests.difficult + Array(",1,2\nplain,3,4\n".utf8), encoding: "UTF-8")
        #expect(read.column("name") == [.null, .text("plain")])
        #expect(read.problemCodes == ["undecodable-text"])
    }

    @Test func `UTF-16 and ISO-2022-JP are turned first`() throws {
        let text = "名称,x,y\n市役所,1,2\n"
        let utf16: [UInt8] = [0xFF, 0xFE] + text.utf16.flatMap { unit -> [UInt8] in [UInt8(unit & 255), UInt8(unit >> 8)] }
        #expect(try run(utf16).column("名称") == [.text("市役所")])
        // 市役所 in ISO-2022-JP.
        let jis =
            Array("name,x,y\n".utf8) + [0x1B, 0x24, 0x42, 0x3B, 0x54, 0x4C, 0x72, 0x3D, 0x6A, 0x1B, 0x28, 0x42] + Array(",1,2\n".utf8)
        #expect(try run(jis).column("name") == [.text("市役所")])
    }

    @Test func `a quote that is never closed is refused, not swallowed`() throws {
        let read = try run("a,x,y\nb,1,2\n\"c,1,2\nd,1,2\n")
        #expect(read.failure?.code == "unclosed-quote")
    }

    @Test func `surveying coordinates have their X to the north`() throws {
        let read = try run("名称,X座標,Y座標\na,164065.1,43616.6\n")
        #expect(read.rows.first?.geometry?.vertex(0) == Point(x: 43616.6, y: 164065.1))
        #expect(read.noteCodes == ["csv-survey-axes"])
    }

    @Test func `names are made unique and none is empty`() throws {
        let read = try run("a,,a,a_2\n1,2,3,4\n")
        #expect(read.header?.fields.map(\.name) == ["a", "column_2", "a_2", "a_2_2"])
    }

    @Test func `tabs and a given reference system`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("a.tsv", "name\tlongitude\tlatitude\n\"x\ty\"\t139\t35\n")
        let read = try ImporterProcess.run(file, "--crs", "EPSG:6668")
        #expect(read.column("name") == [.text("x\ty")])
        #expect(read.header?.crs?.code == "6668")
        #expect(read.noteCodes.isEmpty)
    }
}
