import Access
import Foundation
import LayerAtlas
import LayerCatalog
import Logging
import Query
import ServiceLifecycle
import Synchronization
import TileArchives

/// Keeps the atlas in step with the catalogue: what another process publishes shows without a restart, and what was withdrawn long ago goes.
final class AtlasKeeper: Service {
    private let settings: ServerSettings
    private let catalogue: Catalogue
    private let atlas: LayerAtlas
    private let keys: KeyRing
    private let logger: Logger
    private let preparation: LayerServer.Preparation
    private let comparer: VersionComparer
    private let scrubber: Scrubber?
    private let shelf: TileShelf?
    private let ready = Atomic<Bool>(false)

    init(
        settings: ServerSettings, catalogue: Catalogue, atlas: LayerAtlas, keys: KeyRing, history: TileHistory, shelf: TileShelf?,
        logger: Logger,
        preparation: @escaping LayerServer.Preparation
    ) {
        self.settings = settings
        self.catalogue = catalogue
        self.atlas = atlas
        self.keys = keys
        self.logger = logger
        self.preparation = preparation
        self.shelf = shelf
        scrubber = settings.scrub.map { Scrubber(atlas: atlas, settings: $0, logger: logger) }
        comparer = VersionComparer(history: history, shelf: shelf, logger: logger)
    }

    /// Layers whose files were found to be damaged.
    var damagedCount: Int { scrubber?.damagedCount ?? 0 }

    var isReady: Bool { ready.load(ordering: .acquiring) }

    func run() async throws {
        defer {
            comparer.stop()
            scrubber?.stop()
            // What was made last is there at the next start too.
            shelf?.flush()
        }
        try await cancelWhenGracefulShutdown {
            do {
                try await self.preparation(self.catalogue, self.logger)
                try self.atlas.refresh()
                StartupMemory.letGo()
                self.ready.store(true, ordering: .releasing)
                self.logger.notice("ready", metadata: ["layers": .stringConvertible(self.atlas.listing(for: .publicViewer).count)])
                self.scrubber?.start()
                try await self.keep()
            } catch is CancellationError {
                // Told to stop.
            }
        }
    }

    private func keep() async throws {
        var lastSweep = ContinuousClock.now
        var trouble: String?
        while true {
            try await Task.sleep(for: .seconds(settings.refreshInterval))
            do {
                if try atlas.refresh() {
                    keys.forget()
                    comparer.add(atlas.takeReplacements())
                    logger.info("refreshed")
                }
                if !settings.isPublic, ContinuousClock.now - lastSweep > .seconds(settings.sweepInterval) {
                    lastSweep = .now
                    let count = try atlas.sweep()
                    if count > 0 { logger.info("swept", metadata: ["files": .stringConvertible(count)]) }
                }
                trouble = nil
            } catch {
                // Told once, not three times a second; what is known stays served.
                if trouble != "\(error)" { logger.error("catalogue", metadata: ["error": .string("\(error)")]) }
                trouble = "\(error)"
            }
        }
    }
}

/// Whose keys these are, without asking the catalogue each time. Forgotten when the catalogue changes, so a revoked key is good no longer
/// than a refresh takes.
final class KeyRing: Sendable {
    private let atlas: LayerAtlas
    private let known = Mutex((viewers: [String: Viewer](), generation: 0))
    private static let limit = 1000

    init(atlas: LayerAtlas) {
        self.atlas = atlas
    }

    func viewer(_ key: String) throws -> Viewer? {
        let (viewer, generation) = known.withLock { ($0.viewers[key], $0.generation) }
        if let viewer { return viewer }
        guard let viewer = try atlas.viewer(forKey: key) else { return nil }
        known.withLock { known in
            // A key that was revoked while it was looked up is not kept.
            guard known.generation == generation else { return }
            if known.viewers.count >= KeyRing.limit { known.viewers.removeAll() }
            known.viewers[key] = viewer
        }
        return viewer
    }

    func forget() {
        known.withLock { known in
            known.viewers.removeAll()
            known.generation += 1
        }
    }
}
