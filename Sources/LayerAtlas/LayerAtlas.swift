import Access
import Descriptions
import Foundation
import Geo
import LayerCatalog
import LayerStore
public import SpatialIndex
import Synchronization

/// The published layers, for whoever may see them: the only door to their rows.
///
/// The atlas holds a picture of the catalogue's publications. `refresh()` looks for new ones and swaps the picture in one step; a
/// `VisibleLayer` that was handed out before goes on with its own version until it is let go.
public final class LayerAtlas: Sendable {
    private struct Picture {
        var counter: Int64 = -1
        var layers: [String: Place] = [:]
        var town: TownDescription?
    }

    /// A layer that is published now, and who may see it now.
    private struct Place {
        var access: LayerAccess
        var entry: AtlasEntry
    }

    private struct VersionKey: Hashable {
        var layer: String
        var version: String
    }

    private let directory: URL
    private let catalogue: Catalogue
    private let picture = Mutex(Picture())
    /// Versions that are not the published ones, for pages that began on them, and until when.
    private let earlier = Mutex<[VersionKey: (entry: AtlasEntry, end: Date)]>([:])
    private let refreshing = Mutex(())
    private let swaps = Atomic<Int>(0)
    private let replacements = Mutex<[Replacement]>([])
    /// The atlas of a program that never asks keeps no more.
    private static let replacementLimit = 256

    /// Reads what is published; opens no layer file.
    public init(dataDirectory: URL, catalogue: Catalogue) throws(AtlasError) {
        directory = dataDirectory
        self.catalogue = catalogue
        _ = try refresh()
    }

    /// The published version of a layer.
    /// - Throws: `noSuchLayer` when there is none or the viewer may not see it; `unreadable` when its file is missing or damaged.
    public func layer(_ id: String, for viewer: Viewer) throws(AtlasError) -> VisibleLayer {
        let place = try place(id, viewer)
        return try place.entry.visible(to: viewer, access: place.access)
    }

    /// The same where that takes no look at the disk, because somebody like this viewer has asked for it before; nil otherwise. Never waits.
    /// - Throws: `noSuchLayer`.
    public func layerAtOnce(_ id: String, for viewer: Viewer) throws(AtlasError) -> VisibleLayer? {
        let place = try place(id, viewer)
        return place.entry.visibleAtOnce(to: viewer, access: place.access)
    }

    /// Counts the changes of what is published and for whom. Whatever is answered after it was read is answered from the picture of that number or a later
    /// one; so what was answered between two readings of the same number may be answered again.
    public var pictureNumber: Int { swaps.load(ordering: .acquiring) }

    /// A version of a layer that is published, or was until `Catalogue.grace` ago: pages go on with the version that they began with.
    ///
    /// Who may see it, and which attributes, is decided by what the layer is now.
    /// - Throws: also `noSuchVersion`
    public func layer(_ id: String, version: String, for viewer: Viewer) throws(AtlasError) -> VisibleLayer {
        let place = try place(id, viewer)
        if place.entry.version == version { return try place.entry.visible(to: viewer, access: place.access) }
        // What is no longer shown is not shown by an old address either.
        let shown = viewer.mayReadInternal ? nil : Set(try place.entry.visible(to: viewer, access: place.access).attributes.map(\.name))
        let layer = try earlierEntry(id, version).visible(to: viewer, access: place.access, only: shown)
        // Its features are known by an attribute that is hidden now.
        if layer.hidesIdentity { throw .noSuchVersion(layer: id, version: version) }
        return layer
    }

    /// Every layer that the viewer may see and whose file can be opened, by theme and id.
    public func layers(for viewer: Viewer) -> [VisibleLayer] {
        listing(for: viewer).compactMap { listed in
            do {
                return try layer(listed.id, for: viewer)
            } catch {
                // Withdrawn a moment ago, or unreadable: `listing` still has it, and asking for it alone says why.
                return nil
            }
        }
    }

    /// A layer as far as the catalogue knows it, without its file.
    public struct ListedLayer: Sendable {
        public let id: String
        public let version: String
        /// Without the attributes that the viewer may not see.
        public let description: LayerDescription
        /// False where the description cannot be read: what the layer is, is then not known, and `description` says no more than its id.
        public var isReadable = true
    }

    /// Every layer that the viewer may see, readable or not, by theme and id. Opens no file.
    /// - Parameter isWanted: Leaves out the others before they are sorted; never one whose description cannot be read.
    public func listing(for viewer: Viewer, where isWanted: (LayerDescription) -> Bool = { _ in true }) -> [ListedLayer] {
        let places = picture.withLock { $0.layers.values.filter { $0.access.allows(viewer) } }
        return places.compactMap { place in
            do {
                let description = try place.entry.description
                guard isWanted(description) else { return nil }
                return ListedLayer(
                    id: place.entry.id, version: place.entry.version,
                    description: description.masked(for: viewer, access: place.access))
            } catch {
                // A description that this program cannot read: the layer is listed with all that is known of it.
                let unknown = LayerDescription(id: place.entry.id, title: LocalizedText(ja: place.entry.id), access: place.access)
                return ListedLayer(id: place.entry.id, version: place.entry.version, description: unknown, isReadable: false)
            }
        }
        .sorted { ($0.description.theme, $0.id) < ($1.description.theme, $1.id) }
    }

    /// The hazards the town answers for.
    public var town: TownDescription? { picture.withLock { $0.town } }

    /// Who holds a key; nil for a key that is not good.
    public func viewer(forKey key: String) throws(AtlasError) -> Viewer? {
        do { return try catalogue.viewer(forKey: key) } catch { throw .catalogue(error) }
    }

    /// Looks for publications since the last look, by whichever process. Cheap when there are none: call it every half second or so.
    /// - Returns: Whether there were any.
    @discardableResult
    public func refresh() throws(AtlasError) -> Bool {
        do {
            return try refreshing.withLock { _ in
                let (counter, layers) = picture.withLock { ($0.counter, $0.layers) }
                let newest = try catalogue.changeCounter()
                if newest == counter { return false }
                // A catalogue that counts less than before was restored from a backup: everything may have changed.
                let isContinued = newest > counter && counter >= 0
                let changes = try catalogue.changes(since: isContinued ? counter : -1)
                var next = Picture(counter: changes.counter, layers: isContinued ? layers : [:], town: changes.town)
                for layer in changes.published {
                    let known = layers[layer.id].flatMap { $0.entry.version == layer.version ? $0.entry : nil }
                    let entry = known ?? entry(layer.id, layer.version, layer.descriptionJSON)
                    next.layers[layer.id] = Place(access: layer.access, entry: entry)
                    if let before = layers[layer.id]?.entry, before.version != entry.version {
                        let replacement = Replacement(layer: layer.id, before: before, now: entry)
                        replacements.withLock { if $0.count < LayerAtlas.replacementLimit { $0.append(replacement) } }
                    }
                }
                for id in changes.withdrawn { next.layers[id] = nil }
                let changed = Set(changes.published.map(\.id) + changes.withdrawn)
                earlier.withLock { earlier in
                    if isContinued { earlier = earlier.filter { !changed.contains($0.key.layer) } } else { earlier = [:] }
                }
                picture.withLock { $0 = next }
                // After the swap: who reads the number first and the picture then must not take the old one for the new.
                swaps.add(1, ordering: .releasing)
                return true
            }
        } catch let error as CatalogueError {
            throw .catalogue(error)
        } catch {
            throw .catalogue(.storage("\(error)"))
        }
    }

    /// A version of a layer that took the place of another.
    public struct Replacement: Sendable {
        public let layer: String
        let before: AtlasEntry
        let now: AtlasEntry

        public var versionBefore: String { before.version }
        public var version: String { now.version }

        /// Envelopes of all features that are drawn otherwise than before, see `LayerFile.drawnChanges`; nil when that is everything.
        /// - Throws: `AtlasError` for a file that cannot be opened, `LayerFileError`, and what `check` throws.
        public func drawnChanges(limit: Int, check: () throws -> Void) throws -> [IndexBox]? {
            try now.file().drawnChanges(since: before.file(), limit: limit, check: check)
        }
    }

    /// The replacements since this was last asked, in their order.
    public func takeReplacements() -> [Replacement] {
        replacements.withLock { replacements in
            defer { replacements = [] }
            return replacements
        }
    }

    /// What came of reading a published file again.
    public struct Scrubbed: Sendable {
        public let layer: String
        public let version: String
        public internal(set) var byteCount = 0
        /// What is damaged or cannot be read, in words for the log; nothing when all is well.
        public internal(set) var damage: [String] = []
    }

    /// Reads the file of every layer that is published now from front to back and holds it against its checksums, blocks that were checked before too. What is
    /// damaged is refused from then on, as `unreadable`; the rest of the layer is answered as before.
    /// - Parameters:
    ///   - pause: called after each 64 KiB or so, with the bytes that were read; may wait, and may end it by throwing.
    ///   - report: told of each layer, the moment it is read.
    /// - Complexity: O(bytes of all layers)
    public func scrub(pause: (_ bytes: Int) throws -> Void, report: (Scrubbed) -> Void) throws {
        let entries = picture.withLock { $0.layers.values.map(\.entry) }
        for entry in entries.sorted(by: { $0.id < $1.id }) {
            let found = try entry.scrub(pause: pause)
            // Withdrawn, or replaced and swept, while it was read: nobody asks for it any more.
            let isCurrent = picture.withLock { $0.layers[entry.id]?.entry === entry }
            if isCurrent || found.damage.isEmpty { report(found) }
        }
    }

    /// Removes the files of versions that were withdrawn, or superseded by several others, longer ago than `Catalogue.grace`. What is still
    /// read stays readable: a file without a name lives until it is let go.
    /// - Returns: How many files were removed.
    @discardableResult
    public func sweep() throws(AtlasError) -> Int {
        do {
            let expired = try catalogue.expireVersions()
            for version in expired {
                let url = catalogue.file(of: version.layer, version: version.name)
                do {
                    try FileManager.default.removeItem(at: url)
                } catch CocoaError.fileNoSuchFile {
                    // Gone already: an earlier sweep was cut short.
                }
                try catalogue.fileIsGone(version)
                earlier.withLock { $0[VersionKey(layer: version.layer, version: version.name)] = nil }
            }
            return expired.count
        } catch let error as CatalogueError {
            throw .catalogue(error)
        } catch {
            throw .catalogue(.storage("a layer file cannot be removed: \(error)"))
        }
    }

    // MARK: - How it works

    private func place(_ id: String, _ viewer: Viewer) throws(AtlasError) -> Place {
        guard let place = picture.withLock({ $0.layers[id] }), place.access.allows(viewer) else { throw .noSuchLayer(id) }
        return place
    }

    private func earlierEntry(_ id: String, _ version: String) throws(AtlasError) -> AtlasEntry {
        let key = VersionKey(layer: id, version: version)
        let now = catalogue.now()
        let known = earlier.withLock { earlier in
            if let end = earlier[key]?.end, end <= now { earlier[key] = nil }
            return earlier[key]?.entry
        }
        if let known { return known }
        let record: VersionRecord
        do {
            record = try catalogue.version(version, of: id)
        } catch {
            switch error {
            case .noSuchLayer, .noSuchVersion: throw .noSuchVersion(layer: id, version: version)
            default: throw .catalogue(error)
            }
        }
        // Drafts are nobody's, and a version that was withdrawn is not to be seen again. A number alone is no name here. What was published a moment ago
        // is current at the next look.
        let end: Date? =
            switch record.state {
            case .published: now + Catalogue.grace
            case .superseded: record.supersededAt.map { $0 + Catalogue.grace }
            case .draft, .retired: nil
            }
        guard record.name == version, record.hasFile, let end, end > now else { throw .noSuchVersion(layer: id, version: version) }
        let entry = entry(id, version, Data(record.descriptionJSON.utf8))
        earlier.withLock { $0[key] = (entry, end) }
        return entry
    }

    private func entry(_ id: String, _ version: String, _ descriptionJSON: Data) -> AtlasEntry {
        let url = directory.appending(path: "layers").appending(path: id).appending(path: version + ".layer")
        return AtlasEntry(id: id, version: version, descriptionJSON: descriptionJSON, url: url)
    }
}
