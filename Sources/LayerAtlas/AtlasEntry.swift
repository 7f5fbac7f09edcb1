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
        /// What was open and is damaged, where it cannot be opened again, and what it has.
        var lost: (file: LayerFile, damage: String)?
        /// What viewers were shown: there are few kinds of them, and the masking of a description is not for every tile.
        var shown: [Shown] = []
    }

    private struct Shown {
        var mayReadInternal: Bool
        var access: LayerAccess
        var layer: VisibleLayer
    }

    private static let shownLimit = 4

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
                let description = try LayerDescription(stored: json)
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
                if let lost = parts.lost, lost.file.hasItsName { throw AtlasError.unreadable(layer: id, detail: lost.damage) }
                parts.lost = nil
                let file = try LayerFile.open(url)
                parts.file = file
                return file
            }
        } catch let error as AtlasError {
            throw error
        } catch {
            throw .unreadable(layer: id, detail: "\(error)")
        }
    }

    /// Reads the file again and holds it against its checksums, see `LayerScrub`. A file that nobody has asked for is opened for that alone, and kept open
    /// only where it is damaged: so it is known by then.
    /// - Parameter pause: told the bytes that were read since it was told last.
    func scrub(pause: (Int) throws -> Void) throws -> LayerAtlas.Scrubbed {
        var found = LayerAtlas.Scrubbed(layer: id, version: version)
        do {
            let file = try inPlace() ?? LayerFile.open(url)
            var scrub = try LayerScrub(file)
            while scrub.step() {
                let count = scrub.byteCount - found.byteCount
                found.byteCount = scrub.byteCount
                try pause(count)
            }
            found.damage = scrub.damage.map { "\($0)" }
            if let first = found.damage.first {
                takeUp(after: file, canBeOpened: scrub.canBeOpened, first)
            } else {
                parts.withLock { $0.lost = nil }
            }
        } catch let error as LayerFileError {
            found.damage.append("\(error)")
        }
        return found
    }

    /// The file that is open, damaged or not. Where another has taken its place, as when a backup was put back, it is let go.
    private func inPlace() -> LayerFile? {
        parts.withLock { parts in
            guard let file = parts.file ?? parts.lost?.file else { return nil }
            if file.hasItsName || access(url.path, F_OK) != 0 { return file }
            parts = Parts(description: parts.description)
            return nil
        }
    }

    /// From now on everybody is given the file opened anew, where every block is checked again and the damaged ones are refused; or nothing at all.
    private func takeUp(after file: LayerFile, canBeOpened: Bool, _ damage: String) {
        parts.withLock { parts in
            parts = Parts(description: parts.description)
            parts.file = canBeOpened ? try? file.reopened() : nil
            // What cannot be opened is told of by whoever asks for it.
            if parts.file == nil { parts.lost = (file, damage) }
        }
    }

    /// - Parameter only: names of attributes, besides which none is shown; nil for no such limit.
    func visible(to viewer: Viewer, access: LayerAccess, only: Set<String>? = nil) throws(AtlasError) -> VisibleLayer {
        if only == nil, let known = parts.withLock({ AtlasEntry.known($0, viewer, access) }) { return known }
        let file = try file()
        do {
            let layer = try VisibleLayer(self, file: file, access: access, for: viewer, only: only)
            if only == nil {
                parts.withLock { parts in
                    // Who may see it was changed: what was shown before is not asked for any more.
                    if parts.shown.count >= AtlasEntry.shownLimit { parts.shown.removeAll() }
                    parts.shown.append(Shown(mayReadInternal: viewer.mayReadInternal, access: access, layer: layer))
                }
            }
            return layer
        } catch {
            throw .unreadable(layer: id, detail: "the description in the catalogue: \(error)")
        }
    }

    /// What `visible` gives, where it was asked before; nil where the disk may have to be read. Never waits.
    func visibleAtOnce(to viewer: Viewer, access: LayerAccess) -> VisibleLayer? {
        parts.withLockIfAvailable { AtlasEntry.known($0, viewer, access) } ?? nil
    }

    /// All that counts of a viewer who has been let in is whether they may read what is internal.
    private static func known(_ parts: Parts, _ viewer: Viewer, _ access: LayerAccess) -> VisibleLayer? {
        parts.shown.first { $0.mayReadInternal == viewer.mayReadInternal && $0.access == access }?.layer
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
