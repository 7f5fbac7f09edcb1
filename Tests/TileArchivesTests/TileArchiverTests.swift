import Access
import AtlasKit
import Descriptions
import Formats
import Foundation
import Geo
import LayerAtlas
import Query
import TestKit
import Testing
import Tiles

@testable import TileArchives

@Suite struct TileArchiverTests {
    private struct Failure: Error {}

    private func content(_ zooms: ClosedRange<Int>) -> ArchiveContent {
        ArchiveContent(
            name: "a", description: "", attribution: "", versions: "a 1", zooms: zooms,
            bounds: Envelope(minX: -180, minY: -85, maxX: 180, maxY: 85),
            vectorLayers: "[]", leftOut: "{}", origin: "a")
    }

    private func layers(_ office: Office, seed: UInt64) throws -> [VisibleLayer] {
        var random = SeededGenerator(seed: seed)
        for id in ["one", "two"] {
            let rows = (0..<60).map { _ in
                let (x, y) = (Double.random(in: -179..<178, using: &random), Double.random(in: -84..<83, using: &random))
                return Office.Row(Geometry.box(x, y, x + .random(in: 0.1..<9, using: &random), y + .random(in: 0.1..<2, using: &random)))
            }
            try office.load(LayerDescription(id: id, title: LocalizedText(ja: id), access: .public), rows: rows)
        }
        let atlas = office.atlas
        return try ["one", "two"].map { try atlas.layer($0, for: .publicViewer) }
    }

    @Test(arguments: 0..<4)
    func `an archive has the tiles that asking for every tile gives`(seed: UInt64) throws {
        let office = try Office()
        let layers = try layers(office, seed: seed)
        let engine = QueryEngine()
        let url = office.folder.url.appending(path: "a.pmtiles")
        var steps = 0
        try TileArchiver(engine: engine, layers: layers, zooms: 1...5, threads: 3).write(
            to: PMTilesArchive(url, content(1...5)), deadline: Deadline(seconds: nil)
        ) { progress in
            steps += 1
            #expect(progress.done == steps && progress.done <= progress.total)
        }
        let found = try PMTilesReader(url).tiles()
        var wanted: Set<UInt64> = []
        for zoom in 1...5 {
            for row in 0..<(1 << zoom) {
                for column in 0..<(1 << zoom) {
                    let tile = try #require(TileCoordinate(zoom: zoom, column: column, row: row))
                    // As over HTTP, where the layers share the limit.
                    let bytes = try engine.drawnTile(layers, MapTile(tile), deadline: Deadline(seconds: nil)).bytes
                    guard !bytes.isEmpty else { continue }
                    wanted.insert(TileNumber.of(tile))
                    #expect(found[TileNumber.of(tile)] == Gzip.compress(bytes, level: 6), "\(tile)")
                }
            }
        }
        #expect(Set(found.keys) == wanted)
    }

    @Test(arguments: 0..<3, TileMatrixSet.allCases)
    func `of either set every tile that has something is come to once, in order of zooms`(seed: UInt64, set: TileMatrixSet) throws {
        let office = try Office()
        let layers = try layers(office, seed: seed)
        let engine = QueryEngine()
        var found: [MapTile] = []
        try TileArchiver(engine: engine, layers: layers, zooms: 1...4, threads: 3).forEach(in: set) {
            $0
        } take: { tile, step in
            found.append(tile)
            #expect(step.done == found.count && step.zoom == tile.zoom && step.done <= step.total)
        }
        #expect(Set(found).count == found.count && found.allSatisfy { $0.matrixSet == set })
        #expect(found.map(\.zoom) == found.map(\.zoom).sorted())
        for zoom in 1...4 {
            for row in 0..<(1 << zoom) {
                for column in 0..<((set == .webMercatorQuad ? 1 : 2) << zoom) {
                    let tile = try #require(MapTile(set, zoom: zoom, column: column, row: row))
                    let isEmpty = try engine.drawnTile(layers, tile, deadline: Deadline(seconds: nil)).bytes.isEmpty
                    #expect(isEmpty || found.contains(tile), "\(tile)")
                }
            }
        }
        #expect(found.count < (set == .webMercatorQuad ? 340 : 680), "some are known to be empty")
    }

    private final class CountingArchive: TileArchive {
        var lastNumber: UInt64? { nil }
        var count = 0
        var flushes = 0
        func add(_ tile: TileCoordinate, _ bytes: [UInt8]) { count += 1 }
        func flush() { flushes += 1 }
        func finish() {}
    }

    @Test func `where tiles take long to make, no more than some seconds of work are lost`() throws {
        let office = try Office()
        let layers = try layers(office, seed: 9)
        for (step, flushes) in [(Duration.zero, 0...0), (.seconds(2), 20...200)] {
            var time = ContinuousClock.now
            let archive = CountingArchive()
            // Each look at the clock is `step` later than the one before.
            let archiver = TileArchiver(engine: QueryEngine(), layers: layers, zooms: 0...4) {
                time += step
                return time
            }
            try archiver.write(to: archive, deadline: Deadline(seconds: nil)) { _ in }
            #expect(archive.count > 100 && flushes.contains(archive.flushes), "\(archive.flushes) of \(archive.count)")
        }
    }

    @Test func `work that was stopped is gone on with`() throws {
        let office = try Office()
        let layers = try layers(office, seed: 9)
        let archiver = TileArchiver(engine: QueryEngine(), layers: layers, zooms: 0...5)
        let (whole, cut) = (office.folder.url.appending(path: "whole.pmtiles"), office.folder.url.appending(path: "cut.pmtiles"))
        try archiver.write(to: PMTilesArchive(whole, content(0...5)), deadline: Deadline(seconds: nil)) { _ in }
        do {
            let archive = try PMTilesArchive(cut, content(0...5))
            #expect(throws: Failure.self) {
                try archiver.write(to: archive, deadline: Deadline(seconds: nil)) { progress in
                    if progress.done == 70 { throw Failure() }
                }
            }
            try archive.flush()
        }
        try archiver.write(to: PMTilesArchive(cut, content(0...5)), deadline: Deadline(seconds: nil)) { progress in
            #expect(progress.done > 70)
        }
        #expect(try PMTilesReader(cut).tiles() == PMTilesReader(whole).tiles())
    }
}
