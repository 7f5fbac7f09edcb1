import Foundation
import Geo

/// The key that seals cursors, kept in the data directory so that paging goes on after a restart, and on every copy of the directory.
enum CursorKeyFile {
    static let name = "cursor.key"
    private static let length = 32

    /// The data directory cannot keep the key.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// The kept key; a new one where there is none.
    /// - Parameter mayWrite: whether a new one is kept. Otherwise it lasts as long as the process.
    static func key(in directory: URL, mayWrite: Bool) throws(Failure) -> [UInt8] {
        let path = directory.appending(path: name).path
        if let kept = FileManager.default.contents(atPath: path), kept.count == length { return Array(kept) }
        var random = SystemRandomNumberGenerator()
        let key = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        guard mayWrite else { return key }
        // Written whole under another name first: two servers that start together end with one key, the last one's, and read it at the next start.
        let temporary = path + "." + UUID().uuidString
        guard
            FileManager.default.createFile(atPath: temporary, contents: Data(key), attributes: [.posixPermissions: 0o600]),
            rename(temporary, path) == 0
        else { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
        return key
    }
}
