import Descriptions
import Geo
import Hummingbird
import LayerAtlas

extension LayerAPI {
    /// `/styles` and `/styles/town`: one style for all layers that the viewer may see, for programs that show the whole town at once.
    func addStyleRoutes(to router: Router<APIContext>) {
        document(router, "styles", [.json]) { api, exchange in
            let title = LocalizedText(ja: "全レイヤーのスタイル", en: "All layers")
            let link = Link(
                href: exchange.addresses.townStyle, rel: "stylesheet", type: StyleDocument.mediaType,
                title: LocalizedText(ja: "MapLibreのスタイル", en: "MapLibre style"))
            let legends = LayerAPI.legendForms.map { form in
                Link(
                    href: exchange.addresses.townLegend + "?f=" + form.name, rel: "http://www.opengis.net/def/rel/ogc/1.0/legend",
                    type: form.mediaType, title: LocalizedText(ja: "凡例（\(form.title)）", en: "Legend as \(form.title)"))
            }
            return exchange.answer([
                "styles": [["id": "town", "title": .text(title.text("ja")), "links": .list(([link] + legends).map(\.json))]],
                "default": "town",
            ])
        }
        document(router, "styles/town", [.json]) { api, exchange in
            let layers = api.atlas.layers(for: exchange.viewer)
            let name = api.atlas.town?.name ?? LocalizedText(ja: "全レイヤー", en: "All layers")
            // Patterns are pictures that a page has to bring; a program that reads this has none.
            let parts = layers.map { layer in
                var surroundings = layer.surroundings(exchange.addresses)
                surroundings.patternPrefix = nil
                return TownStyle.Part(layer.mapStyle, surroundings)
            }
            return exchange.answer(TownStyle(name: name, parts: parts).json)
        }
    }
}

/// Names of OGC API – Styles (20-009) that clients know.
enum StyleDocument {
    static let mediaType = "application/vnd.mapbox.style+json"
}

extension VisibleLayer {
    /// Where the layer's tiles lie, for its style.
    func surroundings(_ addresses: Addresses) -> MapStyle.Surroundings {
        MapStyle.Surroundings(
            tiles: addresses.tile(id, version: version), bounds: extent, tileMaxZoom: greatestTileZoom, patternPrefix: "kasane-"
        )
    }
}

extension Addresses {
    var styles: String { base + "/styles" }
    var townStyle: String { styles + "/town" }
    var townLegend: String { townStyle + "/legend" }
}
