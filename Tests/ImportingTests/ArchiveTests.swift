import Foundation
import Geo
import RecordStream
import TestKit
import Testing

struct ArchiveTests {
    private let made = MadeShapefile(
        columns: [.init(name: Array("NAME".utf8), kind: "C", width: 12)], rows: [[ShapefileTests.difficult], [Array("a".utf8)]])

    private func run(_ archive: MadeArchive, _ more: String...) throws -> Imported {
        let folder = try TemporaryFolder()
        let file = try folder.file("upload.zip", archive.bytes)
        return more.count == 2 ? try ImporterProcess.run(file, more[0], more[1]) : try ImporterProcess.run(file)
    }

    @Test func `a shapefile in a folder with CP932 names is read`() throws {
        // 道路/重ね, as Japanese Windows writes it, with no flag.
        let name: [UInt8] = [0x93, 0xB9, 0x98, 0x48, 0x2F, 0x8F, 0x64, 0x82, 0xCB]
        let read = try run(MadeArchive(entries: MadeArchive.shapefile(made, name)))
        #expect(read.header?.layer == "重ね")
        #expect(read.column("NAME") == [.text(ShapefileTests.difficultText), .text("a")])
    }

    @Test func `several layers are named, and one can be chosen`() throws {
        let archive = MadeArchive(
            entries: MadeArchive.shapefile(made, Array("10_計画規模/A31a".utf8)) + MadeArchive.shapefile(made, Array("20_想定最大規模/A31a".utf8))
                + MadeArchive.shapefile(made, Array("道路".utf8)) + [MadeArchive.Entry("読んで.csv", Array("a,b\n1,2\n".utf8))])
        let refused = try run(archive)
        #expect(refused.failure?.code == "several-layers")
        #expect(refused.failure?.names == ["10_計画規模/a31a", "20_想定最大規模/a31a", "道路"])
        #expect(try run(archive, "--source-layer", "道路").count == 2)
        #expect(try run(archive, "--source-layer", "20_想定最大規模/a31a").count == 2)
        #expect(try run(archive, "--source-layer", "橋").failure?.code == "no-such-layer")
    }

    @Test func `deflated entries are unpacked and what macOS adds is passed over`() throws {
        let folder = try TemporaryFolder()
        _ = try made.write(folder, "data/made", cpg: "CP932")
        _ = try folder.file("__MACOSX/data/._made.shp", "x")
        guard try systemTool("zip", "-qr", "upload.zip", "data", "__MACOSX", in: folder.url) else { return }
        let read = try ImporterProcess.run(folder.url.appendingPathComponent("upload.zip"))
        #expect(read.count == 2)
        #expect(read.column("NAME").first == .text(ShapefileTests.difficultText))
    }

    @Test(arguments: [
        "../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:evil", "a//evil", "./evil", "a\u{1}evil", "",
    ])
    func `names that lead elsewhere are refused`(name: String) throws {
        var entries = MadeArchive.shapefile(made, Array(name.utf8))
        if name.isEmpty { entries[0].name = [] }
        #expect(try run(MadeArchive(entries: entries)).failure?.code == "bad-archive")
    }

    @Test func `a name that is neither UTF-8 nor CP932 or holds a zero byte is refused`() throws {
        for name: [UInt8] in [[0x81, 0x20, 0xFF], [0x61, 0x00, 0x62], [0xC0, 0xAE, 0xC0, 0xAE, 0x2F]] {
            let read = try run(MadeArchive(entries: MadeArchive.shapefile(made, name)))
            #expect(read.failure != nil && read.isOrderly)
        }
    }

    enum Lie: CaseIterable {
        case overlap, overlappingData, otherLocalName, otherLocalSize, wrongChecksum, encrypted, encryptedLocally, link, device, nameTwice
        case tooManyEntries, fewerEntriesThanSaid, moreEntriesThanSaid, nestedArchive, packedDamaged, packedEndsEarly, packedUnpacksToLess

        /// Told about the first of honest entries.
        func tell(_ archive: inout MadeArchive) {
            switch self {
            case .overlap:
                archive.entries[1].offset = 0
                archive.entries[1].localName = archive.entries[0].name
            case .overlappingData:
                archive.entries[0].declaredSize = 4000
                archive.entries[0].localSize = 4000
            case .otherLocalName: archive.entries[0].localName = Array("other.shp".utf8)
            case .otherLocalSize: archive.entries[0].localSize = 12
            case .wrongChecksum: archive.entries[0].checksum = 1
            case .encrypted: archive.entries[0].flags = 1
            case .encryptedLocally: archive.entries[0].localFlags = 1
            case .link: archive.entries[0].unixMode = 0o120777
            case .device: archive.entries[0].unixMode = 0o020777
            case .nameTwice: archive.entries.append(archive.entries[0])
            case .tooManyEntries: archive.entries += (0..<1001).map { MadeArchive.Entry("x\($0).txt") }
            case .fewerEntriesThanSaid: archive.declaredCount = 9
            case .moreEntriesThanSaid: archive.declaredCount = 2
            case .nestedArchive: archive.entries.append(MadeArchive.Entry("inner.zip", [0x50, 0x4B, 3, 4]))
            case .packedDamaged: archive.entries[0].packed = [0xFF, 0xFF, 0xFF]
            case .packedEndsEarly: archive.entries[0].packed = [0x03]
            case .packedUnpacksToLess: archive.entries[0].packed = [0x03, 0x00]
            }
        }
    }

    @Test(arguments: Lie.allCases)
    func `an archive that lies is refused whole`(lie: Lie) throws {
        var archive = MadeArchive(entries: MadeArchive.shapefile(made, Array("made".utf8)))
        lie.tell(&archive)
        let read = try run(archive)
        #expect(read.failure?.code == "bad-archive", "\(read.failure.map { "\($0)" } ?? "read")")
    }

    @Test func `a bomb is refused by what it promises and by what it does`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.file("zeros.csv", [UInt8](repeating: 0, count: 20 << 20))
        guard try systemTool("zip", "-q9", "bomb.zip", "zeros.csv", in: folder.url) else { return }
        let bomb = folder.url.appendingPathComponent("bomb.zip")
        #expect(try ImporterProcess.run(bomb).failure?.code == "bad-archive")

        // The same data, promised to be small.
        var bytes = Array(try Data(contentsOf: bomb))
        let size = withUnsafeBytes(of: UInt32(20 << 20).littleEndian) { Array($0) }
        for at in 0..<(bytes.count - 4) where Array(bytes[at..<(at + 4)]) == size {
            bytes.replaceSubrange(at..<(at + 4), with: [0, 4, 0, 0])
        }
        #expect(try ImporterProcess.run(try folder.file("liar.zip", bytes)).failure?.code == "bad-archive")
    }

    @Test(arguments: 0..<40)
    func `damaged archives are refused or read, never a crash`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        var bytes = MadeArchive(entries: MadeArchive.shapefile(made, Array("made".utf8))).bytes
        for _ in 0..<4 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random) }
        if seed % 4 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
        let read = try ImporterProcess.run(try folder.file("upload.zip", bytes))
        #expect(read.isOrderly, "\(read.status) \(read.errorText)")
    }
}
