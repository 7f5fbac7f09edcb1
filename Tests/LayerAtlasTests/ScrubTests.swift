import Access
import AtlasKit
import Descriptions
import Foundation
import Geo
import LayerCatalog
import Testing

@_spi(Rows) @testable import LayerAtlas

struct ScrubTests {
    private let office: Office
    private let version: String
    private let url: URL
    private let whole: Data

    init() throws {
        office = try Office()
        for id in ["a", "b"] {
            try office.load(
                LayerDescription(id: id, title: LocalizedText(ja: id), access: .public),
                attributes: [Attribute(name: "use", type: .text), Attribute(name: "name", type: .text)],
                rows: (0..<9000).map { Office.Row(.point(139 + Double($0) * 0.0001, 37), [.text("用途\($0 % 3)"), .text("建物\($0)号")]) })
        }
        version = try #require(try office.catalogue.layer("a")?.current)
        url = office.catalogue.file(of: "a", version: version)
        whole = try Data(contentsOf: url)
    }

    private func scrub() throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        try office.atlas.scrub { _ in
        } report: {
            found[$0.layer] = $0.damage
        }
        return found
    }

    /// In the file itself, as a disk would.
    private func write(_ bytes: Data, at offset: Int = 0) throws {
        let handle = try FileHandle(forWritingTo: url)
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: bytes)
    }

    private func flip(_ range: Range<Int>) throws {
        try write(Data(whole[range].map { $0 ^ 0x11 }), at: range.lowerBound)
    }

    private var isReadable: Bool {
        do {
            let layer = try office.atlas.layer("a", for: .publicViewer)
            try layer.file.verify()
            return true
        } catch {
            return false
        }
    }

    @Test func `whole files are read to their ends, those that nobody has asked for too`() throws {
        #expect(isReadable)
        var bytes = 0
        try office.atlas.scrub {
            bytes += $0
        } report: {
            #expect($0.damage.isEmpty && $0.byteCount > whole.count / 10 * 9)
        }
        #expect(bytes > whole.count / 10 * 18)
        #expect(isReadable)
    }

    @Test(arguments: 0..<8) func `wherever a file is damaged it is found, and nobody reads what is damaged any more`(part: Int) throws {
        #expect(isReadable)
        let place = whole.count / 8 * part + 100
        try flip(place..<place + 200)
        let found = try scrub()
        #expect(found["a"]?.isEmpty == false && found["b"] == [])
        #expect(!isReadable && (try? office.atlas.layer("b", for: .publicViewer)) != nil)
        // It is so the next time too.
        #expect(try scrub()["a"]?.isEmpty == false)
        #expect(!isReadable)
    }

    @Test(arguments: [0, 5, 100]) func `a file that is put back is read`(percent: Int) throws {
        #expect(isReadable)
        let place = (whole.count - 300) / 100 * percent
        try flip(place..<place + 300)
        #expect(try scrub()["a"]?.isEmpty == false)
        let copy = office.folder.path("copy.layer")
        try whole.write(to: copy)
        #expect(rename(copy.path, url.path) == 0)
        #expect(try scrub()["a"] == [])
        #expect(isReadable)
    }

    /// Of the header, without which nothing can be opened, and of blocks that are refused one by one.
    @Test(arguments: [0, 30, 60, 90]) func `a disk that comes to itself is believed`(percent: Int) throws {
        #expect(isReadable)
        let place = whole.count / 100 * percent
        try flip(place..<place + 200)
        #expect(try scrub()["a"]?.isEmpty == false)
        #expect(!isReadable)
        try write(whole)
        #expect(try scrub()["a"] == [])
        #expect(isReadable)
    }

    @Test func `what is withdrawn while it is read is nobody's trouble`() throws {
        #expect(isReadable)
        try flip(whole.count / 2..<whole.count / 2 + 200)
        var reported: [String] = []
        var isFirst = true
        try office.atlas.scrub { _ in
            guard isFirst else { return }
            isFirst = false
            try office.catalogue.retire("a", by: "test")
            try office.atlas.refresh()
        } report: {
            reported.append($0.layer)
        }
        #expect(reported == ["b"])
    }
}
