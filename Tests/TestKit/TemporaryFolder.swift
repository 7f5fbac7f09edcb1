import FoundationEssentials

/// A folder for one test, removed when the test lets go of it.
public final class TemporaryFolder: Sendable {
    public let url: URL

    public init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "kasane-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        // A folder that stays behind is the system's to clear; a test cannot fail in deinit.
        try? FileManager.default.removeItem(at: url)
    }

    public func path(_ name: String) -> URL { url.appending(path: name) }
}
