public import Geo
import Glibc

/// What an archive says of itself, besides its tiles.
public struct ArchiveContent: Sendable, Equatable {
    public var name: String
    public var description: String
    /// In HTML or text, as maps show it.
    public var attribution: String
    /// Layers and their versions, for people.
    public var versions: String
    public var zooms: ClosedRange<Int>
    /// In degrees.
    public var bounds: Envelope
    /// A JSON array, as TileJSON 3.0.0, 3.3 has it.
    public var vectorLayers: String
    /// A JSON object: for each layer and zoom the features that tiles do not draw by themselves, as TileJSON of the server has it.
    public var leftOut: String
    /// What the tiles are made from: layers, versions, attributes. An archive that was begun from something else is not gone on with.
    public var origin: String

    public init(
        name: String, description: String, attribution: String, versions: String, zooms: ClosedRange<Int>, bounds: Envelope,
        vectorLayers: String, leftOut: String, origin: String
    ) {
        self.name = name
        self.description = description
        self.attribution = attribution
        self.versions = versions
        self.zooms = zooms
        self.bounds = bounds
        self.vectorLayers = vectorLayers
        self.leftOut = leftOut
        self.origin = origin
    }
}

/// A file of tiles that is being written.
///
/// Tiles come in the order of their numbers (`TileNumber`), each once, compressed with gzip. What `add` was given before a `flush` is there after
/// a crash.
public protocol TileArchive: AnyObject {
    /// The number of the last tile that an earlier, interrupted run wrote; nil when there is none.
    var lastNumber: UInt64? { get }
    /// Tiles written so far, those of earlier runs included.
    var count: Int { get }
    func add(_ tile: TileCoordinate, _ bytes: [UInt8]) throws
    func flush() throws
    /// Puts the whole file in its place, in one step. Nothing can be added afterwards.
    func finish() throws
}

/// Why an archive cannot be written.
public struct ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
    public var message: LocalizedText

    init(ja: String, en: String) {
        message = LocalizedText(ja: ja, en: en)
    }

    public var description: String { message.text("en") }

    static func system(_ what: String, _ path: String) -> ArchiveError {
        let reason = String(cString: strerror(errno))
        return ArchiveError(ja: "\(path) に書けません（\(what)：\(reason)）。", en: "\(path) cannot be written (\(what): \(reason)).")
    }
}
