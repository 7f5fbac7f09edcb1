import Descriptions
import Geo
import LayerAtlas
import Query
import Tiles

/// What tiles there are: of one layer, `/collections/{layer}/tiles/…`, or of several together, `/tiles/…?collections=`.
///
/// One document in two vocabularies, whose names do not meet: the tileset metadata of OGC 20-057, 8, and TileJSON 3.0.0. Either kind of client
/// reads what it knows. `leftOut` is a word of our own: for each layer and zoom of the set the features that tiles do not
/// draw by themselves there, see `VisibleLayer.leftOutCounts`.
struct TileSetDocument {
    var addresses: Addresses
    /// At least one.
    var layers: [VisibleLayer]
    var set = TileMatrixSet.webMercatorQuad
    /// By `collections`, not by the path.
    var areNamed = false

    /// Beyond it maps enlarge: a unit of the tile grid is then 15 cm.
    static let greatestZoom = 16

    private var tile: String {
        areNamed ? addresses.tile(layers.map(\.id), set) : addresses.tile(layers[0].id, version: layers[0].version, set)
    }

    private var title: LocalizedText {
        if layers.count == 1 { return layers[0].description.title }
        let titles = layers.map(\.description.title)
        return LocalizedText(
            ja: titles.map { $0.text("ja") }.joined(separator: "・"), en: titles.map { $0.text("en") }.joined(separator: ", "))
    }

    private var leastZoom: Int { self.set.zoom(layers.map(\.leastZoom).min() ?? 0) }
    private var greatestZoom: Int { self.set.zoom(layers.map(\.greatestTileZoom).max() ?? TileSetDocument.greatestZoom) }

    private var extent: Envelope? {
        let extents = layers.compactMap(\.extent)
        guard var extent = extents.first else { return nil }
        for other in extents.dropFirst() { extent.extend(other) }
        return extent
    }

    private func geometryDimension(_ layer: VisibleLayer) -> JSONTree? {
        let dimensions = Set(layer.geometryKinds.map(\.dimension))
        guard dimensions.count == 1, let dimension = dimensions.first ?? nil else { return nil }
        return .count(dimension)
    }

    private var leftOut: JSONTree {
        .object(layers.map { .init($0.id, $0.leftOut(in: set)) })
    }

    func json() -> JSONTree {
        let attributions = layers.compactMap { $0.description.attribution?.text("ja") }
        let single = layers.count == 1 ? layers[0] : nil
        return .object([
            "tilejson": "3.0.0", "name": .text(title.text("ja")),
            "description": single?.description.description.map { .text($0.text("ja")) },
            "attribution": attributions.isEmpty ? nil : .text(attributions.joined(separator: " | ")), "version": "1.0.0", "scheme": "xyz",
            "tiles": [.text(tile)], "minzoom": .count(leastZoom), "maxzoom": .count(greatestZoom),
            "bounds": extent.map { .box($0) },
            // TileJSON 3.0.0, 3.6: the zoom is one of those that there are.
            "center": extent.map { [.number($0.centre.x), .number($0.centre.y), .count(min(max(12, leastZoom), greatestZoom))] },
            "vector_layers": .list(layers.map { $0.vectorLayer(in: set) }), "leftOut": leftOut,
            "title": .text(title.text("ja")), "dataType": "vector", "crs": .text(set.crs), "tileMatrixSetURI": .text(set.uri),
            "boundingBox": extent.map {
                [
                    "lowerLeft": [.number($0.minX), .number($0.minY)], "upperRight": [.number($0.maxX), .number($0.maxY)],
                    "crs": .text(CollectionDocument.crs84),
                ]
            },
            "layers": .list(
                layers.map {
                    .object(["id": .text($0.id), "dataType": "vector", "geometryDimension": geometryDimension($0)])
                }),
            "links": .list(links.map(\.json)),
        ])
    }

    private func address(_ set: TileMatrixSet) -> String {
        areNamed ? addresses.tileSet(layers.map(\.id), set) : addresses.tileSet(layers[0].id, set)
    }

    private var links: [Link] {
        let own = [
            Link(href: address(set), rel: "self", type: "application/json", title: title),
            Link(
                href: tile.replacing("{z}", with: "{tileMatrix}").replacing("{y}", with: "{tileRow}").replacing("{x}", with: "{tileCol}"),
                rel: "item", type: TileSetDocument.tileType, title: LocalizedText(ja: "タイル", en: "Tiles"), templated: true),
            Link(
                href: set.uri, rel: "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", type: "application/json",
                title: LocalizedText(ja: "タイルの切り方", en: "Tile matrix set")),
        ]
        return own
            + layers.map {
                Link(href: addresses.collection($0.id), rel: "collection", type: "application/json", title: $0.description.title)
            }
    }

    /// `/collections/{layer}/tiles` and `/tiles?collections=`: the list of the sets.
    func list() -> JSONTree {
        let sets = TileMatrixSet.allCases.map { set -> JSONTree in
            [
                "title": .text(title.text("ja")), "dataType": "vector", "crs": .text(set.crs), "tileMatrixSetURI": .text(set.uri),
                "links": [Link(href: address(set), rel: "self", type: "application/json", title: nil).json],
            ]
        }
        let own = areNamed ? addresses.tileSets(layers.map(\.id)) : addresses.tileSets(layers[0].id)
        return ["links": [Link(href: own, rel: "self", type: "application/json", title: title).json], "tilesets": .list(sets)]
    }

    static let tileType = "application/vnd.mapbox-vector-tile"
}
