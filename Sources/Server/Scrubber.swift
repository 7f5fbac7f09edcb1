import Foundation
import LayerAtlas
import Logging
import Synchronization

/// Reads the published layer files again now and then, on a thread of its own and at leisure, so that a disk that forgets is noticed while there is time to
/// load a layer again, and not in the typhoon.
///
/// What is damaged is logged as `damaged`, counted in `/metrics` and refused; what a resident is told of such a place is “unknown”.
final class Scrubber: Sendable {
    struct Settings: Sendable {
        /// Seconds from the start of the server to the first round: whoever comes first should have the disk to themselves.
        var delay = 60.0
        /// Seconds from the end of a round to the next.
        var interval = 86_400.0
        /// Bytes a second.
        var pace = 16 << 20
    }

    private struct Stopped: Error {}

    private let atlas: LayerAtlas
    private let settings: Settings
    private let logger: Logger
    private let damaged = Mutex<Set<String>>([])
    /// Guards `isStopped`.
    private let condition = NSCondition()
    nonisolated(unsafe) private var isStopped = false

    init(atlas: LayerAtlas, settings: Settings, logger: Logger) {
        self.atlas = atlas
        self.settings = settings
        self.logger = logger
    }

    /// Layers that were found to be damaged in the last round, or in the one that is under way.
    var damagedCount: Int { damaged.withLock { $0.count } }

    func start() {
        let thread = Thread { self.work() }
        thread.name = "scrub"
        thread.qualityOfService = .background
        thread.start()
    }

    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
    }

    private func work() {
        do {
            try wait(settings.delay)
            while true {
                try round()
                try wait(settings.interval)
            }
        } catch is Stopped {
            // The server ends.
        } catch {
            // Nothing else is thrown: what goes wrong with a file is reported as its damage.
            logger.error("scrub", metadata: ["error": .string("\(error)")])
        }
    }

    private func round() throws {
        let begin = ContinuousClock.now
        var (layers, bytes, unpaid) = (0, 0, 0)
        var seen: Set<String> = []
        try atlas.scrub { count in
            bytes += count
            unpaid += count
            // A few waits a second are enough.
            guard unpaid >= settings.pace / 8 else { return try wait(0) }
            try wait(Double(unpaid) / Double(settings.pace))
            unpaid = 0
        } report: { found in
            layers += 1
            if found.damage.isEmpty { return }
            seen.insert(found.layer)
            damaged.withLock { _ = $0.insert(found.layer) }
            logger.error(
                "damaged",
                metadata: [
                    "layer": .string(found.layer), "version": .string(found.version), "count": .stringConvertible(found.damage.count),
                    "first": .string(found.damage[0]),
                    "ja": "レイヤーファイルが壊れています。ディスクを確かめ、元データを読み込み直すか、バックアップから戻してください。",
                    "en": "The layer file is damaged. See to the disk, and load the source again or restore a backup.",
                ])
        }
        damaged.withLock { $0 = seen }
        logger.info(
            "scrubbed",
            metadata: [
                "layers": .stringConvertible(layers), "bytes": .stringConvertible(bytes), "damaged": .stringConvertible(seen.count),
                "ms": .stringConvertible(Int((ContinuousClock.now - begin) / .milliseconds(1))),
            ])
    }

    /// - Throws: `Stopped`, at once, when the server ends.
    private func wait(_ seconds: Double) throws {
        condition.lock()
        defer { condition.unlock() }
        let end = Date(timeIntervalSinceNow: seconds)
        while !isStopped && end.timeIntervalSinceNow > 0 {
            if !condition.wait(until: end) { break }
        }
        if isStopped { throw Stopped() }
    }
}
