import Foundation
import Geo
import TestKit

@testable import RecordStream

/// A feature kept as plain values, to be compared with what comes out of a stream.
struct PlainFeature: Equatable {
    var row: UInt64
    var wkb: [UInt8]?
    var values: [AttributeValue]
}

/// A stream with everything in it, made from a seed.
struct SampleStream {
    var header: RecordHeader
    var features: [PlainFeature] = []
    var problems: [RecordProblem] = []
    var bytes: [UInt8] = []

    init(seed: UInt64, features count: Int, largestGeometry: Int = 300) throws {
        var random = SeededGenerator(seed: seed)
        let types = (0..<Int.random(in: 0...12, using: &random)).map { _ in AttributeType.allCases.randomElement(using: &random)! }
        header = RecordHeader(
            driver: "GeoJSON", layers: ["道路", "橋"], layer: "道路",
            crs: SourceCRS(wkt: "GEOGCRS[…]", authority: "EPSG", code: "6668", name: "JGD2011", projected: false),
            encoding: SourceEncoding(name: "CP932", how: .detected),
            fields: types.enumerated().map { RecordField(name: "欄\($0)", type: $1, width: $0 % 2 == 0 ? 10 : nil) },
            geometryType: "Polygon", featureCount: count, extent: Envelope(minX: 1, minY: 2, maxX: 3, maxY: 4),
            notes: [RecordNote(code: "curves", detail: "made straight")])
        for _ in 0..<count {
            let geometry = Bool.random(using: &random) ? Self.bytes(0...largestGeometry, &random) : nil
            let values = types.map { Bool.random(using: &random) ? Self.value($0, &random) : .null }
            features.append(PlainFeature(row: .random(in: 0...(.max), using: &random), wkb: geometry, values: values))
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            problems.append(
                RecordProblem(code: "undecodable-text", row: .random(in: 0...99, using: &random), field: "欄0", detail: "not CP932"))
        }
        bytes = try Self.written { [header, features, problems] writer in
            try writer.header(header)
            for problem in problems { try writer.problem(problem) }
            for feature in features { try Self.write(feature, &writer) }
            try writer.end()
        }
    }

    static func write(_ feature: PlainFeature, _ writer: inout RecordWriter) throws {
        writer.beginFeature(row: feature.row)
        if let wkb = feature.wkb { wkb.withUnsafeBytes { writer.geometry($0) } } else { writer.geometry(nil) }
        for value in feature.values {
            switch value {
            case .null: writer.null()
            case .integer(let number): writer.integer(number)
            case .real(let number): writer.real(number)
            case .boolean(let truth): writer.boolean(truth)
            case .date(let day): writer.date(day)
            case .time(let instant): writer.time(instant)
            case .text(let text): writer.text(text)
            case .json(let text): Array(text.utf8).withUnsafeBytes { writer.json($0) }
            }
        }
        try writer.endFeature()
    }

    /// The bytes that `body` writes, through a file without a name.
    static func written(_ body: (inout RecordWriter) throws -> Void) throws -> [UInt8] {
        let file = tmpfile()!
        defer { fclose(file) }
        var writer = RecordWriter(descriptor: fileno(file))
        try body(&writer)
        return try contents(fileno(file))
    }

    private static func contents(_ descriptor: Int32) throws -> [UInt8] {
        lseek(descriptor, 0, SEEK_SET)
        return Array(try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd() ?? Data())
    }

    private static func bytes(_ sizes: ClosedRange<Int>, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: sizes, using: &random)).map { _ in .random(in: 0...255, using: &random) }
    }

    private static func value(_ type: AttributeType, _ random: inout SeededGenerator) -> AttributeValue {
        switch type {
        case .integer: .integer(.random(in: .min ... .max, using: &random))
        case .real: .real(.random(in: -1e300...1e300, using: &random))
        case .boolean: .boolean(.random(using: &random))
        case .date: .date(Day(daysSince1970: .random(in: RecordFormat.days, using: &random)))
        case .time:
            .time(
                Instant(
                    microseconds: .random(in: RecordFormat.microseconds, using: &random),
                    zoneMinutes: Bool.random(using: &random) ? .random(in: RecordFormat.zones, using: &random) : nil))
        case .text: .text(text(&random))
        case .json: .json("{\"名\": [\(Int.random(in: 0...9, using: &random)), null, \"\\u3042\"]}")
        }
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        let letters: [Character] = ["a", "Z", " ", "é", "①", "～", "−", "∥", "重", "ね", "😀", "が", "𠮷"]
        return String((0..<Int.random(in: 0...20, using: &random)).map { _ in letters.randomElement(using: &random)! })
    }
}

/// Everything a stream says, read to its end.
struct ReadStream {
    var header: RecordHeader?
    var features: [PlainFeature] = []
    var problems: [RecordProblem] = []
    var failure: RecordFailure?
    var ended = false

    init(_ bytes: [UInt8]) throws {
        let file = tmpfile()!
        defer { fclose(file) }
        _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        fflush(file)
        lseek(fileno(file), 0, SEEK_SET)
        try self.init(descriptor: fileno(file))
    }

    init(descriptor: Int32) throws {
        let reader = RecordReader(descriptor: descriptor)
        while let event = try reader.next() {
            switch event {
            case .header(let header): self.header = header
            case .problem(let problem): problems.append(problem)
            case .failure(let failure): self.failure = failure
            case .end: ended = true
            case .batch(let batch):
                batch.forEachFeature { row, wkb, fields in
                    var values: [AttributeValue] = []
                    while let value = fields.next() { values.append(Self.plain(value)) }
                    features.append(PlainFeature(row: row, wkb: wkb.map { Array($0) }, values: values))
                }
            }
        }
    }

    private static func plain(_ value: FieldValue) -> AttributeValue {
        switch value {
        case .null: .null
        case .integer(let number): .integer(number)
        case .real(let number): .real(number)
        case .boolean(let truth): .boolean(truth)
        case .date(let day): .date(day)
        case .time(let instant): .time(instant)
        case .text(let bytes): .text(String(validating: bytes, as: UTF8.self)!)
        case .json(let bytes): .json(String(validating: bytes, as: UTF8.self)!)
        }
    }
}
