import Descriptions
import Foundation
import Geo

/// What has become of a version of a layer.
public enum VersionState: String, Sendable, Codable, CaseIterable {
    /// Loaded; only the command line sees it.
    case draft
    /// The one that readers get.
    case published
    /// Was published before; its file is kept to go back to, and for pages that began on it.
    case superseded
    /// Withdrawn, or superseded for long; its file goes at the next sweep.
    case retired
}

/// One version of a layer, as the catalogue knows it.
public struct VersionRecord: Sendable, Equatable {
    public var layer: String
    /// Such as `v000012-5be10c9a`; see `Catalogue.reserveVersion(of:)`.
    public var name: String
    public var state: VersionState
    /// As it was when the version was loaded, as it is kept.
    public var descriptionJSON: String
    /// Bytes of the layer file.
    public var byteCount: Int
    /// SHA-256 of the layer file, hexadecimal, where the loader gave it.
    public var fileHash: String?
    public var featureCount: Int
    /// A hash over everything a `--layers` folder gave; nil for other loads.
    public var sourceHash: String?
    public var loadedAt: Date
    /// When it was last published.
    public var publishedAt: Date?
    /// When another took its place or it was withdrawn, last time.
    public var supersededAt: Date?
    /// The layer file is still kept.
    public var hasFile: Bool

    /// What the layer was when the version was loaded.
    /// - Throws: `damaged`; what else the record says holds all the same.
    public var description: LayerDescription {
        get throws(CatalogueError) {
            do {
                return try LayerDescription(stored: Data(descriptionJSON.utf8))
            } catch {
                throw .damaged("description")
            }
        }
    }
}

/// A version that was just loaded: its file lies in its place and is durable.
public struct NewVersion: Sendable {
    public var layer: String
    /// From `Catalogue.reserveVersion(of:)`.
    public var name: String
    public var description: LayerDescription
    public var byteCount: Int
    public var fileHash: String?
    public var featureCount: Int
    /// The number the next new feature gets; see `Catalogue.nextNumber(of:)`.
    public var nextNumber: UInt64
    public var sourceHash: String?
    /// The load's report as JSON.
    public var report: String

    public init(
        layer: String, name: String, description: LayerDescription, byteCount: Int, fileHash: String? = nil, featureCount: Int,
        nextNumber: UInt64, sourceHash: String? = nil, report: String = "{}"
    ) {
        self.layer = layer
        self.name = name
        self.description = description
        self.byteCount = byteCount
        self.fileHash = fileHash
        self.featureCount = featureCount
        self.nextNumber = nextNumber
        self.sourceHash = sourceHash
        self.report = report
    }
}

/// A layer, as the catalogue knows it.
public struct LayerRecord: Sendable, Equatable {
    public var id: String
    /// Who may see it now, whichever version is published.
    public var access: LayerAccess
    /// The published version; nil when there is none.
    public var current: String?
    public var createdAt: Date
}

/// A published layer as the atlas needs it; the description stays JSON until somebody asks.
public struct PublishedLayer: Sendable, Equatable {
    public var id: String
    public var access: LayerAccess
    public var version: String
    public var descriptionJSON: Data
}

/// What has been published and withdrawn since some count of changes.
public struct CatalogueChanges: Sendable {
    /// The count this brings the reader up to.
    public var counter: Int64
    public var published: [PublishedLayer]
    /// Layers that have no published version any more.
    public var withdrawn: [String]
    public var town: TownDescription?
}
