import Formats
import Testing

@Suite struct GzipTests {
    @Test func `gzip comes round and is smaller`() throws {
        let bytes = Array(String(repeating: "統合型GIS ", count: 1000).utf8)
        let small = Gzip.compress(bytes, level: 1)
        #expect(small.count < bytes.count / 10)
        #expect(small.prefix(2) == [0x1F, 0x8B])
    }
}
