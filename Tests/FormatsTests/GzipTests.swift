import Formats
import Testing

@Suite struct GzipTests {
    @Test func `gzip comes round and is smaller`() throws {
        let bytes = Array(String(repeating: "統合型GIS ", count: 1000).utf8)
        let small = Gzip.compress(bytes, level: 1)
        #expect(small.count < bytes.count / 10)
        #expect(small.prefix(2) == [0x1F, 0x8B])
    }

    /// That it comes round is shown with another decoder, in `Tests/external`.
    @Test func `brotli is smaller still, whatever the size`() throws {
        let bytes = Array(String(repeating: "統合型GIS ", count: 1000).utf8)
        let small = Brotli.compress(bytes, quality: 5)
        #expect(small.count < Gzip.compress(bytes, level: 6).count)
        for size in [0, 1, 2, 1 << 16, 1 << 20] {
            var state: UInt32 = 1
            let noise = (0..<size).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return UInt8(state >> 24)
            }
            for quality: Int32 in [2, 5] { #expect(!Brotli.compress(noise, quality: quality).isEmpty) }
        }
    }
}
