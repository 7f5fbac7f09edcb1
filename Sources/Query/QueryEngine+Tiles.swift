public import Geo
@_spi(Rows) public import LayerAtlas
import LayerStore
import Synchronization
public import Tiles

extension QueryEngine {
    /// A vector tile (MVT 2.1) of one layer, uncompressed; empty when nothing of the layer lies in it.
    ///
    /// Made anew from the stored integers at each call; whoever asks often keeps what comes.
    public func tile(_ layer: VisibleLayer, _ tile: TileCoordinate, deadline: Deadline) throws(QueryError) -> [UInt8] {
        try drawnTile([layer], MapTile(tile), deadline: deadline).bytes
    }

    /// A tile of either set with one or several layers in it, each under its id, and with what was left out.
    ///
    /// Layers are drawn in their order; several make one tile as their bytes follow each other (MVT 2.1, 4.1). They share the byte limit.
    /// - Parameter thins: whether the layers' policies count; false draws everything.
    /// - Precondition: the layers are different ones, `layerLimit` at most.
    public func drawnTile(
        _ layers: [VisibleLayer], _ tile: MapTile, thins: Bool = true, deadline: Deadline
    ) throws(QueryError) -> DrawnTile {
        var bytes: [UInt8] = []
        let leftOut = try drawTile(layers, tile, thins: thins, deadline: deadline) { bytes.append(pieces: $0) }
        return DrawnTile(bytes: bytes, leftOut: leftOut)
    }

    /// As `drawnTile`, for those who have a place for the bytes, which are many.
    /// - Parameter append: called for each layer with something in the tile; the pieces are to be put one after another, and are valid until it returns.
    /// - Returns: `leftOut` of the tile.
    public func drawTile(
        _ layers: [VisibleLayer], _ tile: MapTile, thins: Bool = true, deadline: Deadline, append: ([UnsafeRawBufferPointer]) -> Void
    ) throws(QueryError) -> Int {
        precondition(layers.count <= QueryEngine.layerLimit && Set(layers.map(\.id)).count == layers.count, "one layer twice")
        var count = 0
        var leftOut = 0
        for (place, layer) in layers.enumerated() {
            var policy = layer.tilePolicy
            policy.thins = thins
            policy.byteLimit = (TilePolicy.byteLimit - count) / (layers.count - place)
            leftOut += try drawTile(layer, tile, policy: policy, deadline: deadline) { pieces in
                count += pieces.reduce(0) { $0 + $1.count }
                append(pieces)
            }
        }
        return leftOut
    }

    /// The most layers in one tile.
    public static let layerLimit = 8

    func drawnTile(
        _ layer: VisibleLayer, _ tile: MapTile, policy: TilePolicy, deadline: Deadline
    ) throws(QueryError) -> DrawnTile {
        let source = source(layer)
        return try drawers.withDrawer { drawer throws(QueryError) in try drawer.draw(source, tile, policy, deadline) }
    }

    private func drawTile(
        _ layer: VisibleLayer, _ tile: MapTile, policy: TilePolicy, deadline: Deadline, append: ([UnsafeRawBufferPointer]) -> Void
    ) throws(QueryError) -> Int {
        let source = source(layer)
        return try drawers.withDrawer { drawer throws(QueryError) in try drawer.draw(source, tile, policy, deadline, append) }
    }
}

extension VisibleLayer {
    /// For each zoom how many of the layer's features tiles do not draw by themselves there, down to 0 or to the closest zoom: those that wait because not
    /// everything fits, and polygons so small that only their share of area is shown. Nil where that is not known, and everything is drawn. In
    /// WorldCRS84Quad the numbers are those of the zoom of WebMercatorQuad at which tiles are as wide (`MapTile.levelZoom`).
    ///
    /// Of layers loaded before small polygons were counted, those that wait only. A tile that comes out larger than was foreseen leaves out more; it says
    /// so itself (`DrawnTile.leftOut`).
    public var leftOutCounts: [Int]? { (file.ownZoomCounts ?? file.leastZoomCounts).map(VisibleLayer.after) }

    /// The lowest zoom at which no feature waits for a closer one, the closest that there is where some do at all of them; nil where it is not known.
    public var leastWholeZoom: Int? {
        file.leastZoomCounts.map { VisibleLayer.after($0).firstIndex(of: 0) ?? TileCoordinate.zoomLimit }
    }

    /// How many come after each, down to 0 or to the last but one.
    private static func after(_ counts: [Int]) -> [Int] {
        var left = counts.reduce(0, +)
        var result: [Int] = []
        for count in counts.dropLast() {
            left -= count
            result.append(left)
            if left == 0 { break }
        }
        return result
    }

    /// What the layer's description asks of its tiles: hazards never show less than there is, and classes are kept apart.
    public var tilePolicy: TilePolicy {
        let hazard = description.hazard
        // As the style chooses: its own attribute, where the viewer sees it, else the hazard's class.
        if let by = description.style.by, by != hazard?.classAttribute, attributes.contains(where: { $0.name == by }) {
            return TilePolicy(coversAll: hazard != nil, classAttribute: by)
        }
        return TilePolicy(
            coversAll: hazard != nil, classAttribute: hazard?.classAttribute, phenomenonAttribute: hazard?.phenomenonAttribute,
            scheme: hazard?.classScheme)
    }
}

extension [UInt8] {
    /// - Complexity: O(bytes), each copied once
    fileprivate mutating func append(pieces: [UnsafeRawBufferPointer]) {
        reserveCapacity(count + pieces.reduce(0) { $0 + $1.count })
        for piece in pieces { append(contentsOf: piece) }
    }
}

/// Draws tiles one after another with the same memory.
final class TileDrawer {
    private var tools = TileTools()

    func draw(_ source: RowSource, _ tile: MapTile, _ policy: TilePolicy, _ deadline: Deadline) throws(QueryError) -> DrawnTile {
        var bytes: [UInt8] = []
        let leftOut = try draw(source, tile, policy, deadline) { bytes.append(pieces: $0) }
        return DrawnTile(bytes: bytes, leftOut: leftOut)
    }

    /// - Returns: `leftOut` of the tile.
    func draw(
        _ source: RowSource, _ tile: MapTile, _ policy: TilePolicy, _ deadline: Deadline, _ append: ([UnsafeRawBufferPointer]) -> Void
    ) throws(QueryError) -> Int {
        do {
            // Taken out of the class once: its properties would be checked for exclusive access at every use.
            let leftOut = try TileDrawing(source, tile, policy, deadline).draw(&tools)
            tools.encoder.finish(append)
            return leftOut
        } catch let error as QueryError {
            throw error
        } catch {
            throw .damaged(layer: source.layer, detail: "\(error)")
        }
    }
}

/// The memory that drawing takes.
struct TileTools: ~Copyable {
    var encoder = TileEncoder()
    var batch = TileBatch()
    var dust = Dust()
    var gathered: [GatheredRow] = []
    var joining: [JoiningArea] = []
    /// Features of the tile that found no place on the grid.
    var squeezedOut = 0
    var merged: [MergedAreas: MergedAreas.Shown] = [:]
}

/// Drawers that are not in use; there are never more than threads that draw.
final class DrawerPool: Sendable {
    private struct Idle: @unchecked Sendable {
        var drawers: [TileDrawer] = []
    }
    private let idle = Mutex(Idle())

    func withDrawer<R>(_ body: (TileDrawer) throws(QueryError) -> R) throws(QueryError) -> R {
        let drawer = take()
        defer { idle.withLock { $0.drawers.append(drawer) } }
        return try body(drawer)
    }

    private func take() -> sending TileDrawer {
        idle.withLock { $0.drawers.popLast() } ?? TileDrawer()
    }
}
