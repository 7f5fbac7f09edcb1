import Foundation
import Testing

@testable import Server

struct SettingsDocumentTests {
    /// The keys in the table of README.md, and what it says of them.
    private let rows: [(keys: [String], words: Substring)]

    init() throws {
        let readme = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        let section = try #require(text.split(separator: "\n## ").first { $0.hasPrefix("Settings\n") })
        rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            let cells = row.split(separator: "|")
            return (cells[0].split(separator: "`").map(String.init).filter { $0.contains(/[a-z]/) }, cells[1])
        }
    }

    @Test func `README names every setting`() {
        let known = ServerSettings.keys.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(rows.flatMap(\.keys).sorted() == known.sorted())
    }

    @Test func `README says what holds without a setting`() throws {
        let settings = ServerSettings()
        let said = Dictionary(uniqueKeysWithValues: rows.map { ($0.keys.joined(separator: " "), $0.words) })
        func expect(_ keys: String, _ values: String...) {
            for value in values { #expect(said[keys]?.contains(value) == true, "\(keys): \(value)") }
        }
        expect("deadline", ": \(Int(settings.deadline)) ")
        expect("threads queue", ": \(settings.work.queue) ")
        expect("tile-cache-mib", ": \(settings.tileCache >> 20) ")
        expect("log-level", "`\(settings.logLevel)`")
        expect("thin-tiles", "`\(settings.thinsTiles)`")
        let scrub = try #require(settings.scrub)
        expect("scrub-hours scrub-mib-per-second", " \(Int(scrub.interval / 3600)) hours", " \(scrub.pace >> 20) MiB")
        let limits = settings.limits
        expect(
            "connections connections-per-address", limits.connections.formatted(.number.locale(Locale(identifier: "en_US"))),
            " \(limits.connectionsPerAddress) ")
        #expect(settings.tileCacheDisk == 0 && said["tile-cache-disk-mib tile-cache-folder"]?.contains(": none;") == true)
    }
}
