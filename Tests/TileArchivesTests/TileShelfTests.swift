import Foundation
import SpatialIndex
import Synchronization
import TestKit
import Testing

@testable import TileArchives

@Suite struct TileShelfTests {
    private final class Reports: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private func shelf(_ folder: TemporaryFolder, limit: Int = 1 << 24, program: String = "p1", _ reports: Reports = Reports()) -> TileShelf
    {
        TileShelf(folder.url.appending(path: "tiles"), limit: limit, program: program) { reports.add($0) }
    }

    private func key(_ number: Int) -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) } }

    private func tile(_ number: Int, size: Int? = nil, _ random: inout SeededGenerator) -> TileShelf.Tile {
        let size = size ?? Int.random(in: 0..<9000, using: &random)
        return TileShelf.Tile(bytes: (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }, leftOut: number % 3)
    }

    @Test func `what was kept is there in the next program of the same build, for its owner only`() throws {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: 1)
        let tiles = (0..<50).map { tile($0, &random) }
        let steps = (1...20).map { number in
            TileShelf.Step(
                layer: "a", version: "v\(100 + number)", base: "v\(99 + number)",
                boxes: (0..<number).map { IndexBox(minX: -Int32($0), minY: .min, maxX: .max, maxY: Int32(number)) })
        }
        do {
            let shelf = shelf(folder)
            for (number, tile) in tiles.enumerated() { shelf.keep(key(number), tile) }
            for step in steps { shelf.keep(step) }
            shelf.flush()
            // Another process sees it while this one goes on.
            #expect(self.shelf(folder).tile(key(7)) == tiles[7])
        }
        let again = shelf(folder)
        for (number, tile) in tiles.enumerated() { #expect(again.tile(key(number)) == tile) }
        #expect(again.tile(key(50)) == nil && !again.has(key(50)) && again.has(key(49)))
        #expect(again.steps() == Array(steps.suffix(16)))
        for name in ["tiles.sqlite", "tiles.sqlite-wal", "tiles.sqlite-shm"] {
            let path = folder.url.appending(path: "tiles").appending(path: name).path
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600, "\(name)")
        }
        #expect(shelf(folder, program: "p2").tile(key(7)) == nil)
        #expect(shelf(folder, program: "p2").steps().isEmpty)
    }

    @Test func `the file stays within its budget, and the latest are in it`() throws {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: 2)
        let limit = 2 << 20
        let reports = Reports()
        let shelf = shelf(folder, limit: limit, reports)
        let file = folder.url.appending(path: "tiles").appending(path: "tiles.sqlite").path
        for round in 0..<10 {
            let tiles = (0..<60).map { tile($0, size: 9000, &random) }
            for (number, tile) in tiles.enumerated() { shelf.keep(key(1000 * round + number), tile) }
            shelf.flush()
            #expect(shelf.byteCount <= limit)
            let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? NSNumber
            #expect((size?.intValue ?? .max) <= limit)
            #expect(shelf.tile(key(1000 * round + 59)) == tiles[59])
        }
        #expect(shelf.tile(key(0)) == nil)
        #expect(reports.all.isEmpty)
    }

    @Test(arguments: 0..<20)
    func `a damaged file gives the right tile or none, and is begun anew`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let tiles = (0..<40).map { tile($0, &random) }
        do {
            let shelf = shelf(folder)
            for (number, tile) in tiles.enumerated() { shelf.keep(key(number), tile) }
            shelf.flush()
        }
        let file = folder.url.appending(path: "tiles").appending(path: "tiles.sqlite")
        var bytes = try [UInt8](Data(contentsOf: file))
        switch seed % 4 {
        case 0: bytes = Array(bytes.prefix(Int.random(in: 1..<bytes.count, using: &random)))
        case 1: for place in 0..<min(100, bytes.count) { bytes[place] = .random(in: 0...255, using: &random) }
        case 2:
            let start = Int.random(in: 0..<bytes.count - 100, using: &random)
            for place in start..<start + 100 { bytes[place] = 0 }
        default:
            for _ in 0..<30 {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            }
        }
        for ending in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file.path + ending) }
        try Data(bytes).write(to: file)
        let reports = Reports()
        let again = shelf(folder, reports)
        var wrong = 0
        for (number, tile) in tiles.enumerated() {
            guard let found = again.tile(key(number)) else { continue }
            if found != tile { wrong += 1 }
        }
        #expect(wrong == 0)
        // Whatever became of it, it takes tiles afterwards; at the latest when what was damaged was found.
        for _ in 0..<3 where again.tile(key(99)) == nil {
            again.keep(key(99), tiles[0])
            again.flush()
        }
        #expect(again.tile(key(99)) == tiles[0], "\(reports.all)")
    }

    @Test func `where nothing can be written nothing is kept, and nobody is failed`() throws {
        let folder = try TemporaryFolder()
        try Data("a file".utf8).write(to: folder.url.appending(path: "tiles"))
        var random = SeededGenerator(seed: 3)
        let reports = Reports()
        let shelf = shelf(folder, reports)
        shelf.keep(key(1), tile(1, &random))
        shelf.flush()
        #expect(shelf.tile(key(1)) == nil && shelf.steps().isEmpty && shelf.byteCount == 0)
        #expect(!reports.all.isEmpty)
    }
}
