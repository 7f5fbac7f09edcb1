import Geo
import LayerCatalog

/// Why a viewer does not get a layer.
public enum AtlasError: Error, Sendable, Equatable {
    /// There is no such layer, or the viewer may not see it: the two are never told apart.
    case noSuchLayer(String)
    /// The layer is there, but not this version of it, or not any more.
    case noSuchVersion(layer: String, version: String)
    /// The layer is there and the viewer may see it, but its file is missing or damaged. Nothing is known of what it holds.
    case unreadable(layer: String, detail: String)
    /// The catalogue failed.
    case catalogue(CatalogueError)

    /// Stable.
    public var code: String {
        switch self {
        case .noSuchLayer, .noSuchVersion: "not-found"
        case .unreadable: "unreadable"
        case .catalogue: "catalogue"
        }
    }
}
