import Foundation
import TestKit
import Testing

@testable import Access

private let now = Date(timeIntervalSince1970: 1_711_843_200)

private func make(_ seed: UInt64) -> (key: String, record: KeyRecord) {
    var random = SeededGenerator(seed: seed)
    return APIKey.make(named: "道路課", departments: ["河川課"], at: now, using: &random)
}

@Test(arguments: 0..<20)
func `a key opens what it was made for, and no other key does`(seed: UInt64) throws {
    let (key, record) = make(seed)
    let parts = try #require(APIKey.parse(key))
    #expect(parts.id == record.id)
    let viewer = try #require(record.viewer(secret: parts.secret))
    #expect(viewer.name == "道路課")
    #expect(viewer.mayReadInternal && !viewer.isPublic && !viewer.mayReadEverything)
    #expect(viewer.departments == ["道路課", "河川課"])
    let other = try #require(APIKey.parse(make(seed + 1000).key))
    #expect(record.viewer(secret: other.secret) == nil)
    for bit in stride(from: 0, to: 256, by: 17) {
        var wrong = parts.secret
        wrong[bit / 8] ^= 1 << (bit % 8)
        #expect(record.viewer(secret: wrong) == nil)
    }
}

@Test func `a revoked key opens nothing`() throws {
    var (key, record) = make(1)
    record.revokedAt = now
    #expect(record.viewer(secret: try #require(APIKey.parse(key)).secret) == nil)
}

@Test func `what is kept does not hold the key`() throws {
    let (key, record) = make(2)
    let secret = try #require(APIKey.parse(key)).secret
    #expect(record.digest.count == 32 && record.digest != secret)
    #expect(!"\(record)".contains(key.suffix(64)))
}

@Test func `only one spelling of a key is taken`() {
    let key = make(3).key
    #expect(APIKey.parse(key) != nil)
    for wrong in [
        "", "ksn_", key.uppercased(), key + "0", String(key.dropLast()), " " + key.dropLast(), key.replacing("ksn_", with: "ksm_"),
        String(repeating: "0", count: 81), key.replacing("_", with: "-"), String(key.dropLast()) + "g", String(key.dropLast(2)) + "é",
    ] {
        #expect(APIKey.parse(wrong) == nil, "\(wrong)")
    }
}

@Test func `the public sees no department's layers`() {
    #expect(Viewer.publicViewer.isPublic)
    #expect(!Viewer.publicViewer.mayReadInternal)
    #expect(!Viewer.publicViewer.belongs(toOneOf: ["道路課"]))
    #expect(!Viewer.publicViewer.belongs(toOneOf: []))
    #expect(Viewer.commandLine.belongs(toOneOf: ["道路課"]))
}
