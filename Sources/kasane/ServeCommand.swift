import ArgumentParser
import Foundation
import Geo
import HTTPAPI
import LayerCatalog
import Loading
import Logging
import Server

/// `kasane serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "レイヤーを配信する / Serve the layers.",
        discussion: """
            旗（--port など）は設定ファイルより優先します。SIGTERM か Ctrl-C で、受けた要求を終えてから（長くても約20秒で）止まります。もう一度送るとすぐに止まります。
            Flags come before the configuration file. SIGTERM and Ctrl-C stop it when the requests in flight are answered, or after some 20 seconds; a
            second one stops it at once.
            """)

    @Option(help: ArgumentHelp("データ領域 / The data directory.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("起動時に読み込むレイヤーのフォルダ / A folder of layers to load at start.", valueName: "dir"))
    var layers: String?

    @Option(help: "待ち受けるポート（0は空いているもの） / The port; 0 takes a free one.")
    var port: Int?

    @Option(help: "待ち受けるアドレス / The address to listen at.")
    var host: String?

    @Option(help: ArgumentHelp("設定ファイル / A configuration file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("リンクの始まり / Where links begin.", valueName: "url"))
    var baseURL: String?

    @Flag(name: .customLong("public"), help: "公開用: 鍵を一切受け付けず、データ領域に書かない / For the public: knows no keys, writes nothing.")
    var isPublic = false

    func run() async throws {
        var settings = try settings()
        let level = settings.logLevel
        LoggingSystem.bootstrap { _ in JSONLog(level: level) }
        let logger = Logger(label: "kasane")
        let files = OpenFiles.raiseLimit()
        // Layer files and the catalogue need some too.
        settings.limits.connections = min(settings.limits.connections, max(files - OpenFiles.reserve, 1))
        do {
            let server = try LayerServer(settings, logger: logger, preparation: preparation(settings))
            // A second signal, or one that cannot be followed in order: what is on the disk is whole at any moment.
            try await server.run(hurry: { _exit(1) })
        } catch let error as CatalogueError {
            throw Refusal(error.message)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(ja: "サーバーを動かせません: \(error)", en: "The server cannot run: \(error)")
        }
    }

    private func settings() throws -> ServerSettings {
        var settings = ServerSettings()
        do {
            if let config { try settings.read(URL(fileURLWithPath: config)) }
        } catch {
            throw Refusal(error.message, status: 2)
        }
        let kept = data ?? (config == nil ? ProcessInfo.processInfo.environment["KASANE_DATA"] : nil)
        if let kept { settings.data = URL(fileURLWithPath: kept, isDirectory: true) }
        if let layers { settings.layers = URL(fileURLWithPath: layers, isDirectory: true) }
        if let host { settings.host = host }
        if isPublic { settings.isPublic = true }
        if let port {
            guard (0...65_535).contains(port) else {
                throw Refusal(ja: "ポートは0から65535です。", en: "A port is 0 to 65535.", status: 2)
            }
            settings.port = port
        }
        if let baseURL {
            guard let base = BaseURL(configured: baseURL) else {
                throw Refusal(ja: "--base-urlはhttp://かhttps://で始まるアドレスです。", en: "--base-url is an address of http or https.", status: 2)
            }
            settings.base = base
        }
        if settings.isPublic, settings.layers != nil {
            throw Refusal(
                ja: "--publicのサーバーは読み込みをしません。--layersは使えません。", en: "A public server loads nothing: --layers cannot be used with it.",
                status: 2)
        }
        return settings
    }

    /// Clears what dead loads left, then loads what the folder of layers has new.
    private func preparation(_ settings: ServerSettings) -> LayerServer.Preparation {
        let layers = settings.layers
        let isPublic = settings.isPublic
        return { catalogue, logger in
            guard !isPublic else { return }
            // Told to stop, it does not wait for a load: the next start begins it again.
            let cancellation = Cancellation()
            try await withTaskCancellationHandler {
                try await OwnThread.run {
                    ServeCommand.clear(catalogue, logger)
                    guard let layers else { return }
                    var settings = LoadSettings()
                    settings.gridDirectories = [catalogue.directory.appendingPathComponent("grids").path]
                    settings.cancellation = cancellation
                    try ServeCommand.load(LayerFolderLoader(catalogue: catalogue, directory: layers, settings: settings), logger)
                }
            } onCancel: {
                cancellation.cancel()
            }
        }
    }

    private static func load(_ loader: LayerFolderLoader, _ logger: Logger) throws {
        let cancellation = loader.settings.cancellation
        do {
            _ = try loader.loadAll { result in
                if !cancellation.isCancelled { ServeCommand.tell(result, logger) }
            }
        } catch {
            if cancellation.isCancelled { throw CancellationError() }
            throw Refusal(error.message, status: error.isUsage ? 2 : 1)
        }
    }

    private static func clear(_ catalogue: Catalogue, _ logger: Logger) {
        let outcome = LoadCleanup.removeAbandoned(catalogue) { layer, error in
            // Leftovers take room and harm nothing else.
            logger.warning("cleanup", metadata: ["layer": .string(layer), "error": .string("\(error)")])
        }
        for path in outcome.removed { logger.info("removed", metadata: ["path": .string(path)]) }
        for path in outcome.restored { logger.notice("layer file put back", metadata: ["path": .string(path)]) }
        for path in outcome.setAside {
            logger.warning(
                "layer file set aside",
                metadata: [
                    "path": .string(path), "ja": "カタログに記録のないファイルです。カタログを復元したあとで起動すれば元に戻ります。要らなければ消してください。",
                    "en":
                        "The catalogue has no record of the file. It is put back when the right catalogue is restored; remove it if it is not needed.",
                ])
        }
    }

    private static func tell(_ result: LayerFolderLoader.Result, _ logger: Logger) {
        if let problem = result.problem ?? (result.isFailure ? result.report?.outcome.message : nil) {
            // A layer that cannot be loaded does not keep the others from being served.
            logger.error(
                "layer not loaded",
                metadata: ["layer": .string(result.folder), "ja": .string(problem.text("ja")), "en": .string(problem.text("en"))])
        } else if result.report != nil {
            logger.notice("layer loaded", metadata: ["layer": .string(result.folder)])
        }
    }
}

/// Long blocking work off Swift's pool, which is for short pieces.
enum OwnThread {
    static func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Swift.Result { try work() }) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }
}

/// How many files and sockets the process may have open.
enum OpenFiles {
    /// Kept for what is not a connection.
    static let reserve = 200

    /// Takes as many as the system lets it have.
    /// - Returns: how many that are.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        // Where it is refused, the server goes on with what it has.
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_max : before)
    }
}
