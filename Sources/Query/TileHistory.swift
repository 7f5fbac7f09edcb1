public import SpatialIndex
import Synchronization
public import Tiles

/// At which version each tile of a layer last changed.
///
/// A new version of a layer is mostly the one before with a few features changed. Tiles that meet no envelope of a changed feature, neither the old nor the
/// new one, have the same bytes in both; what is kept of them, here and in browsers, stays good. So kept tiles are known by the version at which they last
/// changed. For versions of which nothing was added here that is the version itself: whoever asks before they were compared merely finds less.
public final class TileHistory: Sendable {
    /// One version after another.
    public struct Step: Sendable {
        /// The version before.
        public let base: String
        /// Envelopes of all features that changed, as they were and as they are.
        public let boxes: [IndexBox]
        private let index: PackedIndex

        public init(base: String, boxes: [IndexBox]) {
            self.base = base
            self.boxes = boxes
            index = PackedIndex.build(boxes).index
        }

        /// Whether the tile or its buffer meets an envelope, found as drawing finds its features.
        func touches(_ box: IndexBox) -> Bool {
            struct Found: Error {}
            return index.bytes.withUnsafeBufferPointer { numbers in
                guard let base = numbers.baseAddress, index.count > 0 else { return false }
                do {
                    try PackedIndexView(nodes: base, count: index.count).search(box, inside: nil) { _, _ in throw Found() }
                } catch {
                    return true
                }
                return false
            }
        }
    }

    private struct Layer {
        var steps: [String: Step] = [:]
        /// In the order they came.
        var order: [String] = []
    }

    private let layers = Mutex<[String: Layer]>([:])
    private let added = Atomic(0)
    /// Steps kept for a layer; the boxes of each, at most, see `boxLimit`.
    private static let stepLimit = 16
    /// Envelopes of a step, at most: 16 bytes each, and a little more for their index.
    public static let boxLimit = 200_000

    public init() {}

    /// How many steps came in; it only grows. What was worked out at another count may be out of date.
    public var count: Int { added.load(ordering: .sequentiallyConsistent) }

    /// The version under which the tile is kept.
    /// - Complexity: O(steps × log envelopes)
    public func lastChange(of layer: String, _ version: String, _ tile: MapTile) -> String {
        guard let known = layers.withLock({ $0[layer]?.steps }), !known.isEmpty else { return version }
        let box = IndexBox(around: tile.bufferedEnvelope)
        var version = version
        // Bases are older than what they are bases of, so this ends.
        while let step = known[version], !step.touches(box) { version = step.base }
        return version
    }

    /// Tells of a version what differs from an earlier one.
    ///
    /// Names of versions ascend with their age. A version that was published again after younger ones gets no step from these.
    public func add(_ step: Step, of layer: String, _ version: String) {
        guard step.base < version else { return }
        layers.withLock { layers in
            var known = layers[layer] ?? Layer()
            guard known.steps[version] == nil else { return }
            known.steps[version] = step
            known.order.append(version)
            if known.order.count > TileHistory.stepLimit { known.steps[known.order.removeFirst()] = nil }
            layers[layer] = known
        }
        // After it is there: whoever sees the new count finds the step.
        added.add(1, ordering: .sequentiallyConsistent)
    }

    /// Whether something is known of the version.
    public func knows(_ layer: String, _ version: String) -> Bool { layers.withLock { $0[layer]?.steps[version] != nil } }
}
