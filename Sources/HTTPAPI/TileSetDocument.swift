import Descriptions
import Geo
import LayerAtlas

/// `/collections/{layer}/tiles/WebMercatorQuad`: what tiles there are.
///
/// One document in two vocabularies, whose names do not meet: the tileset metadata of OGC 20-057, 8, and TileJSON 3.0.0. Either kind of client
/// reads what it knows.
struct TileSetDocument {
    var addresses: Addresses
    var layer: VisibleLayer

    /// Beyond it maps enlarge: a unit of the tile grid is then 15 cm.
    static let greatestZoom = 16

    private var tile: String { addresses.tile(layer.id, version: layer.version) }

    func json() -> JSONTree {
        let description = layer.description
        let dimension = Set(layer.geometryKinds.compactMap(\.dimension)).count == 1 ? layer.geometryKinds.first?.dimension ?? nil : nil
        return .object([
            "tilejson": "3.0.0", "name": .text(description.title.text("ja")),
            "description": description.description.map { .text($0.text("ja")) },
            "attribution": description.attribution.map { .text($0.text("ja")) }, "version": "1.0.0", "scheme": "xyz",
            "tiles": [.text(tile)], "minzoom": .count(layer.leastZoom), "maxzoom": .count(TileSetDocument.greatestZoom),
            "bounds": layer.extent.map { .box($0) },
            "center": layer.extent.map { [.number($0.centre.x), .number($0.centre.y), 12] },
            "vector_layers": [layer.vectorLayer],
            "title": .text(description.title.text("ja")), "dataType": "vector", "crs": .text(TileMatrixSet.crs),
            "tileMatrixSetURI": .text(TileMatrixSet.uri),
            "boundingBox": layer.extent.map {
                [
                    "lowerLeft": [.number($0.minX), .number($0.minY)], "upperRight": [.number($0.maxX), .number($0.maxY)],
                    "crs": .text(CollectionDocument.crs84),
                ]
            },
            "layers": [.object(["id": .text(layer.id), "dataType": "vector", "geometryDimension": dimension.map { .count($0) }])],
            "links": .list(links.map(\.json)),
        ])
    }

    private var links: [Link] {
        [
            Link(href: addresses.tileSet(layer.id), rel: "self", type: "application/json", title: layer.description.title),
            Link(
                href: tile.replacing("{z}", with: "{tileMatrix}").replacing("{y}", with: "{tileRow}").replacing("{x}", with: "{tileCol}"),
                rel: "item", type: TileSetDocument.tileType, title: LocalizedText(ja: "タイル", en: "Tiles"), templated: true),
            Link(
                href: TileMatrixSet.uri, rel: "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", type: "application/json",
                title: LocalizedText(ja: "タイルの切り方", en: "Tile matrix set")),
            Link(href: addresses.collection(layer.id), rel: "collection", type: "application/json", title: layer.description.title),
        ]
    }

    /// `/collections/{layer}/tiles`: the list of the one.
    func list() -> JSONTree {
        let own = addresses.tileSets(layer.id)
        return [
            "links": [Link(href: own, rel: "self", type: "application/json", title: layer.description.title).json],
            "tilesets": [
                [
                    "title": .text(layer.description.title.text("ja")), "dataType": "vector", "crs": .text(TileMatrixSet.crs),
                    "tileMatrixSetURI": .text(TileMatrixSet.uri),
                    "links": [Link(href: addresses.tileSet(layer.id), rel: "self", type: "application/json", title: nil).json],
                ]
            ],
        ]
    }

    static let tileType = "application/vnd.mapbox-vector-tile"
}
