public import Descriptions
import Geo
public import LayerAtlas
import Tiles

extension VisibleLayer {
    /// What the layer's tiles hold, as a member of `vector_layers` (TileJSON 3.0.0, 3.3).
    public var vectorLayer: JSONTree { vectorLayer(in: .webMercatorQuad) }

    func vectorLayer(in set: TileMatrixSet) -> JSONTree {
        let fields = attributes.map { attribute in
            let type =
                switch attribute.type {
                case .integer, .real: "Number"
                case .boolean: "Boolean"
                case .date, .time, .text, .json: "String"
                }
            return JSONTree.Member(attribute.name, .text(type))
        }
        return .object([
            "id": .text(id), "description": .text(description.title.text("ja")), "fields": .object(fields),
            "minzoom": .count(set.zoom(leastZoom)), "maxzoom": .count(set.zoom(greatestTileZoom)),
        ])
    }

    /// By zoom of the set the features that tiles do not draw by themselves there; zooms at which that is none are left out.
    public func leftOut(in set: TileMatrixSet) -> JSONTree {
        let counts = leftOutCounts ?? []
        let byZoom = counts.enumerated().filter { $0.element > 0 && (set == .webMercatorQuad || $0.offset > 0) }
        return .object(byZoom.map { .init(String(set.zoom($0.offset)), .count($0.element)) })
    }

    /// The zooms that tiles are made for.
    public var tileZooms: ClosedRange<Int> { leastZoom...greatestTileZoom }
}
