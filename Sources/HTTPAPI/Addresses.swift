import Geo

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
    func tileSet(_ id: String) -> String { tileSets(id) + "/" + TileMatrixSet.id }

    /// A template with `{z}`, `{y}` and `{x}`. The version in it makes every tile's address its own for ever, so caches may keep it.
    func tile(_ id: String, version: String) -> String {
        tileSet(id) + "/{z}/{y}/{x}?v=" + PercentCoding.encode(version)
    }

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

/// The one tile matrix set that is served (OGC 17-083r4, annex D.1).
enum TileMatrixSet {
    static let id = "WebMercatorQuad"
    static let uri = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
    static let crs = "http://www.opengis.net/def/crs/EPSG/0/3857"
}

extension String {
    /// `text/html; charset=utf-8` as links name it: `text/html`.
    fileprivate var withoutCharset: String {
        hasPrefix("text/") ? String(prefix { $0 != ";" }) : self
    }
}
