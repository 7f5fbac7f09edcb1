import Geo

/// Polygons that cover what they are in truth, although their vertices are rounded: for hazards, where the map must not show less than there is.
///
/// An edge on the grid is off from the true one by no more than half a unit along each axis, and `Untangler` may bend it by half a unit more. So to the
/// polygon of the rounded vertices is added, for every edge that grows, what lies within one unit of the rounded edge along each axis: the hull of two
/// squares. On its way from the true border to the drawn one, no edge passes over a place that its own hull does not cover. Edges between two areas grow
/// on one side only, that of the graver class (`VertexLevel.grows`); there too nothing is lost to both.
extension TileEncoder {
    /// Adds the hulls of a ring's edges to `rings`, as shells.
    mutating func widen(_ shape: Shape, _ vertices: Range<Int>, part: Int32, isInside: Bool) {
        guard vertices.count > 1 else { return }
        var last: GridPoint?
        for vertex in vertices.dropLast() {
            if let levels, !levels[vertex].grows {
                last = nil
                continue
            }
            let from: GridPoint
            let to: GridPoint
            if isInside {
                (from, to) = (grid.snap(finePoint(shape, vertex)), grid.snap(finePoint(shape, vertex + 1)))
            } else {
                guard let (start, end) = Clipper.clip(finePoint(shape, vertex), finePoint(shape, vertex + 1), to: grid) else {
                    last = nil
                    continue
                }
                (from, to) = (grid.snap(start), grid.snap(end))
            }
            // All within one cell: the square around it is there from the edge before.
            if from == to && from == last { continue }
            addHull(from, to, part: part)
            last = to
        }
    }

    /// What lies within one unit along each axis of a segment, clockwise on the map, and not beyond the buffer.
    private mutating func addHull(_ from: GridPoint, _ to: GridPoint, part: Int32) {
        let start = rings.points.count
        // From west to east.
        let (a, b) = from.x <= to.x ? (from, to) : (to, from)
        let rises = b.y < a.y
        if rises {
            addCorner(a, -1, 1)
            addCorner(a, -1, -1)
            addCorner(b, -1, -1)
            addCorner(b, 1, -1)
            addCorner(b, 1, 1)
            addCorner(a, 1, 1)
        } else {
            addCorner(a, -1, -1)
            addCorner(a, 1, -1)
            addCorner(b, 1, -1)
            addCorner(b, 1, 1)
            addCorner(b, -1, 1)
            addCorner(a, -1, 1)
        }
        rings.rings.append(GridRings.Ring(start: start, end: rings.points.count, part: part, isHole: false))
    }

    @inline(__always)
    private mutating func addCorner(_ point: GridPoint, _ x: Int32, _ y: Int32) {
        let (low, high) = (-TileGrid.buffer32, Int32(TileGrid.extent) + TileGrid.buffer32)
        rings.points.append(GridPoint(x: max(low, min(high, point.x + x)), y: max(low, min(high, point.y + y))))
    }
}
