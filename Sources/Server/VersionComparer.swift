import Foundation
import LayerAtlas
import Logging
import Query
import Synchronization
import TileArchives

/// Compares a layer's new version with the one before, on a thread of its own, so that tiles that did not change stay kept.
///
/// Nobody waits for it: until a version is compared, its tiles are made anew.
final class VersionComparer: Sendable {
    private struct State {
        var waiting: [LayerAtlas.Replacement] = []
        var isWorking = false
        var isStopped = false
    }

    private struct Stopped: Error {}

    private let history: TileHistory
    private let shelf: TileShelf?
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter shelf: keeps what was found out for the next start.
    init(history: TileHistory, shelf: TileShelf?, logger: Logger) {
        self.history = history
        self.shelf = shelf
        self.logger = logger
    }

    func add(_ replacements: [LayerAtlas.Replacement]) {
        guard !replacements.isEmpty else { return }
        let mustBegin = state.withLock { state in
            state.waiting += replacements
            defer { state.isWorking = true }
            return !state.isWorking
        }
        guard mustBegin else { return }
        let thread = Thread { self.work() }
        thread.name = "compare"
        thread.qualityOfService = .background
        thread.start()
    }

    /// Ends the work at hand soon, and begins no more.
    func stop() {
        state.withLock { $0.isStopped = true }
    }

    private func work() {
        while let replacement = next() { compare(replacement) }
    }

    private func next() -> LayerAtlas.Replacement? {
        state.withLock { state in
            guard !state.isStopped, !state.waiting.isEmpty else {
                state.isWorking = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    private func compare(_ replacement: LayerAtlas.Replacement) {
        let begin = ContinuousClock.now
        var metadata: Logger.Metadata = [
            "layer": .string(replacement.layer), "version": .string(replacement.version), "before": .string(replacement.versionBefore),
        ]
        do {
            let boxes = try replacement.drawnChanges(limit: TileHistory.boxLimit) {
                if state.withLock({ $0.isStopped }) { throw Stopped() }
            }
            metadata["ms"] = .stringConvertible(Int((ContinuousClock.now - begin) / .milliseconds(1)))
            if let boxes {
                history.add(TileHistory.Step(base: replacement.versionBefore, boxes: boxes), of: replacement.layer, replacement.version)
                // A base that is younger, after a rollback, is no base.
                if replacement.versionBefore < replacement.version {
                    shelf?.keep(
                        TileShelf.Step(
                            layer: replacement.layer, version: replacement.version, base: replacement.versionBefore, boxes: boxes))
                }
                metadata["changes"] = .stringConvertible(boxes.count)
            }
            logger.info("compared", metadata: metadata)
        } catch is Stopped {
            // The server ends; its memory with it.
        } catch {
            // A file that cannot be read is told of by whoever is asked for it; here it only means that all tiles are made anew.
            metadata["error"] = .string("\(error)")
            logger.warning("not compared", metadata: metadata)
        }
    }
}
