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
import UnixSignals
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
    private let ledger: ConnectionLedger

    /// Work that has to be done before the server is ready: loading what `--layers` names.
    public typealias Preparation = @Sendable (Catalogue, Logger) async throws -> Void

    /// Opens the data directory and makes one that is not there, unless the server is public.
    ///
    /// - Throws: `CatalogueError`, `AtlasError`, `CursorKeyFile.Failure`.
    public init(_ settings: ServerSettings, logger: Logger, preparation: @escaping Preparation = { _, _ in }) throws {
        self.settings = settings
        self.logger = logger
        catalogue = try Catalogue(directory: settings.data, readOnly: settings.isPublic)
        let atlas = try LayerAtlas(dataDirectory: settings.data, catalogue: catalogue)
        let keys = KeyRing(atlas: atlas)
        let keeper = AtlasKeeper(
            settings: settings, catalogue: catalogue, atlas: atlas, keys: keys, logger: logger, preparation: preparation)
        self.keeper = keeper
        let ledger = ConnectionLedger(limits: settings.limits)
        self.ledger = ledger

        let pool = WorkPool(settings.work)
        var apiSettings = LayerAPI.Settings(cursorKey: try CursorKeyFile.key(in: settings.data, mayWrite: !settings.isPublic))
        apiSettings.deadline = settings.deadline
        apiSettings.tileCache = settings.tileCache
        let api = LayerAPI(atlas: atlas, engine: QueryEngine(), pool: pool, settings: apiSettings)
        let metrics = Metrics {
            [
                Metrics.Gauge("kasane_connections", "Open connections.", Double(ledger.count)),
                Metrics.Gauge("kasane_work_waiting", "Requests that wait for a thread.", Double(pool.waiting)),
                Metrics.Gauge("kasane_tile_cache_bytes", "Bytes of finished tiles kept.", Double(api.tiles.bytes)),
            ]
        }

        let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
        let isReady: @Sendable () -> Bool = { keeper.isReady }
        router.add(middleware: AccessLog(logger: logger) { metrics.count($0, $1) })
        router.add(middleware: Answering(Answering.Settings(knowsKeys: !settings.isPublic)))
        router.add(middleware: Compression(pool: pool))
        var admission = Admission.Settings(base: settings.base, isReady: isReady)
        if !settings.isPublic { admission.viewer = { key in try keys.viewer(key) } }
        router.add(middleware: Admission(admission))
        Operations(metrics: metrics, isReady: isReady).addRoutes(to: router)
        api.addRoutes(to: router)
        WebPages().addRoutes(to: router)
        responder = router.buildResponder()
    }

    /// Serves until it is told to stop: by SIGTERM or SIGINT, or by the end of the task. Requests in flight are finished.
    ///
    /// - Parameters:
    ///   - handlesSignals: off where the process is somebody else's, as in tests.
    ///   - onListening: told the port.
    public func run(handlesSignals: Bool = true, onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }) async throws {
        let limits = settings.limits
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionGuard(limits: limits, ledger: ledger)], idleTimeout: limits.idleTime,
                    httpDecoderConfiguration: limits.decoder)),
            configuration: ApplicationConfiguration(address: .hostname(settings.host, port: settings.port), backlog: 1024),
            services: [keeper],
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                logger.notice("listening", metadata: ["host": .string(settings.host), "port": .stringConvertible(port)])
                await onListening(port)
            },
            logger: logger)
        try await application.runService(gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [])
    }
}

extension ConnectionLimits {
    /// The parser's own limits lie a little beyond ours, so that what it still reads can be answered with the right status.
    fileprivate var decoder: HTTP1Channel.Configuration.DecoderConfiguration {
        HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: max(2 * address, headers), maxHeaderListSize: 2 * address + headers, maxHeaderFieldCount: headerFields + 16)
    }
}
