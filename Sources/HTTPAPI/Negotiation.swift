import HTTPTypes

/// A form in which a resource can be had, and its short name for `f=`.
struct Representation: Sendable, Equatable {
    /// As in `f=json`.
    var name: String
    /// With parameters, as it is sent.
    var mediaType: String
    /// As clients ask for it, without parameters.
    var matches: [String]
    var title: String
    /// Other names that `f=` may give it.
    var aliases: [String] = []

    static let json = Representation(name: "json", mediaType: "application/json", matches: ["application/json"], title: "JSON")
    static let geoJSON = Representation(
        name: "json", mediaType: "application/geo+json", matches: ["application/geo+json", "application/json", "application/vnd.geo+json"],
        title: "GeoJSON", aliases: ["geojson"])
    static let openAPI = Representation(
        name: "json", mediaType: "application/vnd.oai.openapi+json;version=3.0",
        matches: ["application/vnd.oai.openapi+json", "application/json", "application/openapi+json"], title: "OpenAPI 3.0")
    static let geoJSONSequence = Representation(
        name: "geojsonseq", mediaType: "application/geo+json-seq", matches: ["application/geo+json-seq", "application/json-seq"],
        title: "GeoJSON Text Sequences")
    static let csv = Representation(name: "csv", mediaType: "text/csv; charset=utf-8", matches: ["text/csv"], title: "CSV")
    static let flatGeobuf = Representation(
        name: "flatgeobuf", mediaType: "application/flatgeobuf",
        matches: ["application/flatgeobuf", "application/vnd.flatgeobuf"], title: "FlatGeobuf")
    static let geoPackage = Representation(
        name: GDALForm.geoPackage.rawValue, mediaType: "application/geopackage+sqlite3",
        matches: ["application/geopackage+sqlite3", "application/vnd.sqlite3"], title: "GeoPackage")
    /// The parts of a shapefile in a zip.
    static let shapefile = Representation(
        name: GDALForm.shapefile.rawValue, mediaType: "application/zip", matches: ["application/zip"], title: "Shapefile")
    /// A file of GeoJSON under the name that downloads know it by.
    static let geoJSONFile = Representation(
        name: "geojson", mediaType: "application/geo+json", matches: ["application/geo+json", "application/json"], title: "GeoJSON",
        aliases: ["json"])
    static let html = Representation(
        name: "html", mediaType: "text/html; charset=utf-8", matches: ["text/html", "application/xhtml+xml"], title: "HTML")
}

/// Choosing between representations (RFC 9110, 12.5.1).
enum Negotiation {
    /// What `f` names; without it what `Accept` likes best; without that, or where it likes none of them, the first, which is JSON.
    ///
    /// `f` wins, because a link with it in must show the same to everybody, whatever their program says it likes.
    static func choose(_ offered: [Representation], f: String?, accept: [String]) throws(Problem) -> Representation {
        if let f {
            guard let named = offered.first(where: { $0.name == f || $0.aliases.contains(f) }) else {
                let names = offered.map(\.name).joined(separator: ", ")
                throw .invalid("f", f, ja: "使えるもの: \(names)", en: "There are: \(names)")
            }
            return named
        }
        let wishes = accept.flatMap { parse($0) }
        var best = offered[0]
        var bestQuality = 0.0
        for representation in offered {
            let quality = quality(of: representation, in: wishes)
            if quality > bestQuality { (best, bestQuality) = (representation, quality) }
        }
        return best
    }

    /// The coding that the client likes best of those that there are (RFC 9110, 12.5.3); of equally liked ones the smaller. Without a wish nothing is
    /// compressed; `gzip;q=0` says that gzip is not taken.
    ///
    /// What the client names none of is sent as it is, even where it says `identity;q=0`: better than nothing (RFC 9110, 12.5.3, end).
    static func coding(_ acceptEncoding: [String]) -> ContentCoding {
        var any: Double?
        var named: [(coding: ContentCoding, quality: Double)] = []
        for wish in acceptEncoding.flatMap({ parse($0) }) {
            switch wish.range {
            case "br": named.append((.brotli, wish.quality))
            case "gzip", "x-gzip": named.append((.gzip, wish.quality))
            case "identity": named.append((.identity, wish.quality))
            case "*": any = any ?? wish.quality
            default: break
            }
        }
        func quality(_ coding: ContentCoding) -> Double {
            if let first = named.first(where: { $0.coding == coding }) { return first.quality }
            // Unnamed, identity is taken when there is nothing else, whatever `*` says of it.
            return coding == .identity ? 0 : any ?? 0
        }
        var best = (coding: ContentCoding.identity, quality: quality(.identity))
        for coding in [ContentCoding.brotli, .gzip] {
            let quality = quality(coding)
            if quality > 0, quality > best.quality || (quality == best.quality && best.coding == .identity) { best = (coding, quality) }
        }
        return best.coding
    }

    /// `ja` unless the client likes English better (RFC 9110, 12.5.4).
    static func language(_ acceptLanguage: [String]) -> String {
        var ja = 0.0
        var en = 0.0
        for wish in acceptLanguage.flatMap({ parse($0) }) {
            if wish.range == "ja" || wish.range.hasPrefix("ja-") { ja = max(ja, wish.quality) }
            if wish.range == "en" || wish.range.hasPrefix("en-") { en = max(en, wish.quality) }
        }
        return en > ja ? "en" : "ja"
    }

    private struct Wish {
        var range: String
        var quality: Double
    }

    /// A list of ranges with weights. More than 50 are not looked at; a weight that is no number counts as 0.
    private static func parse(_ field: String) -> [Wish] {
        field.split(separator: ",").prefix(50).map { item in
            let parts = item.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }
            return Wish(range: parts.first ?? "", quality: weight.map { Double($0.dropFirst(2)) ?? 0 } ?? 1)
        }
    }

    /// The weight of the most exact range that covers the representation, 0 where none does.
    private static func quality(of representation: Representation, in wishes: [Wish]) -> Double {
        var best = (exactness: 0, quality: 0.0)
        for wish in wishes {
            for type in representation.matches {
                let exactness = wish.range == type ? 3 : wish.range == "*/*" ? 1 : wish.range == type.prefix { $0 != "/" } + "/*" ? 2 : 0
                if exactness > best.exactness || (exactness == best.exactness && exactness > 0 && wish.quality > best.quality) {
                    best = (exactness, wish.quality)
                }
            }
        }
        return best.quality
    }
}
