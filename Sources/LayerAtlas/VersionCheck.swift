import Foundation
import Geo
public import LayerCatalog
import LayerStore

/// Whether a version can be shown: asked before it is published, because afterwards it is too late.
public enum VersionCheck {
    /// Reads the whole file of a version and holds it against its checksums.
    /// - Complexity: O(bytes)
    /// - Throws: `unreadable`, when the file is missing or damaged; `catalogue`, when the version's description is.
    public static func verify(_ version: VersionRecord, in catalogue: Catalogue) throws(AtlasError) {
        do throws(CatalogueError) { _ = try version.description } catch { throw .catalogue(error) }
        do throws(LayerFileError) {
            let file = try LayerFile.open(catalogue.file(of: version.layer, version: version.name))
            try file.verify()
        } catch {
            throw .unreadable(layer: version.layer, detail: "\(error)")
        }
    }
}
