import CQL2
import Foundation
import Testing

/// The examples and the schema that come with the standard (OGC 21-065r2), which lie beside the repository and are no part of it.
enum StandardExamples {
    /// The folder; nil, with a word about it, when it is not there.
    static let folder: URL? = {
        let named = ProcessInfo.processInfo.environment["KASANE_SHARED_DATA"].map { URL(fileURLWithPath: $0) }
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let place = (named ?? repository.deletingLastPathComponent().appendingPathComponent("shared/data"))
            .appendingPathComponent("conformance/cql2/schema")
        if FileManager.default.fileExists(atPath: place.path) { return place }
        print("no \(place.path); tests with the standard's examples are skipped")
        return nil
    }()

    /// A folder of files with an ending, by name; empty when there is no shared data, which strict runs do not forgive.
    private static func files(_ subfolder: String, _ ending: String) throws -> [(name: String, bytes: [UInt8])] {
        guard let folder else {
            if ProcessInfo.processInfo.environment["KASANE_STRICT"] == "1" { Issue.record("no shared data, and KASANE_STRICT=1") }
            return []
        }
        let place = folder.appendingPathComponent(subfolder)
        return try FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == ending }.sorted { $0.path < $1.path }
            .map { ($0.deletingPathExtension().lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    static func texts() throws -> [(name: String, text: String)] {
        try files("examples/text", "txt").map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) }
    }

    static func jsons() throws -> [(name: String, bytes: [UInt8])] { try files("examples/json", "json") }

    static func schema() throws -> SchemaCheck? {
        guard let bytes = try files("", "json").first(where: { $0.name == "cql2" })?.bytes else { return nil }
        return SchemaCheck(try JSONValue(reading: bytes))
    }
}
