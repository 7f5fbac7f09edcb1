import Access
import Foundation
import Geo
import HTTPAPI
import Hummingbird
import HummingbirdCore
import LayerAtlas
public import LayerCatalog
public import Logging
import Query
import ServiceLifecycle
import Synchronization
import TileArchives
public import UnixSignals
import WebPages

/// The whole server put together: catalogue, atlas, engine, routes, and what goes on in the background.
///
/// It listens at once; `/readyz` says when the layers of `--layers` are loaded and requests are answered.
public struct LayerServer: Sendable {
    private let settings: ServerSettings
    private let logger: Logger
    private let catalogue: Catalogue
    private let keeper: AtlasKeeper
    private let responder: RouterResponder<APIContext>
    /// Every method and path that is answered, as `GET /collections/{layer}`.
    let routes: [(method: String, path: String)]
    private let ledger: ConnectionLedger
    private let clients: Clients
    private let standing: StandingAnswers
    private let note: StandingAnswerHandler.Note

    /// Work that has to be done before the server is ready: loading what `--layers` names.
    public typealias Preparation = @Sendable (Catalogue, Logger) async throws -> Void

    /// Opens the data directory and makes one that is not there, unless the server is public.
    ///
    /// - Throws: `CatalogueError`, `AtlasError`, `CursorKeyFile.Failure`.
    public init(_ settings: ServerSettings, logger: Logger, preparation: @escaping Preparation = { _, _ in }) throws {
        var settings = settings
        let promised = settings.limits.connections
        let possible = settings.limits.fitToDescriptors()
        if possible < promised {
            logger.warning("the system grants fewer open files than connections", metadata: ["connections": .stringConvertible(possible)])
        }
        self.settings = settings
        self.logger = logger
        catalogue = try Catalogue(directory: settings.data, readOnly: settings.isPublic)
        let atlas = try LayerAtlas(dataDirectory: settings.data, catalogue: catalogue)
        let keys = KeyRing(atlas: atlas)
        let history = TileHistory()
        let shelf = LayerServer.shelf(settings, logger)
        if let shelf { history.add(from: shelf) }
        let keeper = AtlasKeeper(
            settings: settings, catalogue: catalogue, atlas: atlas, keys: keys, history: history, shelf: shelf, logger: logger,
            preparation: preparation)
        self.keeper = keeper
        let ledger = ConnectionLedger(limits: settings.limits)
        self.ledger = ledger
        clients = Clients()

        AnswerMemory.keep()
        let pool = WorkPool(settings.work)
        var apiSettings = LayerAPI.Settings(cursorKey: try CursorKeyFile.key(in: settings.data, mayWrite: !settings.isPublic))
        apiSettings.deadline = settings.deadline
        apiSettings.tileCache = settings.tileCache
        apiSettings.thinsTiles = settings.thinsTiles
        apiSettings.pictures = settings.pictures
        let api = LayerAPI(
            atlas: atlas, engine: QueryEngine(gridDirectories: [settings.data.appending(path: "grids").path]), pool: pool,
            settings: apiSettings, history: history, shelf: shelf)
        let metrics = Metrics {
            [
                Metrics.Gauge("kasane_connections", "Open connections.", Double(ledger.count)),
                Metrics.Gauge("kasane_work_waiting", "Requests that wait for a thread.", Double(pool.waiting)),
                Metrics.Gauge(
                    "kasane_layers_damaged", "Layers whose file was found to be damaged when it was read again.",
                    Double(keeper.damagedCount)),
                Metrics.Gauge("kasane_tile_cache_bytes", "Bytes of finished tiles kept.", Double(api.tiles.bytes)),
            ]
        }

        // Half as many bytes again as the tiles themselves may take; mostly they are the same bytes.
        // What is found out about versions gives tiles other tags, so answers from before it do not stand either. Both numbers only grow.
        let standing = StandingAnswers(limit: settings.tileCache / 2) { atlas.pictureNumber &+ history.count }
        self.standing = standing
        note = { answer, address, duration in
            metrics.count(answer.status, duration)
            AccessLog.line(
                logger, method: "GET", path: answer.path, status: answer.status, duration: duration, bytes: answer.body.readableBytes,
                address: address)
        }

        let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
        let isReady: @Sendable () -> Bool = { keeper.isReady }
        router.add(middleware: AccessLog(logger: logger) { metrics.count($0, $1) })
        var answering = Answering.Settings(knowsKeys: !settings.isPublic, home: (settings.base?.text ?? "") + "/")
        answering.standing = standing
        router.add(middleware: Answering(answering))
        router.add(middleware: Compression(pool: pool))
        var admission = Admission.Settings(base: settings.base, isReady: isReady)
        admission.clients = clients
        if !settings.isPublic { admission.viewer = { key in try keys.viewer(key) } }
        router.add(middleware: Admission(admission))
        Operations(metrics: metrics, isReady: isReady).addRoutes(to: router)
        api.addRoutes(to: router)
        WebPages().addRoutes(to: router)
        routes = router.routes.map { ($0.method.rawValue, "\($0.path)") }
        responder = router.buildResponder()
    }

    /// The cache of tiles on disk, where there is to be one.
    private static func shelf(_ settings: ServerSettings, _ logger: Logger) -> TileShelf? {
        guard settings.tileCacheDisk > 0 else { return nil }
        guard let folder = settings.tileCacheFolder ?? (settings.isPublic ? nil : TileShelf.folder(in: settings.data)) else {
            logger.warning("a public server writes nothing into its data directory: tile-cache-disk-mib needs tile-cache-folder")
            return nil
        }
        return TileShelf(folder, limit: settings.tileCacheDisk) { logger.warning("tile cache", metadata: ["what": .string($0)]) }
    }

    /// Serves until it is told to stop, by a signal or by the end of the task. After a signal, requests in flight are finished, for as long as
    /// `stopTime` says; then they are cut off.
    ///
    /// - Parameters:
    ///   - signals: that stop it.
    ///   - hurry: called at a second signal, and where cutting off does not end it either: ends the process.
    ///   - onListening: told the port.
    public func run(
        stoppingOn signals: [UnixSignal] = [.sigterm, .sigint], hurry: @escaping @Sendable () -> Void = {},
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) async throws {
        let (limits, ledger, clients, standing, note) = (settings.limits, ledger, clients, standing, note)
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder {
                GuardedChannel(responder: $0, limits: limits, ledger: ledger, clients: clients, standing: standing, note: note)
            },
            configuration: ApplicationConfiguration(address: .hostname(settings.host, port: settings.port), backlog: 1024),
            services: [keeper],
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                logger.notice("listening", metadata: ["host": .string(settings.host), "port": .stringConvertible(port)])
                await onListening(port)
            },
            logger: logger)
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(settings.stopTime)
        let group = ServiceGroup(configuration: configuration)
        let stop = StopFlag()
        let stopTime = settings.stopTime
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                do {
                    try await group.run()
                } catch is CancellationError where stop.isSet && !Task.isCancelled {
                    // Cut off: that is an end as good as any.
                }
                self.logger.notice("stopped")
                return true
            }
            tasks.addTask {
                await withTaskGroup(of: Void.self) { alarm in
                    for await _ in await UnixSignalsSequence(trapping: signals) {
                        if stop.set() {
                            hurry()
                        } else {
                            await group.triggerGracefulShutdown()
                            alarm.addTask {
                                // Cancelled when the end comes before.
                                if (try? await Task.sleep(for: .seconds(stopTime + LayerServer.cutTime))) != nil { hurry() }
                            }
                        }
                    }
                    alarm.cancelAll()
                }
                return false
            }
            do {
                while try await tasks.next() == false {}
                tasks.cancelAll()
            } catch {
                tasks.cancelAll()
                throw error
            }
        }
    }

    /// Seconds that may pass between cutting answers off and the end.
    private static let cutTime = 5.0
}

/// Whether a signal to stop has come.
private final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    /// - Returns: whether it was set before.
    func set() -> Bool { flag.exchange(true, ordering: .acquiringAndReleasing) }
}
