public import Descriptions
public import Foundation

/// What to load, as what, and what was accepted.
public struct LoadRequest: Sendable {
    /// A file, or a folder that is one source (a file geodatabase).
    public var source: URL
    /// What the layer is. Its `source` is not looked at; the settings below count.
    public var description: LayerDescription
    public var sourceLayer: String?
    /// Such as `EPSG:6677`; nil to take what the file says.
    public var crs: String?
    public var encoding: String?
    /// The column that holds the features' ids.
    public var idColumn: String?
    /// The name of a known kind of data, such as `ksj-a31a`.
    public var preset: String?
    /// Accepted codes.
    public var accepted: Set<String>
    /// Why, by code, where somebody said so.
    public var reasons: [String: String]
    /// Somebody vouches for the file: without a jail it is read in the open.
    public var isTrusted: Bool
    /// Where `hazard.coverage` is looked for.
    public var folder: URL?
    public var publishes: Bool
    /// Who loads, for the audit log.
    public var actor: String
    /// What a `--layers` folder is known by; nil for other loads.
    public var folderHash: String?
    /// Where the published version's file cannot be opened, features without ids of their own get new numbers; otherwise such a load is refused.
    public var mayLoseNumbers = false

    public init(
        source: URL, description: LayerDescription, sourceLayer: String? = nil, crs: String? = nil, encoding: String? = nil,
        idColumn: String? = nil, accepted: Set<String> = [], reasons: [String: String] = [:], isTrusted: Bool = false, folder: URL? = nil,
        publishes: Bool = false, actor: String = "command", folderHash: String? = nil
    ) {
        self.source = source.standardizedFileURL
        self.description = description
        self.sourceLayer = sourceLayer
        self.crs = crs
        self.encoding = encoding
        self.idColumn = idColumn
        preset = description.source?.preset
        self.accepted = accepted
        self.reasons = reasons
        self.isTrusted = isTrusted
        self.folder = folder
        self.publishes = publishes
        self.actor = actor
        self.folderHash = folderHash
    }

    /// With what the description itself says about its source.
    public init(_ description: LayerDescription, in folder: URL, actor: String) throws(LoadError) {
        guard let source = description.source else {
            throw LoadError(
                "no-source", ja: "layer.yaml に source がありません（\(description.id)）。", en: "layer.yaml names no source (\(description.id)).")
        }
        let file = source.file.hasPrefix("/") ? URL(fileURLWithPath: source.file) : folder.appendingPathComponent(source.file)
        self.init(
            source: file, description: description, sourceLayer: source.layer, crs: source.crs, encoding: source.encoding,
            idColumn: source.id, accepted: Set(description.accept), isTrusted: true, folder: folder, publishes: true, actor: actor)
    }
}

/// How far a load is.
public struct LoadProgress: Sendable {
    public var features: Int
    /// As the source declares it; nil when it does not.
    public var total: Int?
    public var seconds: Double
}

/// What a load needs from around it.
public struct LoadSettings: Sendable {
    public var limits = ImportJail.Limits()
    /// Bytes of the sort buffer.
    public var memoryLimit = 96 << 20
    /// Folders to look for grids of datum shifts in.
    public var gridDirectories: [String] = []
    public var cancellation = Cancellation()
    public var progress: (@Sendable (LoadProgress) -> Void)?
    public var clock: @Sendable () -> Date = { Date() }

    public init() {}
}
