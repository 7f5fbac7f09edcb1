import Foundation
import Geo
import TestKit
import Testing

@testable import RecordStream

struct RecordStreamTests {
    @Test(arguments: 0..<40)
    func `what was written is read`(seed: UInt64) throws {
        let sample = try SampleStream(seed: seed, features: seed % 5 == 0 ? 0 : Int(seed) * 20)
        let read = try ReadStream(sample.bytes)
        #expect(read.header == sample.header)
        #expect(read.problems == sample.problems)
        #expect(read.features == sample.features)
        #expect(read.ended)
    }

    @Test(arguments: 0..<4)
    func `features larger than a batch keep their order`(seed: UInt64) throws {
        let sample = try SampleStream(seed: seed, features: 12, largestGeometry: 1_500_000)
        let read = try ReadStream(sample.bytes)
        #expect(read.features == sample.features)
    }

    @Test func `a feature that fits no frame is refused and the stream goes on`() throws {
        let bytes = try SampleStream.written { writer in
            try writer.header(RecordHeader(driver: "CSV", layers: ["a"], layer: "a", fields: []))
            for size in [10, 40 << 20, 40 << 20, 65 << 20, 20] {
                writer.beginFeature(row: UInt64(size))
                writer.geometry(byteCount: size) { $0.initializeMemory(as: UInt8.self, repeating: 7) }
                do throws(RecordStreamError) {
                    try writer.endFeature()
                } catch {
                    #expect(error == .featureTooLarge(bytes: (65 << 20) + 12))
                }
            }
            try writer.end()
        }
        let read = try ReadStream(bytes)
        #expect(read.features.map(\.row) == [10, 40 << 20, 40 << 20, 20])
        #expect(read.features.map { $0.wkb?.count } == [10, 40 << 20, 40 << 20, 20])
    }

    @Test func `a failure ends the stream and drops what was not sent`() throws {
        let bytes = try SampleStream.written { writer in
            try writer.header(RecordHeader(driver: "CSV", layers: ["a"], layer: "a", fields: []))
            writer.beginFeature(row: 1)
            writer.geometry(nil)
            try writer.endFeature()
            try writer.failure(RecordFailure(code: "damaged", message: "…"))
        }
        let read = try ReadStream(bytes)
        #expect(read.failure?.code == "damaged")
        #expect(read.features.isEmpty && !read.ended)
    }

    @Test func `a failure may come without a header`() throws {
        let failure = RecordFailure(code: "several-layers", message: "choose", names: ["道路", "橋"])
        let bytes = try SampleStream.written { writer in try writer.failure(failure) }
        #expect(try ReadStream(bytes).failure == failure)
    }

    @Test func `a batch can be kept while the next ones are read`() throws {
        let sample = try SampleStream(seed: 7, features: 8000)
        let file = tmpfile()!
        defer { fclose(file) }
        _ = sample.bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        fflush(file)
        lseek(fileno(file), 0, SEEK_SET)
        let reader = RecordReader(descriptor: fileno(file))
        var kept: [RecordBatch] = []
        while let event = try reader.next() {
            if case .batch(let batch) = event { kept.append(batch) }
        }
        #expect(kept.count > 1)
        var rows: [UInt64] = []
        for batch in kept { batch.forEachFeature { row, _, _ in rows.append(row) } }
        #expect(rows == sample.features.map(\.row))
    }

    @Test func `a silent pipe is given up`() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let reader = RecordReader(descriptor: ends[0], patience: 30)
        #expect(throws: RecordStreamError.silent(milliseconds: 30)) { try reader.next() }
    }

    @Test(arguments: [3, 11])
    func `every cut is noticed`(seed: UInt64) throws {
        let sample = try SampleStream(seed: seed, features: 25)
        for length in 0..<sample.bytes.count {
            #expect(throws: RecordStreamError.cutOff) { try ReadStream(Array(sample.bytes[..<length])) }
        }
    }

    @Test(arguments: 0..<60)
    func `flipped bytes give an error or checked data`(seed: UInt64) throws {
        let sample = try SampleStream(seed: seed, features: 40)
        var random = SeededGenerator(seed: seed &+ 1000)
        for _ in 0..<200 {
            var bytes = sample.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            // Reading to the end makes strings of all text, which traps where it is not UTF-8.
            _ = try? ReadStream(bytes)
        }
    }

    @Test(arguments: 0..<20)
    func `noise inside a batch gives an error or checked data`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let head = try SampleStream(seed: seed, features: 0).bytes.dropLast(13)
        for _ in 0..<200 {
            var payload = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...9, using: &random) }
            if payload.count >= 4 { payload.replaceSubrange(0..<4, with: [UInt8.random(in: 0...3, using: &random), 0, 0, 0]) }
            _ = try? ReadStream(head + [UInt8(payload.count), 0, 0, 0, 0x42] + payload)
        }
    }

    @Test func `lies are refused`() throws {
        let sample = try SampleStream(seed: 5, features: 3)
        let end = Array(sample.bytes.suffix(13))
        let body = Array(sample.bytes.dropLast(13))
        let largest = [UInt8](repeating: 255, count: 4)
        #expect(throws: RecordStreamError.notAStream) { try ReadStream(Array("KSNREC02".utf8) + sample.bytes.dropFirst(8)) }
        #expect(throws: RecordStreamError.wrongCount(said: 0, came: 3)) {
            try ReadStream(body + end.prefix(5) + [UInt8](repeating: 0, count: 8))
        }
        #expect(throws: RecordStreamError.frameTooLarge(bytes: 0xFFFF_FFFF)) { try ReadStream(body + largest + [0x42]) }
        #expect(throws: RecordStreamError.frameTooLarge(bytes: 0xFFFF_FFFF)) { try ReadStream(body + largest + [0x50]) }
        #expect(throws: RecordStreamError.unknownFrame(0x51)) { try ReadStream(body + [0, 0, 0, 0, 0x51]) }
        #expect(throws: RecordStreamError.unexpectedFrame(0x45)) { try ReadStream(RecordFormat.magic + end) }
        #expect(throws: RecordStreamError.unexpectedFrame(0x48)) { try ReadStream(body + [2, 0, 0, 0, 0x48, 0x7B, 0x7D]) }
        #expect(throws: RecordStreamError.badDocument("two fields of one name")) {
            let twice = [RecordField(name: "名", type: .text), RecordField(name: "名", type: .real)]
            _ = try ReadStream(
                SampleStream.written { try $0.header(RecordHeader(driver: "CSV", layers: ["a"], layer: "a", fields: twice)) })
        }
    }

    @Test func `a claimed number of features allocates nothing that the bytes cannot hold`() throws {
        let head = try SampleStream(seed: 0, features: 0).bytes.dropLast(13)
        #expect(throws: RecordStreamError.badFeature(index: 0, "a number of features that the bytes cannot hold")) {
            try ReadStream(head + [4, 0, 0, 0, 0x42, 255, 255, 255, 255])
        }
    }
}

struct TextCheckTests {
    @Test(arguments: 0..<30)
    func `UTF-8 is what the standard library takes for UTF-8`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let interesting: [UInt8] = [
            0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE3, 0xED, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in interesting.randomElement(using: &random)! }
            #expect(bytes.withUnsafeBytes { UTF8Check.isValid($0) } == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func `every UTF-8 sequence of three bytes or fewer is judged as the standard library does`() {
        for first in UInt8(0x7F)...0xFF {
            for second in stride(from: UInt8(0x70), through: 0xF8, by: 8) {
                for third in [UInt8(0x7F), 0x80, 0xBF, 0xC0] {
                    for bytes in [[first], [first, second], [first, second, third], [first, second, third, 0x80]] {
                        #expect(bytes.withUnsafeBytes { UTF8Check.isValid($0) } == (String(validating: bytes, as: UTF8.self) != nil))
                    }
                }
            }
        }
    }

    @Test(arguments: [
        "0", "-0", "1.5e-7", "\"\"", "\"a\\u00e9\\n\"", "[]", "{}", " [1, 2 ,{\"a\":null}] ", "true", "[[],[[]]]", "{\"a\":{\"b\":[]}}",
        "\"重\"",
    ])
    func `JSON passes`(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { JSONCheck.isValid($0) })
    }

    @Test(arguments: [
        "", " ", "01", "1.", ".5", "-", "+1", "1e", "[", "]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "[1}", "{]",
        "1 2", "nul",
        "NaN", "\"a", "\"\\x\"", "\"\\u12\"", "\"\n\"", "'a'", "[1]]", "{\"a\":1]", "[\"a\":1]",
    ])
    func `what is not JSON does not pass`(text: String) {
        #expect(!Array(text.utf8).withUnsafeBytes { JSONCheck.isValid($0) })
    }

    @Test func `nesting is bounded`() {
        for depth in [1, 63, 64, 65, 100_000] {
            let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            #expect(Array(text.utf8).withUnsafeBytes { JSONCheck.isValid($0) } == (depth <= 64))
        }
    }

    @Test(arguments: 0..<20)
    func `JSON is what Foundation takes for JSON`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = ["{", "}", "[", "]", ",", ":", "\"a\"", "1", "-2.5", "null", "true", " ", "\"\\n\""]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 1...7, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
            // Foundation takes a comma before a closing bracket, which RFC 8259 does not.
            let packed = text.filter { $0 != " " }
            if packed.contains(",]") || packed.contains(",}") { continue }
            let witness = (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil
            #expect(Array(text.utf8).withUnsafeBytes { JSONCheck.isValid($0) } == witness, "\(text)")
        }
    }
}
