public import Foundation
import Geo
import HTTPAPI
public import Logging
import Yams

/// What a server is told: by flags, by a file, else by the defaults here.
public struct ServerSettings: Sendable {
    /// The data directory.
    public var data = URL(filePath: "data")
    /// A folder with one folder a layer, loaded before the server is ready.
    public var layers: URL?
    public var host = "0.0.0.0"
    /// 0 takes any free port.
    public var port = 8080
    /// Knows no keys at all, changes nothing in the data directory.
    public var isPublic = false
    /// Where links begin; nil takes the `Host` of each request.
    public var base: BaseURL?
    public var logLevel = Logger.Level.info
    /// Seconds for one answer.
    public var deadline = 2.0
    public var work = WorkPool.Settings()
    /// Bytes of finished tiles to keep.
    public var tileCache = 64 << 20
    /// Bytes of finished tiles to keep on disk too, for the next start; 0 keeps none. What a disk is used for is its administrator's to say.
    public var tileCacheDisk = 0
    /// Where they lie; nil is the folder `tiles` of the data directory. A public server writes nothing there, so it keeps tiles on disk only where this is set.
    public var tileCacheFolder: URL?
    /// Far tiles leave out what matters least; false for comparing speed with servers that do not.
    public var thinsTiles = true
    /// Makes PNGs of legends; nil where there is nothing that does.
    public var pictures = PictureProgram.installed
    public var limits = ConnectionLimits()
    /// Seconds between looks for new publications.
    public var refreshInterval = 0.3
    /// Seconds between sweeps of withdrawn versions.
    public var sweepInterval = 60.0

    /// When layer files are read again, and how fast; nil for never.
    var scrub: Scrubber.Settings? = Scrubber.Settings()

    /// Seconds from the signal to stop until answers that are still being sent are cut off.
    public var stopTime = 20.0

    public init() {}

    /// Reads a configuration file over what is there. Relative paths are relative to the file.
    ///
    /// - Throws: `SettingsError`, which names the key.
    public mutating func read(_ file: URL) throws(SettingsError) {
        let text: String
        do {
            text = try String(contentsOf: file, encoding: .utf8)
        } catch {
            throw SettingsError(ja: "設定ファイル\(file.path)が読めません。", en: "The configuration file \(file.path) cannot be read.")
        }
        try read(yaml: text, name: file.lastPathComponent, folder: file.deletingLastPathComponent())
    }

    mutating func read(yaml: String, name: String, folder: URL) throws(SettingsError) {
        let root: Node?
        do {
            root = try compose(yaml: yaml)
        } catch {
            throw SettingsError(ja: "\(name): YAMLとして読めません。\(error)", en: "\(name) is not YAML: \(error)")
        }
        guard let root else { return }
        guard let mapping = root.mapping else {
            throw SettingsError(ja: "\(name): 「名前: 値」の並びではありません。", en: "\(name) is not a list of names and values.")
        }
        for (key, value) in mapping {
            let place = "\(name):\(key.mark?.line ?? 1)"
            try set(key.string ?? "", value, place, folder)
        }
    }

    private mutating func set(_ key: String, _ value: Node, _ place: String, _ folder: URL) throws(SettingsError) {
        func bad(_ ja: String, _ en: String) -> SettingsError {
            SettingsError(ja: "\(place): \(key) は\(ja)です。", en: "\(place): \(key) is \(en).")
        }
        func text() throws(SettingsError) -> String {
            guard let text = value.string, !text.isEmpty else { throw bad("文字列", "a text") }
            return text
        }
        func whole(_ range: ClosedRange<Int>) throws(SettingsError) -> Int {
            guard let number = value.int, range.contains(number) else {
                throw bad("\(range.lowerBound)から\(range.upperBound)の整数", "a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        func seconds() throws(SettingsError) -> Double {
            guard let number = value.float, number > 0, number <= 3600 else { throw bad("秒数（3600まで）", "a number of seconds up to 3600") }
            return number
        }
        switch key {
        case "data": data = URL(filePath: try text(), relativeTo: folder)
        case "layers": layers = URL(filePath: try text(), relativeTo: folder)
        case "host": host = try text()
        case "port": port = try whole(0...65_535)
        case "public":
            guard let flag = value.bool else { throw bad("trueかfalse", "true or false") }
            isPublic = flag
        case "base-url":
            guard let url = BaseURL(configured: try text()) else { throw bad("http://かhttps://で始まるアドレス", "an address of http or https") }
            base = url
        case "log-level":
            guard let level = Logger.Level(rawValue: try text()) else {
                throw bad(
                    "trace、debug、info、notice、warning、error、criticalのどれか", "one of trace, debug, info, notice, warning, error, critical")
            }
            logLevel = level
        case "deadline": deadline = try seconds()
        case "threads": work.threads = try whole(1...1024)
        case "queue": work.queue = try whole(1...100_000)
        case "tile-cache-mib": tileCache = try whole(1...1_048_576) << 20
        case "tile-cache-disk-mib": tileCacheDisk = try whole(0...1_048_576) << 20
        case "tile-cache-folder": tileCacheFolder = URL(filePath: try text(), relativeTo: folder)
        case "scrub-hours":
            let hours = try whole(0...8760)
            if hours == 0 { scrub = nil } else { scrub?.interval = Double(hours) * 3600 }
        case "scrub-mib-per-second":
            // Together with hours of 0 it means nothing.
            scrub?.pace = try whole(1...65_536) << 20
        case "thin-tiles":
            guard let flag = value.bool else { throw bad("trueかfalse", "true or false") }
            thinsTiles = flag
        case "connections": limits.connections = try whole(1...1_000_000)
        case "connections-per-address": limits.connectionsPerAddress = try whole(1...1_000_000)
        default:
            throw SettingsError(
                ja: "\(place): 「\(key)」という設定はありません。使えるもの: \(ServerSettings.keys)",
                en: "\(place): there is no setting “\(key)”. There are: \(ServerSettings.keys)")
        }
    }

    static let keys =
        "data, layers, host, port, public, base-url, log-level, deadline, threads, queue, tile-cache-mib, tile-cache-disk-mib, tile-cache-folder, thin-tiles, "
        + "scrub-hours, scrub-mib-per-second, connections, connections-per-address"
}

/// A setting that cannot be.
public struct SettingsError: Error, Sendable, Equatable {
    public var message: LocalizedText

    init(ja: String, en: String) {
        message = LocalizedText(ja: ja, en: en)
    }
}
