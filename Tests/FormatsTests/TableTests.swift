import Foundation
import Geo
import TestKit
import Testing

@testable import Formats

@Suite struct TableTests {
    private func cell(_ text: String) -> String {
        var writer = ByteWriter()
        writer.csvText(text)
        return String(decoding: writer.array(), as: UTF8.self)
    }

    @Test(arguments: [
        ("中央通り", "中央通り"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a\nb", "\"a\nb\""), ("", "\"\""), (" a", "\" a\""), ("a b", "a b"),
    ])
    func `cells are quoted where they must be, and where they are empty`(text: String, written: String) {
        #expect(cell(text) == written)
    }

    @Test(arguments: [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"), ("-1+1", "'-1+1"), ("\tx", "'\tx"),
        ("＝1", "'＝1"), ("－a", "'－a"), ("＋81", "'＋81"), ("＠x", "'＠x"), ("=\"a\"", "\"'=\"\"a\"\"\""),
        // Numbers with a sign are no formulas, and what only contains a sign is none either.
        ("-5", "-5"), ("+3.25", "+3.25"), ("1-2-3", "1-2-3"), ("a=b", "a=b"), ("-", "'-"), ("-1.2.3", "'-1.2.3"),
    ])
    func `what a spreadsheet would calculate is marked as text`(text: String, written: String) {
        #expect(cell(text) == written)
    }

    @Test func `CP932 holds Microsoft's characters, and what it cannot hold is a geta`() throws {
        let recoder = try #require(TextRecoder())
        func recoded(_ text: String) -> [UInt8] { Array(text.utf8).withUnsafeBytes { Array(recoder.recode($0)) } }
        #expect(recoded("髙橋①～ｶﾅ") == [0xFB, 0xFC, 0x8B, 0xB4, 0x87, 0x40, 0x81, 0x60, 0xB6, 0xC5])
        #expect(recoder.replaced == 0)
        #expect(recoded("𠮷野家,é") == [0x81, 0xAC, 0x96, 0xEC, 0x89, 0xC6, 0x2C, 0x81, 0xAC])
        #expect(recoder.replaced == 2)
        #expect(recoded("") == [])
    }

    @Test(arguments: [
        (43616.6, 3, "43616.600"), (-0.0004, 3, "0.000"), (-0.0006, 3, "-0.001"), (15_550_408.91, 4, "15550408.9100"), (12.0, 0, "12"),
        (139.75, 9, "139.750000000"), (1e300, 3, "1e+300"),
    ])
    func `metres have the decimals they are given`(value: Double, decimals: Int, text: String) {
        var writer = ByteWriter()
        writer.real(value, decimals: decimals)
        #expect(String(decoding: writer.array(), as: UTF8.self) == text)
    }

    @Test func `well-known text has its parts and rings in brackets`() {
        func text(_ geometry: Geometry) -> String {
            let storage = ShapeStorage(geometry)
            var writer = ByteWriter()
            writer.wkt(storage.shape, WrittenVertices(storage.shape))
            return withExtendedLifetime(storage) { String(decoding: writer.array(), as: UTF8.self) }.replacing("0000000", with: "0")
        }
        let ring = [Point(x: 0, y: 0), Point(x: 4, y: 0), Point(x: 4, y: 4), Point(x: 0, y: 0)]
        let hole = [Point(x: 2, y: 1), Point(x: 3, y: 1), Point(x: 3, y: 2), Point(x: 2, y: 1)]
        #expect(text(.point(1, 2)) == "POINT (1.0 2.0)")
        #expect(text(.lineString([Point(x: 1, y: 2), Point(x: 3, y: 4)])) == "LINESTRING (1.0 2.0,3.0 4.0)")
        #expect(
            text(.polygon([ring, hole])) == "POLYGON ((0.0 0.0,4.0 0.0,4.0 4.0,0.0 0.0),(2.0 1.0,3.0 1.0,3.0 2.0,2.0 1.0))")
        #expect(text(.multiPolygon([[ring]])) == "MULTIPOLYGON (((0.0 0.0,4.0 0.0,4.0 4.0,0.0 0.0)))")
    }

    @Test(arguments: [0, 1, 15, 16, 17, 256, 257, 5000])
    func `the index of a FlatGeobuf has its root first, and every box holds those below it`(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        var index = FlatIndex()
        var boxes: [Envelope] = []
        for _ in 0..<count {
            let (x, y) = (Double.random(in: 0...10, using: &generator), Double.random(in: 0...10, using: &generator))
            let box = Int.random(in: 0..<9, using: &generator) == 0 ? Envelope.empty : Envelope(minX: x, minY: y, maxX: x + 1, maxY: y + 1)
            boxes.append(box)
            index.add(box)
        }
        var writer = ByteWriter()
        index.writeInnerNodes(to: &writer)
        for (i, box) in boxes.enumerated() { FlatIndex.leaf(box, offset: UInt64(i), to: &writer) }
        let bytes = writer.array()
        func node(_ i: Int) -> (box: Envelope, offset: Int) {
            bytes.withUnsafeBytes { raw in
                func number(_ at: Int) -> Double { raw.loadUnaligned(fromByteOffset: 40 * i + 8 * at, as: Double.self) }
                return (
                    Envelope(minX: number(0), minY: number(1), maxX: number(2), maxY: number(3)),
                    Int(raw.loadUnaligned(fromByteOffset: 40 * i + 32, as: UInt64.self))
                )
            }
        }
        guard count > 0 else {
            #expect(bytes.isEmpty)
            return
        }
        // Sizes of the levels as the reference reckons them, the root's first.
        var sizes = [count]
        repeat { sizes.insert((sizes[0] + 15) / 16, at: 0) } while sizes[0] > 1
        let begins = sizes.indices.map { sizes[..<$0].reduce(0, +) }
        #expect(bytes.count == 40 * sizes.reduce(0, +))
        var seen: [Int] = []
        func walk(_ i: Int, level: Int) {
            let (box, offset) = node(i)
            guard level < sizes.count - 1 else { return seen.append(offset) }
            #expect(offset == begins[level + 1] + 16 * (i - begins[level]))
            for child in offset..<min(offset + 16, begins[level + 1] + sizes[level + 1]) {
                let inner = node(child).box
                #expect(
                    inner.isEmpty || (box.minX <= inner.minX && box.maxX >= inner.maxX && box.minY <= inner.minY && box.maxY >= inner.maxY))
                walk(child, level: level + 1)
            }
        }
        walk(0, level: 0)
        #expect(seen == Array(0..<count))
    }
}
