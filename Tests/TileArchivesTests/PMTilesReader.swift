import CDeflate
import Foundation
import Testing

/// Reads an archive the slow, obvious way: by the text of the specification.
struct PMTilesReader {
    let bytes: [UInt8]

    init(_ url: URL) throws {
        bytes = try Array(Data(contentsOf: url))
        #expect(bytes.prefix(8).elementsEqual(Array("PMTiles".utf8) + [3]))
    }

    func number(_ offset: Int, _ size: Int = 8) -> Int {
        bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    func degrees(_ offset: Int) -> Double { Double(Int32(truncatingIfNeeded: number(offset, 4))) / 1e7 }

    var metadata: [String: Any] {
        get throws {
            let text = try gunzip(Array(bytes[number(24)..<number(24) + number(32)]))
            return try #require(JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
        }
    }

    /// Every tile by its number.
    func tiles() throws -> [UInt64: [UInt8]] {
        var result: [UInt64: [UInt8]] = [:]
        #expect(number(8) + number(16) <= 16_384)
        try read(number(8), number(16), into: &result)
        return result
    }

    private func read(_ offset: Int, _ length: Int, into result: inout [UInt64: [UInt8]]) throws {
        let directory = try gunzip(Array(bytes[offset..<offset + length]))
        var place = 0
        func varint() -> UInt64 {
            var (value, shift) = (UInt64(0), UInt64(0))
            while true {
                let byte = directory[place]
                place += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
        }
        let count = Int(varint())
        var numbers: [UInt64] = []
        for _ in 0..<count { numbers.append((numbers.last ?? 0) + varint()) }
        let runs = (0..<count).map { _ in varint() }
        let lengths = (0..<count).map { _ in varint() }
        var offsets: [UInt64] = []
        for entry in 0..<count {
            let value = varint()
            offsets.append(value == 0 && entry > 0 ? offsets[entry - 1] + lengths[entry - 1] : value - 1)
        }
        #expect(place == directory.count)
        for entry in 0..<count {
            if runs[entry] == 0 {
                try read(number(40) + Int(offsets[entry]), Int(lengths[entry]), into: &result)
            } else {
                let start = number(56) + Int(offsets[entry])
                let content = Array(bytes[start..<start + Int(lengths[entry])])
                for step in 0..<runs[entry] { result[numbers[entry] + step] = content }
            }
        }
    }

    private func gunzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let decompressor = libdeflate_alloc_decompressor()
        defer { libdeflate_free_decompressor(decompressor) }
        var result = [UInt8](repeating: 0, count: 1 << 24)
        var size = 0
        try #require(libdeflate_gzip_decompress(decompressor, bytes, bytes.count, &result, result.count, &size) == LIBDEFLATE_SUCCESS)
        return Array(result.prefix(size))
    }
}
