import Access
import Descriptions
import Geo
public import LayerStore

/// A version of a layer as one viewer sees it: what is not for them is not in it.
///
/// Only the atlas makes one, so whoever holds it has been let in. It keeps its file open: a publication meanwhile does not disturb it.
public struct VisibleLayer: Sendable {
    public let id: String
    /// Without the attributes that the viewer may not see.
    public let description: LayerDescription
    /// Names these bytes and no others, ever; fit for ETags.
    public let version: String
    /// The attributes that the viewer sees, in order.
    public let attributes: [Attribute]
    /// For each of `attributes` its index in the file.
    public let columns: [Int]
    /// Everybody may see the layer.
    public let isPublic: Bool
    /// The answer depends on who asks: the layer, or one of its attributes, is not for everybody.
    public let variesByViewer: Bool
    /// The features of an earlier version are known by an attribute that is not shown any more.
    let hidesIdentity: Bool
    /// The file with everything in it: read through `columns`.
    @_spi(Rows) public let file: LayerFile

    init(_ layer: AtlasEntry, file: LayerFile, access: LayerAccess, for viewer: Viewer, only: Set<String>? = nil) throws {
        id = layer.id
        version = layer.version
        self.file = file
        isPublic = access == .public
        let full = try layer.description
        // Both the file and the description may hide an attribute; the stricter counts.
        func isHidden(_ attribute: Attribute) -> Bool {
            attribute.visibility != .public || full.attribute(attribute.name)?.visibility == .internal
                || only.map { !$0.contains(attribute.name) } ?? false
        }
        variesByViewer = !isPublic || file.attributes.contains(where: isHidden)
        columns = file.attributes.indices.filter { viewer.mayReadInternal || !isHidden(file.attributes[$0]) }
        attributes = columns.map { file.attributes[$0] }
        description = full.masked(for: viewer, access: access, only: only)
        let id = file.identity == .content ? nil : file.idColumn
        hidesIdentity = only.map { only in id.map { !only.contains(file.attributes[$0].name) } ?? false } ?? false
    }

    /// Of all geometries, in degrees; nil when there is none.
    public var extent: Envelope? { file.extent }

    public var geometryKinds: [GeometryKind] { file.geometryKinds }

    public var featureCount: Int { file.rowCount }

    /// Where the layer comes from and, for a hazard, where it was surveyed.
    public var facts: LayerFacts { file.facts }
}

extension LayerDescription {
    /// Without what is only for others: hidden attributes, the source, and the findings that were accepted.
    func masked(for viewer: Viewer, access: LayerAccess, only: Set<String>? = nil) -> LayerDescription {
        var result = self
        result.access = access
        guard !viewer.mayReadInternal else { return result }
        result.source = nil
        result.accept = []
        let internalNames = Set(attributes.filter { $0.visibility == .internal }.map(\.name))
        func isHidden(_ name: String) -> Bool { internalNames.contains(name) || only.map { !$0.contains(name) } ?? false }
        result.attributes.removeAll { isHidden($0.name) }
        // The names of a hidden time stay: without them another attribute would be taken for it. They are in no answer.
        if let by = style.by, isHidden(by) {
            result.style.by = nil
            result.style.colors = []
        }
        if let label = style.label, isHidden(label) { result.style.label = nil }
        if let importance = style.importance, isHidden(importance) { result.style.importance = nil }
        return result
    }
}
