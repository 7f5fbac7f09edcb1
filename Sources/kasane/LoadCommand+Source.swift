import ArgumentParser
import Descriptions
import Foundation
import Geo
import Loading
import Synchronization

/// What `load` and `check` both ask about a source, and how they answer.
struct SourceOptions: ParsableArguments {
    @Argument(help: "読み込むファイル / The file to read.")
    var source: String

    @Option(help: "ファイルの中のレイヤー名 / The layer in a file with several.")
    var sourceLayer: String?

    @Option(help: "座標参照系（例 EPSG:6677） / The reference system, like EPSG:6677.")
    var crs: String?

    @Option(help: "文字コード（例 CP932） / The encoding, like CP932.")
    var encoding: String?

    @Option(help: "IDの列 / The column that identifies features.")
    var idColumn: String?

    @Option(help: "データの種類 / The preset of a known kind of data.")
    var preset: String?

    @Option(help: ArgumentHelp("承知のうえで進める指摘 / A finding to accept.", valueName: "code"))
    var accept: [String] = []

    @Flag(help: "隔離できなくても読む / Read the file even where reading cannot be confined.")
    var trustSource = false

    @Flag(help: "結果を JSON で出す / Print the report as JSON.")
    var json = false

    func layerSource(keptID: String?) -> LayerSource {
        LayerSource(
            file: URL(fileURLWithPath: source).lastPathComponent, layer: sourceLayer, preset: preset, crs: crs, encoding: encoding,
            id: idColumn ?? keptID)
    }

    func request(_ description: LayerDescription, idColumn: String?) -> LoadRequest {
        LoadRequest(
            source: URL(fileURLWithPath: source), description: description, sourceLayer: sourceLayer, crs: crs, encoding: encoding,
            idColumn: idColumn, accepted: Set(accept), isTrusted: trustSource)
    }

    /// With a bar on a terminal, and an orderly end on Ctrl-C.
    func settings() -> LoadSettings {
        var settings = LoadSettings()
        let cancellation = settings.cancellation
        Interruption.shared.onInterrupt { cancellation.cancel() }
        if isatty(STDERR_FILENO) == 1 { settings.progress = { Self.show($0) } }
        return settings
    }

    func finish(_ report: LoadReport) throws {
        if isatty(STDERR_FILENO) == 1 { write("\r\u{1B}[K", to: FileHandle.standardError) }
        let isEnglish = (ProcessInfo.processInfo.environment["LC_ALL"] ?? ProcessInfo.processInfo.environment["LANG"] ?? "").hasPrefix("en")
        if json {
            write(String(decoding: try report.json(), as: UTF8.self) + "\n", to: FileHandle.standardOutput)
        } else if report.exitStatus == 0 {
            write(report.text(isEnglish ? "en" : "ja"), to: FileHandle.standardOutput)
        }
        guard report.exitStatus != 0 else { return }
        if json {
            if let code = report.outcome.error, let message = report.outcome.message {
                say("[\(code)] \(message.text("ja"))\n[\(code)] \(message.text("en"))")
            }
        } else {
            say(report.text("ja") + (report.outcome.message.map { "[\(report.outcome.error ?? "")] \($0.text("en"))" } ?? ""))
        }
        throw ExitCode(report.exitStatus)
    }

    func say(_ text: String) { write(text + "\n", to: FileHandle.standardError) }

    private func write(_ text: String, to handle: FileHandle) { try? handle.write(contentsOf: Data(text.utf8)) }

    private static func show(_ progress: LoadProgress) {
        let rate = progress.seconds > 0 ? Double(progress.features) / progress.seconds : 0
        var line = "\r\u{1B}[K\(progress.features)"
        if let total = progress.total, total > 0 {
            line += " / \(total) (\(min(100, progress.features * 100 / total)) %)"
            if rate > 0 { line += String(format: "  残り %.0f 秒", Double(max(0, total - progress.features)) / rate) }
        }
        line += String(format: "  %.0f 件/秒", rate)
        try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }
}

/// Turns SIGINT and SIGTERM into a call, so that the load ends in order.
///
/// Both are blocked in every thread and waited for by one thread of their own, so that the call runs outside of any signal handler.
final class Interruption: Sendable {
    static let shared = Interruption()

    private let calls = Mutex<[@Sendable () -> Void]>([])

    private init() {
        // A closed pipe is an error of writing, not a death.
        signal(SIGPIPE, SIG_IGN)
        var awaited = sigset_t()
        sigemptyset(&awaited)
        sigaddset(&awaited, SIGINT)
        sigaddset(&awaited, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &awaited, nil)
        let thread = Thread { [self, awaited] in
            var awaited = awaited
            var number: Int32 = 0
            while sigwait(&awaited, &number) == 0 {
                for call in calls.withLock({ $0 }) { call() }
            }
        }
        thread.stackSize = 256 << 10
        thread.start()
    }

    func onInterrupt(_ call: @escaping @Sendable () -> Void) { calls.withLock { $0.append(call) } }
}
