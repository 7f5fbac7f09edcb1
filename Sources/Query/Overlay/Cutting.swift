import Geo
import GeoNative

/// The polygons of a very large geometry cut into pieces of bounded size along upright lines, so that an intersection looks only at the pieces near it.
///
/// The pieces touch and do not overlap; together they are the geometry, less what rounding moves where it is cut (1e-14 degree).
struct Cutting: Sendable {
    let pieces: [(box: Box, polygons: Geometry)]

    /// Geometry of no more vertices is taken whole.
    static let wholeVertices = 4096
    private static let pieceVertices = 1024
    private static let depth = 24

    init(_ geometry: Geometry, _ context: GEOSContext, layer: String) throws(QueryError) {
        var pieces: [(box: Box, polygons: Geometry)] = []
        var open: [(geometry: Geometry, depth: Int)] = []
        if let polygons = try computing(layer, { () throws(GEOSError) in try geometry.withPolygonsDissolved(context) }).parts(of: .polygon)
        {
            open.append((polygons, 0))
        }
        while let (geometry, depth) = open.popLast() {
            let box = geometry.envelope
            guard geometry.vertexCount > Cutting.pieceVertices, depth < Cutting.depth else {
                pieces.append((box, geometry))
                continue
            }
            // Through the longer side, not quite in the middle, where a source's own grid might have its lines.
            var (low, high) = (box, box)
            if box.maxX - box.minX > box.maxY - box.minY {
                let cut = box.minX + (box.maxX - box.minX) * 0.494_140_625_7
                (low.maxX, high.minX) = (cut, cut)
            } else {
                let cut = box.minY + (box.maxY - box.minY) * 0.494_140_625_7
                (low.maxY, high.minY) = (cut, cut)
            }
            for half in [low, high] {
                let part = try computing(layer) { () throws(GEOSError) in
                    try NativeGeometry(geometry, in: context).intersection(NativeGeometry(half, in: context)).geometry()
                }
                if let polygons = part.parts(of: .polygon) { open.append((polygons, depth + 1)) }
            }
        }
        self.pieces = pieces
    }
}
