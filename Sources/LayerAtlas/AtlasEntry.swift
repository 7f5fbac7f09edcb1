import Access
import Descriptions
import Foundation
import LayerCatalog
import LayerStore
import Synchronization

/// One version of a layer in the atlas: its description is read, and its file opened, when somebody first asks.
final class AtlasEntry: Sendable {
    let id: String
    let version: String
    private let url: URL
    private let json: Data
    private let parts = Mutex(Parts())

    private struct Parts {
        var description: LayerDescription?
        var file: LayerFile?
    }

    init(id: String, version: String, descriptionJSON: Data, url: URL) {
        self.id = id
        self.version = version
        self.url = url
        json = descriptionJSON
    }

    var description: LayerDescription {
        get throws {
            try parts.withLock { parts in
                if let description = parts.description { return description }
                let description = try JSONDecoder().decode(LayerDescription.self, from: json)
                parts.description = description
                return description
            }
        }
    }

    /// Opens the file once. A file that cannot be opened is tried again the next time, so that one put back is found.
    func file() throws(AtlasError) -> LayerFile {
        do {
            return try parts.withLock { parts in
                if let file = parts.file { return file }
                let file = try LayerFile.open(url)
                parts.file = file
                return file
            }
        } catch {
            throw .unreadable(layer: id, detail: "\(error)")
        }
    }

    /// - Parameter only: names of attributes, besides which none is shown; nil for no such limit.
    func visible(to viewer: Viewer, access: LayerAccess, only: Set<String>? = nil) throws(AtlasError) -> VisibleLayer {
        let file = try file()
        do {
            return try VisibleLayer(self, file: file, access: access, for: viewer, only: only)
        } catch {
            throw .unreadable(layer: id, detail: "the description in the catalogue: \(error)")
        }
    }
}

extension LayerAccess {
    func allows(_ viewer: Viewer) -> Bool {
        switch self {
        case .public: true
        case .internal: viewer.mayReadInternal
        case .departments(let departments): viewer.mayReadInternal && viewer.belongs(toOneOf: departments)
        }
    }
}
