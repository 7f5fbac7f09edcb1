import Geo
import Tiles

/// The addresses of all resources, absolute, their variable parts encoded.
struct Addresses: Sendable {
    let base: String

    init(_ base: BaseURL) {
        self.base = base.text
    }

    var landing: String { base + "/" }
    var conformance: String { base + "/conformance" }
    var api: String { base + "/api" }
    var collections: String { base + "/collections" }
    var map: String { base + "/map" }

    func collection(_ id: String) -> String { collections + "/" + PercentCoding.encode(id) }
    func items(_ id: String) -> String { collection(id) + "/items" }
    func item(_ id: String, _ feature: String) -> String { items(id) + "/" + PercentCoding.encode(feature) }
    func search(_ id: String) -> String { collection(id) + "/search" }
    func download(_ id: String) -> String { collection(id) + "/download" }
    func schema(_ id: String) -> String { collection(id) + "/schema" }
    func queryables(_ id: String) -> String { collection(id) + "/queryables" }
    func sortables(_ id: String) -> String { collection(id) + "/sortables" }
    func style(_ id: String) -> String { collection(id) + "/style" }
    func legend(_ id: String) -> String { collection(id) + "/legend" }
    func tileSets(_ id: String) -> String { collection(id) + "/tiles" }
    func tileSet(_ id: String, _ set: TileMatrixSet = .webMercatorQuad) -> String { tileSets(id) + "/" + set.rawValue }

    /// A template with `{z}`, `{y}` and `{x}`. The version in it makes every tile's address its own for ever, so caches may keep it.
    func tile(_ id: String, version: String, _ set: TileMatrixSet = .webMercatorQuad) -> String {
        tileSet(id, set) + "/{z}/{y}/{x}?v=" + PercentCoding.encode(version + Addresses.drawing)
    }

    /// Tiles with several layers in them.
    func tileSet(_ layers: [String], _ set: TileMatrixSet) -> String { base + "/tiles/" + set.rawValue + collections(layers) }
    func tile(_ layers: [String], _ set: TileMatrixSet) -> String { base + "/tiles/" + set.rawValue + "/{z}/{y}/{x}" + collections(layers) }

    func tileSets(_ layers: [String]) -> String { base + "/tiles" + collections(layers) }

    private func collections(_ layers: [String]) -> String {
        "?collections=" + layers.map { PercentCoding.encode($0) }.joined(separator: ",")
    }

    /// Follows the version in the addresses of tiles, and counts up when the same version is drawn in other bytes than before: caches keep what
    /// they have for ever.
    static let drawing = ".7"

    /// `address` with parameters after it, in their order.
    static func with(_ address: String, _ parameters: [(name: String, value: String)]) -> String {
        guard !parameters.isEmpty else { return address }
        return address + "?"
            + parameters.map { PercentCoding.encode($0.name) + "=" + PercentCoding.encode($0.value) }.joined(separator: "&")
    }

    /// Links to this resource in the form that is sent, and in the others (OGC 17-069r4, requirement 2 and on).
    /// - Parameter parameters: those of the request without `f`.
    static func selfAndAlternates(
        _ address: String, parameters: [(name: String, value: String)] = [], offered: [Representation], chosen: Representation
    ) -> [Link] {
        let own = Link(
            href: with(address, parameters + [("f", chosen.name)]), rel: "self", type: chosen.mediaType.withoutCharset,
            title: LocalizedText(ja: "この文書（\(chosen.title)）", en: "This document as \(chosen.title)"))
        let others = offered.filter { $0 != chosen }.map { other in
            Link(
                href: with(address, parameters + [("f", other.name)]), rel: "alternate", type: other.mediaType.withoutCharset,
                title: LocalizedText(ja: "この文書（\(other.title)）", en: "This document as \(other.title)"))
        }
        return [own] + others
    }
}

extension TileMatrixSet {
    /// The zoom of this set whose tiles are as wide as those of WebMercatorQuad at `zoom`, or as near as there is.
    func zoom(_ zoom: Int) -> Int { self == .webMercatorQuad ? zoom : max(0, zoom - 1) }

    var uri: String { "http://www.opengis.net/def/tilematrixset/OGC/1.0/" + rawValue }

    var crs: String {
        self == .webMercatorQuad ? "http://www.opengis.net/def/crs/EPSG/0/3857" : "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    }
}

extension String {
    /// `text/html; charset=utf-8` as links name it: `text/html`.
    fileprivate var withoutCharset: String {
        hasPrefix("text/") ? String(prefix { $0 != ";" }) : self
    }
}
