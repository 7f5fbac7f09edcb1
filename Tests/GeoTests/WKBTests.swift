import Geo
import TestKit
import Testing

@Suite struct WKBTests {
    private func read(_ bytes: [UInt8], reader: WKBReader = WKBReader()) throws(WKBError) -> Geometry {
        var geometry = Geometry(kind: .point)
        var failure: WKBError?
        bytes.withUnsafeBytes { raw in
            do throws(WKBError) { try reader.read(raw, into: &geometry) } catch { failure = error }
        }
        if let failure { throw failure }
        return geometry
    }

    @Test(arguments: 0..<200)
    func `what is written reads back`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let geometry = RandomGeometry().geometry(using: &generator)
        var bytes: [UInt8] = []
        WKBWriter.write(geometry, to: &bytes)
        #expect(try read(bytes) == geometry)
    }

    /// OGC 06-103r4, 8.2.9: the byte stream of a polygon is its byte order, its type 3, the number of rings, and each ring's number of points.
    @Test func `the bytes are those of the standard`() {
        var bytes: [UInt8] = []
        WKBWriter.write(.point(1, 2), to: &bytes)
        #expect(bytes == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0x40])
    }

    @Test func `other byte orders and dimensions give the same place`() throws {
        let big: [UInt8] = [0, 0, 0, 0, 1, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]
        #expect(try read(big) == .point(1, 2))
        let place: [UInt8] = [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0x40]
        let height: [UInt8] = [0, 0, 0, 0, 0, 0, 0x08, 0x40]
        #expect(try read([1, 0xE9, 3, 0, 0] + place + height) == .point(1, 2))  // ISO: 1001
        #expect(try read([1, 1, 0, 0, 0x80] + place + height) == .point(1, 2))  // EWKB: Z
        #expect(try read([1, 1, 0, 0, 0x20, 0xE6, 0x10, 0, 0] + place) == .point(1, 2))  // EWKB: SRID 4326
        #expect(try read([1, 0xB9, 0x0B, 0, 0] + place + height + height) == .point(1, 2))  // ISO: 3001
    }

    @Test func `a count larger than the bytes allocates nothing and is refused`() {
        #expect(throws: WKBError.impossibleCount(0xFFFF_FFFF)) { try read([1, 2, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]) }
        #expect(throws: WKBError.unknownType(17)) { try read([1, 17, 0, 0, 0]) }
        #expect(throws: WKBError.truncated) { try read([]) }
    }

    @Test func `collections in collections end at the limit`() {
        var bytes: [UInt8] = []
        for _ in 0..<100_000 { bytes += [1, 7, 0, 0, 0, 1, 0, 0, 0] }
        #expect(throws: WKBError.nestedTooDeep) { try read(bytes) }
    }

    @Test func `more vertices than allowed are refused`() {
        var bytes: [UInt8] = []
        WKBWriter.write(.lineString((0..<10).map { Point(x: Double($0), y: 0) }), to: &bytes)
        #expect(throws: WKBError.tooManyVertices(limit: 9)) { try read(bytes, reader: WKBReader(vertexLimit: 9)) }
    }

    @Test(arguments: 0..<50)
    func `broken bytes are an error or a well-formed geometry`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        WKBWriter.write(RandomGeometry().geometry(using: &generator), to: &bytes)
        for _ in 0..<200 {
            var broken = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                broken[Int.random(in: 0..<broken.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { broken.removeLast(Int.random(in: 0..<broken.count, using: &generator)) }
            guard let geometry = try? read(broken) else { continue }
            #expect((geometry.ringEnds.last ?? 0) == geometry.vertexCount)
            #expect((geometry.partEnds.last ?? 0) == geometry.ringEnds.count)
            #expect(geometry.kind != .geometryCollection || geometry.partKinds.count == geometry.partEnds.count)
        }
    }
}
