import Formats
import Foundation
import Geo
import TestKit
import Testing

@Suite struct ByteWriterTests {
    private func written(_ body: (inout ByteWriter) -> Void) -> String {
        var writer = ByteWriter(capacity: 1)
        body(&writer)
        return String(decoding: writer.array(), as: UTF8.self)
    }

    @Test func `whole numbers to their ends`() {
        for value in [0, 9, 10, -1, 99, 100, 12_345, .max, .min] as [Int64] {
            #expect(written { $0.integer(value) } == String(value))
        }
        #expect(written { $0.integer(UInt64.max) } == String(UInt64.max))
    }

    @Test(arguments: [7, 8, 9])
    func `fixed decimals agree with exact decimal arithmetic`(decimals: Int) {
        var generator = SeededGenerator(seed: UInt64(decimals))
        var scale: Int64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let edges: [Int64] = [0, 1, -1, scale, -scale, 180 * scale, -180 * scale, scale - 1, 99 * scale + 5]
        let random = (0..<5000).map { _ in Int64.random(in: -180 * scale...180 * scale, using: &generator) }
        for value in edges + random {
            let digits = String(repeating: "0", count: max(0, decimals + 1 - String(value.magnitude).count)) + String(value.magnitude)
            let expected = (value < 0 ? "-" : "") + digits.dropLast(decimals) + "." + digits.suffix(decimals)
            #expect(written { $0.fixed(value, decimals: decimals) } == expected)
        }
    }

    @Test func `reals read back as the same double`() {
        var generator = SeededGenerator(seed: 1)
        var values: [Double] = [0, 1, -1.5, 0.1, 0.001, 1e-9, 1e22, 5e-324, .greatestFiniteMagnitude, 123456789.125, 0.3, 1e15, -0.25]
        for _ in 0..<5000 { values.append(Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &generator))) }
        for _ in 0..<5000 { values.append((Double.random(in: -1e6...1e6, using: &generator) * 1000).rounded() / 1000) }
        for value in values where value.isFinite {
            let text = written { $0.real(value) }
            #expect(Double(text) == value, "\(text)")
        }
    }

    @Test func `texts come back through a JSON reader`() throws {
        let texts = ["", "住宅", "a\"b\\c", "\u{0}\u{1}\u{1F}\n\r\t\u{8}\u{C}", "𠮷野家", "</script>", "\u{7F}é"]
        for text in texts {
            let json = written { $0.jsonString(text) }
            let back = try JSONSerialization.jsonObject(with: Data("[\(json)]".utf8)) as? [String]
            #expect(back == [text])
        }
    }

    @Test func `days and instants are as RFC 3339 has them`() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "yyyy-MM-dd"
        for days in stride(from: Int32(-100_000), to: 200_000, by: 997) where days > -140_000 {
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(days) * 86400))
            // Foundation turns to the Julian calendar before 1582-10-15.
            if days > -141_427 { #expect(written { $0.day(Day(daysSince1970: days)) } == expected) }
        }
        #expect(written { $0.instant(Instant(microseconds: 0, zoneMinutes: 540)) } == "1970-01-01T09:00:00+09:00")
        #expect(written { $0.instant(Instant(microseconds: 0, zoneMinutes: nil)) } == "1970-01-01T09:00:00+09:00")
        #expect(written { $0.instant(Instant(microseconds: -1, zoneMinutes: 0)) } == "1969-12-31T23:59:59.999999Z")
        #expect(written { $0.instant(Instant(microseconds: 1_500_000, zoneMinutes: -210)) } == "1969-12-31T20:30:01.500-03:30")
    }

    @Test(arguments: 0..<50)
    func `geometry reads back from GeoJSON`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let geometry = RandomGeometry().geometry(using: &generator)
        let storage = ShapeStorage(geometry)
        let object = try JSONSerialization.jsonObject(with: Data(written { $0.geoJSON(storage.shape) }.utf8)) as? [String: Any]
        #expect(object?["type"] as? String == geometry.kind.name)
        let parts = (object?["geometries"] as? [[String: Any]])?.map { $0["coordinates"]! } ?? [object?["coordinates"] ?? 0]
        var numbers: [Double] = []
        func flatten(_ value: Any) {
            if let list = value as? [Any] {
                list.forEach(flatten)
            } else if let number = value as? NSNumber {
                numbers.append(number.doubleValue)
            }
        }
        parts.forEach(flatten)
        #expect(numbers == storage.shape.geometry.coordinates)
    }
}
