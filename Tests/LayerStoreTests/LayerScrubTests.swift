import Foundation
import Geo
import TestKit
import Testing

@testable import LayerStore

struct LayerScrubTests {
    private let folder: TemporaryFolder
    private let url: URL
    private let file: LayerFile

    init() throws {
        var generator = SeededGenerator(seed: 7)
        folder = try TemporaryFolder()
        url = folder.path("a.layer")
        file = try build(randomModels(3000, using: &generator), as: url).file
    }

    private func scrub() throws -> (byteCount: Int, damage: [LayerFileError]) {
        var scrub = try LayerScrub(file)
        while scrub.step() {}
        return (scrub.byteCount, scrub.damage)
    }

    /// In the file itself, as a disk would: whoever has it mapped sees it too.
    private func flip(_ offset: Int) throws {
        let handle = try FileHandle(forUpdating: url)
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(offset))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: [byte ^ 0x20])
    }

    private func offset(of section: Section) -> Int { section.base - file.file.bytes.baseAddress! }

    @Test func `a whole file has no damage, and stays readable`() throws {
        let (byteCount, damage) = try scrub()
        #expect(damage.isEmpty)
        // All but what lies between sections.
        #expect(byteCount <= file.byteCount && byteCount > file.byteCount - 64 * (file.sections.count + 4))
        for row in stride(from: 0, to: file.rowCount, by: 100) { _ = try file.model(row) }
    }

    @Test func `every section's damage is found, and refused although it was good when it was first read`() throws {
        try file.verify()
        for section in file.sections.values where section.length > 0 {
            let place = offset(of: section) + section.length / 2
            let block = section.length / 2 / LayerFileFormat.blockSize
            try section.touch(0, section.length)
            try flip(place)
            // It was checked: nobody looks again.
            try section.touch(0, section.length)
            #expect(try scrub().damage == [.damaged(section: section.name, block: block)])
            #expect(throws: LayerFileError.damaged(section: section.name, block: block)) { try section.touch(0, section.length) }
            try flip(place)
        }
    }

    @Test func `header, directory and checksums are read again too`() throws {
        for table in file.tables {
            let middle = (table.bytes.lowerBound + table.bytes.upperBound) / 2
            try flip(middle)
            #expect(try scrub().damage.contains(.damaged(section: table.name, block: 0)))
            try flip(middle)
        }
        #expect(Set(file.tables.map(\.name)) == ["header", "checksums", "directory"])
    }

    @Test func `what the disk has lost is refused, not looked at`() throws {
        let handle = try FileHandle(forUpdating: url)
        let half = file.byteCount / 2
        try handle.truncate(atOffset: UInt64(half))
        try handle.close()
        let damage = try scrub().damage
        #expect(!damage.isEmpty)
        // A look at a page beyond the end would end the process.
        for section in file.sections.values where offset(of: section) > half {
            #expect(throws: LayerFileError.self) { try section.touch(0, section.length) }
        }
        #expect(damage.count <= LayerScrub.damageLimit + file.tables.count)
    }

    @Test func `another file of the same name is not taken for it`() throws {
        let copy = folder.path("b.layer")
        try FileManager.default.copyItem(at: url, to: copy)
        try FileManager.default.removeItem(at: url)
        #expect(throws: LayerFileError.self) { try scrub() }
        try FileManager.default.moveItem(at: copy, to: url)
        #expect(throws: LayerFileError.self) { try scrub() }
    }
}
