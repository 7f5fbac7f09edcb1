import LayerAtlas
import NIOCore
import Query
import Synchronization
import Tiles

/// Finished tiles, as they are sent, by what they were made from, so that a kept tile can never be stale. Two who miss the same tile make it once.
public final class TileCache: Sendable {
    struct Key: Hashable, Sendable {
        struct Layer: Hashable, Sendable {
            var id: String
            /// At which the tile last changed; see `TileHistory`.
            var version: String
            /// The attributes in it: viewers see different ones.
            var columns: [Int]
            var policy: TilePolicy

            init(id: String, version: String, columns: [Int], policy: TilePolicy) {
                self.id = id
                self.version = version
                self.columns = columns
                self.policy = policy
            }

            init(_ layer: VisibleLayer, _ tile: MapTile, _ history: TileHistory) {
                id = layer.id
                version = history.lastChange(of: layer.id, layer.version, tile)
                columns = layer.columns
                policy = layer.tilePolicy
            }
        }
        var layers: [Layer]
        var tile: MapTile
        var coding: ContentCoding
        /// Whether far tiles leave out what matters least.
        var thins: Bool

        /// All that the tile is made from and how, whatever its coding: equal for equal tiles, also after the program changed.
        var origin: [String] {
            let place = "\(tile.matrixSet.rawValue) \(tile.zoom) \(tile.column) \(tile.row)"
            return ["tile", Addresses.drawing, thins ? "true" : "false", place]
                + layers.flatMap { layer in
                    let policy = layer.policy
                    return [
                        layer.id, layer.version, layer.columns.map(String.init).joined(separator: ","),
                        "\(policy.thins) \(policy.coversAll)", policy.classAttribute ?? "",
                        policy.phenomenonAttribute ?? "",
                        (policy.scheme?.classes ?? []).map { "\($0.value) \($0.phenomenon ?? 0) \($0.gravity)" }.joined(separator: ","),
                    ]
                }
        }
    }

    /// A tile as it is sent. Its bytes are shared with all answers that carry it, never copied.
    struct Entry: Sendable {
        /// Empty where nothing lies.
        var body: ByteBuffer
        /// See `DrawnTile`.
        var leftOut: Int
    }

    private struct State {
        var entries: [Key: (entry: Entry, lastUse: UInt64)] = [:]
        var bytes = 0
        var clock: UInt64 = 0
        /// Those who wait for a tile that is being made.
        var waiting: [Key: [CheckedContinuation<Entry?, Never>]] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())
    /// What an entry costs besides its bytes.
    private static let overhead = 512

    /// - Parameter limit: bytes to keep.
    public init(limit: Int) {
        self.limit = limit
    }

    public var bytes: Int { state.withLock { $0.bytes } }

    /// The tile where it is kept.
    func kept(_ key: Key) -> Entry? {
        state.withLock { state in
            guard let index = state.entries.index(forKey: key) else { return nil }
            state.clock += 1
            state.entries.values[index].lastUse = state.clock
            return state.entries.values[index].entry
        }
    }

    /// The tile, kept or made. Who makes it makes it for all who ask meanwhile.
    ///
    /// Where the making fails – its client has gone, its time was over before that of the others – the next who waits makes it himself; so nobody gets an
    /// error that is not his own.
    /// - Throws: What `make` throws.
    func tile(_ key: Key, make: () async throws -> Entry) async throws -> Entry {
        enum Turn {
            case kept(Entry)
            case make
            case wait
        }
        while true {
            let turn: Turn = state.withLock { state in
                if let index = state.entries.index(forKey: key) {
                    state.clock += 1
                    state.entries.values[index].lastUse = state.clock
                    return .kept(state.entries.values[index].entry)
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
                    finish(key, entry)
                    return entry
                } catch {
                    finish(key, nil)
                    throw error
                }
            case .wait:
                let entry = await withCheckedContinuation { (continuation: CheckedContinuation<Entry?, Never>) in
                    let isWaiting = state.withLock { state in
                        guard state.waiting[key] != nil else { return false }
                        state.waiting[key]?.append(continuation)
                        return true
                    }
                    if !isWaiting { continuation.resume(returning: nil) }
                }
                // Nil when the making failed, or ended between the two looks: look again.
                if let entry { return entry }
            }
        }
    }

    /// Keeps what was made elsewhere.
    func keep(_ key: Key, _ entry: Entry) {
        state.withLock { state in
            if state.entries[key] == nil { add(key, entry, &state) }
        }
    }

    private func finish(_ key: Key, _ entry: Entry?) {
        let waiting = state.withLock { state -> [CheckedContinuation<Entry?, Never>] in
            if let entry { add(key, entry, &state) }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for continuation in waiting { continuation.resume(returning: entry) }
    }

    private func add(_ key: Key, _ entry: Entry, _ state: inout State) {
        guard entry.body.readableBytes < limit / 8 else { return }
        state.clock += 1
        state.entries[key] = (entry, state.clock)
        state.bytes += entry.body.readableBytes + TileCache.overhead
        if state.bytes > limit { evict(&state) }
    }

    /// Lets go of the least used until a quarter is free; so seldom that looking at all of them does not matter.
    private func evict(_ state: inout State) {
        for (key, kept) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
            state.entries[key] = nil
            state.bytes -= kept.entry.body.readableBytes + TileCache.overhead
            if state.bytes <= limit / 4 * 3 { return }
        }
    }
}
