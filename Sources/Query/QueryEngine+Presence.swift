import Geo
public import LayerAtlas
import LayerStore
public import Tiles

extension QueryEngine {
    /// Whether any feature's envelope meets a tile, its buffer included. False means that the tile is empty; true, that it may have something.
    /// - Complexity: O(log n), less for an empty tile
    public func mayHaveFeatures(_ layer: VisibleLayer, in tile: MapTile) throws(QueryError) -> Bool {
        struct Found: Error {}
        let source = source(layer)
        do {
            try source.file.search(tile.bufferedEnvelope) { _, _ in throw Found() }
        } catch is Found {
            return true
        } catch {
            throw .damaged(layer: source.layer, detail: "\(error)")
        }
        return false
    }

    /// Whether a tile of either set may have something, as far as that is known without looking; nil where it is not. Never waits.
    /// - Complexity: O(1)
    public func knownPresence(_ layer: VisibleLayer, in tile: MapTile) -> Bool? {
        occupancies.mayHaveFeatures(layer.id, layer.version, tile)
    }

    /// Whether somebody should call `learnPresence` now: true for the first who asks.
    public func shouldLearnPresence(_ layer: VisibleLayer, _ set: TileMatrixSet) -> Bool {
        occupancies.begin(layer.id, layer.version, set)
    }

    /// Looks once at all envelopes, so that `knownPresence` knows the layer's empty tiles from then on. At most 256 KiB for a layer and a set.
    /// - Complexity: O(n), some 10 ms a million features
    public func learnPresence(_ layer: VisibleLayer, _ set: TileMatrixSet) {
        occupancies.learn(layer.id, layer.version, set, source(layer).file)
    }
}
