public import Geo
public import LayerAtlas
import LayerStore
import Tiles

extension QueryEngine {
    /// Whether any feature's envelope meets a tile, its buffer included. False means that the tile is empty; true, that it may have something.
    /// - Complexity: O(log n), less for an empty tile
    public func mayHaveFeatures(_ layer: VisibleLayer, in tile: TileCoordinate) throws(QueryError) -> Bool {
        struct Found: Error {}
        let source = source(layer)
        do {
            try source.file.search(tile.envelope(buffer: Double(TileGrid.buffer) / Double(TileGrid.extent))) { _, _ in throw Found() }
        } catch is Found {
            return true
        } catch {
            throw .damaged(layer: source.layer, detail: "\(error)")
        }
        return false
    }
}
