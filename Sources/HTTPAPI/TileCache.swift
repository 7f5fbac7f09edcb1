import Query
import Synchronization
import Tiles

/// Finished tiles, as they are sent, by what they were made from, so that a kept tile can never be stale. Two who miss the same tile make it once.
public final class TileCache: Sendable {
    struct Key: Hashable, Sendable {
        struct Layer: Hashable, Sendable {
            var id: String
            var version: String
            /// The attributes in it: viewers see different ones.
            var columns: [Int]
            var policy: TilePolicy
        }
        var layers: [Layer]
        var tile: MapTile
        /// In gzip form. Few clients do not take it; for them nothing is compressed in vain.
        var isCompressed: Bool
    }

    /// A tile as it is sent; its bytes empty where nothing lies.
    typealias Entry = DrawnTile

    private struct State {
        var entries: [Key: (entry: Entry, lastUse: UInt64)] = [:]
        var bytes = 0
        var clock: UInt64 = 0
        /// Those who wait for a tile that is being made.
        var waiting: [Key: [CheckedContinuation<Entry?, any Error>]] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())
    /// What an entry costs besides its bytes.
    private static let overhead = 256

    /// - Parameter limit: bytes to keep.
    public init(limit: Int) {
        self.limit = limit
    }

    public var bytes: Int { state.withLock { $0.bytes } }

    /// The tile, kept or made. Who makes it makes it for all who ask meanwhile; when that fails, it fails for all of them.
    func tile(_ key: Key, make: () async throws -> Entry) async throws -> Entry {
        enum Turn {
            case kept(Entry)
            case make
            case wait
        }
        let turn: Turn = state.withLock { state in
            state.clock += 1
            if let kept = state.entries[key]?.entry {
                state.entries[key]?.lastUse = state.clock
                return .kept(kept)
            }
            if state.waiting[key] != nil { return .wait }
            state.waiting[key] = []
            return .make
        }
        switch turn {
        case .kept(let entry): return entry
        case .make:
            do {
                let entry = try await make()
                finish(key, .success(entry))
                return entry
            } catch {
                finish(key, .failure(error))
                throw error
            }
        case .wait:
            let entry = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Entry?, any Error>) in
                let isWaiting = state.withLock { state in
                    guard state.waiting[key] != nil else { return false }
                    state.waiting[key]?.append(continuation)
                    return true
                }
                if !isWaiting { continuation.resume(returning: nil) }
            }
            // Nil when it was finished between the two looks: look again.
            if let entry { return entry }
            return try await tile(key, make: make)
        }
    }

    private func finish(_ key: Key, _ result: Result<Entry, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Entry?, any Error>] in
            if case .success(let entry) = result, entry.bytes.count < limit / 8 {
                state.clock += 1
                state.entries[key] = (entry, state.clock)
                state.bytes += entry.bytes.count + TileCache.overhead
                if state.bytes > limit { evict(&state) }
            }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for continuation in waiting { continuation.resume(with: result.map { $0 }) }
    }

    /// Lets go of the least used until a quarter is free; so seldom that looking at all of them does not matter.
    private func evict(_ state: inout State) {
        for (key, kept) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
            state.entries[key] = nil
            state.bytes -= kept.entry.bytes.count + TileCache.overhead
            if state.bytes <= limit / 4 * 3 { return }
        }
    }
}
