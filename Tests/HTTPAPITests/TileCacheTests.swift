import NIOCore
import Query
import Testing
import Tiles

@testable import HTTPAPI

@Suite struct TileCacheTests {
    private struct Failure: Error, Equatable {
        var number: Int
    }

    private func key(_ column: Int, version: String = "v1") -> TileCache.Key {
        TileCache.Key(
            layers: [.init(id: "a", version: version, columns: [0, 1], policy: TilePolicy())],
            tile: MapTile(.webMercatorQuad, zoom: 20, column: column, row: 0)!, coding: .gzip, thins: true)
    }

    private func sized(_ size: Int, _ byte: UInt8 = 0) -> TileCache.Entry {
        TileCache.Entry(body: ByteBuffer(repeating: byte, count: size), leftOut: 0)
    }

    /// Lets what waits go on when it is told to.
    private actor Gate {
        private var isOpen = false
        private var waiting: [CheckedContinuation<Void, Never>] = []

        func pass() async {
            if isOpen { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        func open() {
            isOpen = true
            for each in waiting { each.resume() }
            waiting = []
        }
    }

    private actor Count {
        private(set) var value = 0
        func add() -> Int {
            value += 1
            return value
        }
    }

    @Test func `two who miss the same tile make it once`() async throws {
        let cache = TileCache(limit: 1 << 20)
        let (gate, made) = (Gate(), Count())
        let bodies = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await cache.tile(key(1)) {
                        _ = await made.add()
                        await gate.pass()
                        return sized(100)
                    }.body.readableBytes
                }
            }
            while await made.value == 0 { await Task.yield() }
            await gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(bodies == Array(repeating: 100, count: 20))
        #expect(await made.value == 1)
    }

    @Test func `a making that fails fails only for its own client`() async throws {
        let cache = TileCache(limit: 1 << 20)
        let (gate, made) = (Gate(), Count())
        let outcomes = await withTaskGroup(of: Result<Int, any Error>.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do {
                        let entry = try await cache.tile(key(1)) {
                            let number = await made.add()
                            // The first client hangs up while the others wait, and so does the second.
                            if number == 1 { await gate.pass() }
                            if number <= 2 { throw QueryError.cancelled }
                            return sized(100)
                        }
                        return .success(entry.body.readableBytes)
                    } catch {
                        return .failure(error)
                    }
                }
            }
            while await made.value == 0 { await Task.yield() }
            await gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        let failures = outcomes.filter { if case .failure = $0 { true } else { false } }
        #expect(failures.count == 2)
        #expect(await made.value == 3)
        #expect(cache.kept(key(1))?.body.readableBytes == 100)
    }

    @Test func `nothing is kept of a making that fails, and everybody hears of his own failure`() async throws {
        let cache = TileCache(limit: 1 << 20)
        let made = Count()
        for number in 1...3 {
            await #expect(throws: Failure(number: number)) {
                _ = try await cache.tile(key(1)) { throw Failure(number: await made.add()) }
            }
        }
        #expect(cache.kept(key(1)) == nil && cache.bytes == 0)
    }

    @Test func `what is kept stays within its budget, and the least used goes first`() async throws {
        let limit = 1 << 20
        let cache = TileCache(limit: limit)
        for column in 0..<400 {
            _ = try await cache.tile(key(column)) { sized(8000) }
            #expect(cache.kept(key(0)) != nil)
            #expect(cache.bytes <= limit)
        }
        #expect(cache.kept(key(1)) == nil)
        #expect(cache.kept(key(399)) != nil)
        // One that would push out an eighth of all others is sent and not kept.
        _ = try await cache.tile(key(1000)) { sized(limit / 8) }
        #expect(cache.kept(key(1000)) == nil)
    }

    @Test func `keys differ by all that a tile is made from`() {
        let base = key(1)
        var others = [key(2), key(1, version: "v2")]
        func add(_ change: (inout TileCache.Key) -> Void) {
            var other = base
            change(&other)
            others.append(other)
        }
        add { $0.thins = false }
        add { $0.layers[0].columns = [0] }
        add { $0.layers[0].columns = [0, 1, 2] }
        add { $0.layers[0].id = "b" }
        add { $0.layers[0].policy.coversAll = true }
        add { $0.layers[0].policy.thins = false }
        add { $0.layers[0].policy.classAttribute = "rank" }
        add { $0.layers += $0.layers }
        add { $0.tile = MapTile(.worldCRS84Quad, zoom: 20, column: 1, row: 0)! }
        add { $0.tile = MapTile(.webMercatorQuad, zoom: 19, column: 1, row: 0)! }
        let tags = ([base] + others).map { EntityTag(from: $0.origin).text }
        #expect(Set(tags).count == tags.count)
        #expect(Set([base] + others).count == tags.count)
        var coded = base
        coded.coding = .brotli
        #expect(coded != base && EntityTag(from: coded.origin) == EntityTag(from: base.origin))
    }
}
