import Foundation
import GRDB
import Geo
import TestKit
import Testing

@testable import TileArchives

@Suite struct ArchiveTests {
    private let folder: TemporaryFolder
    private let content = ArchiveContent(
        name: "見本 \"市\"", description: "", attribution: "© 見本市", versions: "a v1", zooms: 0...13,
        bounds: Envelope(minX: 139.5, minY: 35.5, maxX: 140, maxY: 36), vectorLayers: "[{\"id\":\"a\"}]", leftOut: "{\"a\":{\"3\":7}}",
        origin: "a v1")

    init() throws { folder = try TemporaryFolder() }

    /// Tiles in order with gaps, and many of the same content.
    private func tiles(_ count: Int, seed: UInt64) -> [(UInt64, [UInt8])] {
        var random = SeededGenerator(seed: seed)
        var number: UInt64 = 0
        return (0..<count).map { _ in
            number += Int.random(in: 0..<3, using: &random) == 0 ? UInt64.random(in: 2..<50, using: &random) : 1
            let kind = Int.random(in: 0..<3, using: &random)
            let bytes: [UInt8] =
                kind == 0
                ? [UInt8](repeating: 7, count: 20)
                : (0..<Int.random(in: 1..<90, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            return (number, bytes)
        }
    }

    private func add(_ tiles: some Sequence<(UInt64, [UInt8])>, to archive: some TileArchive) throws {
        for (number, bytes) in tiles { try archive.add(try #require(TileNumber.tile(number)), bytes) }
    }

    @Test(arguments: [(1, 1), (100, 2), (20_000, 3)])
    func `what is put into PMTiles is in it`(count: Int, seed: UInt64) throws {
        let url = folder.url.appending(path: "a.pmtiles")
        let tiles = tiles(count, seed: seed)
        let archive = try PMTilesArchive(url, content)
        try add(tiles, to: archive)
        try archive.finish()
        let reader = try PMTilesReader(url)
        #expect(try reader.tiles() == Dictionary(uniqueKeysWithValues: tiles))
        #expect(reader.number(72) == count)
        #expect(reader.number(88) == Set(tiles.map(\.1)).count)
        #expect(reader.degrees(102) == 139.5 && reader.degrees(114) == 36)
        #expect(try reader.metadata["name"] as? String == content.name)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["a.pmtiles"])
    }

    @Test(arguments: 0..<10)
    func `an interrupted PMTiles run is gone on with and ends in the same tiles`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let url = folder.url.appending(path: "a.pmtiles")
        let tiles = tiles(3000, seed: seed)
        let saved = Int.random(in: 0..<3000, using: &random)
        let lost = Int.random(in: 0..<(3000 - saved), using: &random)
        do {
            let archive = try PMTilesArchive(url, content)
            try add(tiles[..<saved], to: archive)
            try archive.flush()
            try add(tiles[saved..<saved + lost], to: archive)
        }
        // What the plug left of a journal entry that was being written.
        let journal = try FileHandle(forWritingTo: url.appendingPathExtension("part-journal"))
        try journal.seekToEnd()
        try journal.write(contentsOf: [UInt8](repeating: 1, count: Int.random(in: 0..<24, using: &random)))
        try journal.close()
        let archive = try PMTilesArchive(url, content)
        #expect(archive.lastNumber == (saved == 0 ? nil : tiles[saved - 1].0))
        #expect(archive.count == saved)
        try add(tiles[saved...], to: archive)
        try archive.finish()
        #expect(try PMTilesReader(url).tiles() == Dictionary(uniqueKeysWithValues: tiles))
    }

    @Test func `what was begun from another version is begun anew`() throws {
        for name in ["a.pmtiles", "a.mbtiles"] {
            let url = folder.url.appending(path: name)
            func open(_ content: ArchiveContent) throws -> any TileArchive {
                name == "a.pmtiles" ? try PMTilesArchive(url, content) : try MBTilesArchive(url, content)
            }
            do {
                let archive = try open(content)
                try add(tiles(50, seed: 1), to: archive)
                try archive.flush()
            }
            var other = content
            other.origin = "a v2"
            #expect(try open(content).lastNumber != nil)
            #expect(try open(other).lastNumber == nil)
        }
    }

    @Test(arguments: 0..<4)
    func `MBTiles counts rows from the south, also after an interruption`(seed: UInt64) throws {
        let url = folder.url.appending(path: "a.mbtiles")
        let tiles = tiles(1000, seed: seed)
        do {
            let archive = try MBTilesArchive(url, content)
            try add(tiles[..<600], to: archive)
            try archive.flush()
            try add(tiles[600..<700], to: archive)
        }
        let archive = try MBTilesArchive(url, content)
        #expect(archive.count == 600)
        try add(tiles[600...], to: archive)
        try archive.finish()
        let rows = try DatabaseQueue(path: url.path).read { try Row.fetchAll($0, sql: "SELECT * FROM tiles") }
        #expect(rows.count == tiles.count)
        for row in rows {
            let zoom: Int = row["zoom_level"]
            let tile = try #require(TileCoordinate(zoom: zoom, column: row["tile_column"], row: (1 << zoom) - 1 - (row["tile_row"] as Int)))
            let wanted = tiles.first { $0.0 == TileNumber.of(tile) }
            #expect(wanted.map { Data($0.1) } == row["tile_data"] as Data)
        }
    }
}
