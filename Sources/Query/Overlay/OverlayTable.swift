import Geo
import GeoNative
import LayerStore
import SpatialIndex

/// The overlay's side of the question: its chosen features with their boxes, a packed index over them, and the large ones ready to be asked.
///
/// A feature is known by its place in the table. Made once, then only read, by all threads.
final class OverlayTable: @unchecked Sendable {
    let source: RowSource
    /// Rows of the layer file, ascending.
    let rows: [Int32]
    let boxes: [IndexBox]
    /// Features of more than `Outline.plainVertices` vertices; others are read from the file when they are asked.
    let outlines: [Outline?]
    /// Very large polygons cut up, for intersections; empty where they are not wanted.
    let cuttings: [Int: Cutting]
    private let index: PackedIndexView?
    // Sound: filled in `init`, freed in `deinit`, and `index` does not leave this object.
    private let nodes: UnsafeMutableBufferPointer<Int32>

    /// - Parameter cuts: intersections will be asked for.
    /// - Throws: `limitExceeded` when the large features have too many vertices together.
    init(_ source: RowSource, rows: [Int32], cuts: Bool, limits: OverlayLimits, deadline: Deadline) throws(QueryError) {
        (self.source, self.rows) = (source, rows)
        var boxes: [IndexBox] = []
        boxes.reserveCapacity(rows.count)
        var builder = PackedIndexBuilder()
        var large: [Int] = []
        var vertices = 0
        for (place, row) in rows.enumerated() {
            if place & 4095 == 0 { try deadline.check() }
            let (box, count) = try reading(source.layer) { () throws(LayerFileError) in
                (try source.file.indexBox(Int(row)), try source.file.vertexCount(Int(row)))
            }
            boxes.append(box)
            builder.add(box)
            if count > Outline.plainVertices {
                large.append(place)
                vertices += count
            }
        }
        guard vertices <= limits.overlayVertices else {
            throw .limitExceeded(
                ja: "重ねる側の頂点が合わせて\(limits.overlayVertices)を超えます。条件を絞ってください。",
                en: "The overlay features have more than \(limits.overlayVertices) vertices together. Narrow the question.")
        }
        var outlines = [Outline?](repeating: nil, count: rows.count)
        var cuttings: [Int: Cutting] = [:]
        var made = 0
        let places = large
        let work: @Sendable (GEOSContext, Int) throws(QueryError) -> (Outline, Cutting?) = { context, piece throws(QueryError) in
            try deadline.check()
            let shape = try reading(source.layer) { () throws(LayerFileError) in try source.file.shape(Int(rows[places[piece]])) }
            let outline = try Outline(exact: shape, context, layer: source.layer)
            outline.prepare()
            guard cuts, shape.vertexCount > Cutting.wholeVertices, outline.hasPolygons else { return (outline, nil) }
            return (outline, try Cutting(shape.geometry, context, layer: source.layer))
        }
        try ParallelPieces(count: large.count, threads: limits.threads).run(worker: { GEOSContext() }, work: work) { result in
            outlines[places[made]] = result.0
            cuttings[places[made]] = result.1
            made += 1
        }
        (self.outlines, self.cuttings, self.boxes) = (outlines, cuttings, boxes)
        // Last, since nobody frees it when this ends by an error before all is there.
        let bytes = builder.finish().bytes
        nodes = .allocate(capacity: max(1, bytes.count))
        _ = nodes.initialize(from: bytes)
        index = rows.isEmpty ? nil : PackedIndexView(nodes: UnsafePointer(nodes.baseAddress!), count: rows.count)
    }

    deinit { nodes.deallocate() }

    /// The geometry of a feature; for collections, that of its file.
    func shape(_ place: Int) throws(QueryError) -> Shape {
        try reading(source.layer) { () throws(LayerFileError) in try source.file.shape(Int(rows[place])) }
    }

    /// Calls `found` with the places whose boxes meet `box`.
    @inline(__always)
    func search(_ box: IndexBox, _ found: (Int) -> Void) {
        index?.search(box, inside: nil) { run, _ in for place in run { found(place) } }
    }
}

extension Outline {
    /// The outline of a stored geometry; of a collection, its polygons are made one first, since they may lie one over another.
    convenience init(exact shape: Shape, _ context: GEOSContext, layer: String) throws(QueryError) {
        self.init()
        try load(exact: shape, context, layer: layer)
    }

    func load(exact shape: Shape, _ context: GEOSContext, layer: String) throws(QueryError) {
        guard shape.kind == .geometryCollection else { return load(shape) }
        try load(computing(layer) { () throws(GEOSError) in try shape.geometry.withPolygonsDissolved(context) })
    }
}

/// Turns what GEOS throws on a layer's stored geometry into what a question throws.
func computing<R: ~Copyable>(_ layer: String, _ body: () throws(GEOSError) -> R) throws(QueryError) -> R {
    do throws(GEOSError) { return try body() } catch { throw .damaged(layer: layer, detail: "\(error)") }
}
