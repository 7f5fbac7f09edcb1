import Synchronization

/// Finished pictures by what they were made of, so that a kept one can never be stale. Its user makes one at a time.
final class PictureCache: Sendable {
    private struct State {
        var pictures: [String: (bytes: [UInt8], lastUse: UInt64)] = [:]
        var bytes = 0
        var clock: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: bytes to keep.
    init(limit: Int) {
        self.limit = limit
    }

    subscript(key: String) -> [UInt8]? {
        state.withLock { state in
            state.clock += 1
            state.pictures[key]?.lastUse = state.clock
            return state.pictures[key]?.bytes
        }
    }

    /// Keeps a picture, and lets go of the least used ones where there is no room.
    func keep(_ bytes: [UInt8], as key: String) {
        guard bytes.count <= limit / 2 else { return }
        state.withLock { state in
            state.clock += 1
            state.bytes += bytes.count - (state.pictures[key]?.bytes.count ?? 0)
            state.pictures[key] = (bytes, state.clock)
            while state.bytes > limit, let oldest = state.pictures.min(by: { $0.value.lastUse < $1.value.lastUse }) {
                state.bytes -= oldest.value.bytes.count
                state.pictures[oldest.key] = nil
            }
        }
    }
}
