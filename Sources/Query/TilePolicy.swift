public import Descriptions
import Geo

/// What a tile leaves out, and how it makes up for it.
public struct TilePolicy: Sendable, Hashable {
    /// Where not everything fits, features that matter less wait for a closer zoom (`LevelOfDetail`), polygons too small to see are shown by
    /// their share of area (`Dust`), and vertices that make no difference are left out (`VertexLevel`). False: everything is drawn that leaves a mark on
    /// the grid, every vertex of it, however many bytes that takes.
    public var thins = true
    /// Never show less than there is, for hazards: what is drawn covers what it stands for, and what is too small or left out is not shown by less than its
    /// area.
    public var coversAll = false
    /// The attribute that the style tells classes by; areas of different classes are not added up, and what stands for them carries its value.
    public var classAttribute: String?
    /// A second one that the style tells classes by: the phenomenon of landslides.
    public var phenomenonAttribute: String?
    /// Says which class of a hazard is graver: where not all can be shown, it is.
    public var scheme: ClassScheme?

    public init(
        thins: Bool = true, coversAll: Bool = false, classAttribute: String? = nil, phenomenonAttribute: String? = nil,
        scheme: ClassScheme? = nil
    ) {
        self.thins = thins
        self.coversAll = coversAll
        self.classAttribute = classAttribute
        self.phenomenonAttribute = phenomenonAttribute
        self.scheme = scheme
    }

    /// Schemes that differ mostly have different names.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(thins)
        hasher.combine(coversAll)
        hasher.combine(classAttribute)
        hasher.combine(phenomenonAttribute)
        hasher.combine(scheme?.name)
        hasher.combine(byteLimit)
    }

    /// How grave a class is; one that its scheme does not know is graver than all.
    func gravity(_ value: AttributeValue, _ phenomenon: AttributeValue) -> Int {
        guard let scheme else { return 0 }
        return scheme.classify(value, phenomenon: phenomenon)?.gravity ?? .max
    }

    /// Bytes of the layer in the tile, uncompressed, beyond which more is left out than was planned.
    var byteLimit = TilePolicy.byteLimit

    /// The most bytes of a tile, uncompressed. Budgets are kept beforehand, by estimate; a tile that goes over all the same leaves out as much as the
    /// zooms farther out do.
    public static let byteLimit = 500_000
}

/// A vector tile with what is to be said about it.
public struct DrawnTile: Sendable, Equatable {
    /// MVT 2.1, uncompressed; empty when nothing of the layer lies in the tile.
    public var bytes: [UInt8]
    /// Features with something in the tile or its buffer that are not in it by themselves. What they cover may be: see `TilePolicy`.
    public var leftOut: Int

    public init(bytes: [UInt8], leftOut: Int) {
        self.bytes = bytes
        self.leftOut = leftOut
    }
}
