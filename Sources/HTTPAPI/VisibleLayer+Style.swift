import Descriptions
import Geo
import Glibc
import LayerAtlas
import Query

extension VisibleLayer {
    /// The style and legend, drawn from the zoom at which the layer's tiles begin to be useful.
    var mapStyle: MapStyle {
        var description = description
        if description.style.minZoom == nil && leastZoom > 0 { description.style.minZoom = Double(leastZoom) }
        let kinds = geometryKinds.reduce(into: MapStyle.GeometryKinds()) { $0.insert(MapStyle.GeometryKinds($1)) }
        return MapStyle(description, kinds: kinds, visibleAttributes: Set(attributes.map(\.name)))
    }

    /// The zoom from which the layer is drawn: what its style says, else from the farthest, where tiles leave out what matters least.
    ///
    /// Layers loaded before that was known leave out nothing: the first zoom at which a tile that lies within the layer's extent holds no more than
    /// `featuresATile` features on average. Tiles farther out are still answered; but a map that asks for a whole prefecture's buildings at once helps
    /// nobody.
    var leastZoom: Int {
        // Descriptions that were stored before may name a zoom that no tile has.
        if let zoom = description.style.minZoom { return min(TileCoordinate.zoomLimit, Int(zoom.rounded(.down))) }
        if leftOutCounts != nil { return 0 }
        guard let extent, featureCount > VisibleLayer.featuresATile else { return 0 }
        let northWest = WebMercator.project(longitude: extent.minX, latitude: extent.maxY)
        let southEast = WebMercator.project(longitude: extent.maxX, latitude: extent.minY)
        // Shares of the world's area; a layer that is one place or a line still has some.
        let width = max(1, Double(southEast.x) - Double(northWest.x)) / WebMercator.worldSize
        let height = max(1, Double(southEast.y) - Double(northWest.y)) / WebMercator.worldSize
        let tiles = Double(featureCount) / Double(VisibleLayer.featuresATile)
        let zoom = 0.5 * log2(tiles / (width * height))
        return max(0, min(TileSetDocument.greatestZoom, Int(zoom.rounded(.up))))
    }

    private static let featuresATile = 20_000

    /// The zoom from which on maps enlarge: a unit of the tile grid is then 15 cm; and no feature waits for a closer one any more. Not less than that from which
    /// the layer is drawn.
    var greatestTileZoom: Int { max(TileSetDocument.greatestZoom, leastZoom, leastWholeZoom ?? 0) }
}
