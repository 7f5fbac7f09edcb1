import Geo

/// Which cells of a pixel each polygons' outlines pass.
struct OccupiedCells: ~Copyable {
    /// Cells of 16 grid units; what lies in the buffer belongs to the outermost.
    private static let shift: Int64 = 4
    private static let side = TileGrid.extent >> 4
    private var marks = Scratch<UInt64>()

    mutating func removeAll() { marks.removeAll() }

    mutating func mark(_ shape: Shape, _ grid: TileGrid) {
        if marks.isEmpty { marks.fill(0, count: OccupiedCells.side * OccupiedCells.side / 64) }
        for part in 0..<shape.partEnds.count {
            for ring in shape.rings(ofPart: part) {
                for vertex in shape.vertices(ofRing: ring).dropLast() { mark(from: vertex, in: shape, grid) }
            }
        }
    }

    /// The cells that an edge passes, but for corners that it cuts.
    private mutating func mark(from vertex: Int, in shape: Shape, _ grid: TileGrid) {
        let from = grid.fine(shape.mercator[2 * vertex], shape.mercator[2 * vertex + 1])
        let to = grid.fine(shape.mercator[2 * vertex + 2], shape.mercator[2 * vertex + 3])
        guard let (from, to) = Clipper.clip(from, to, to: grid) else { return }
        let steps = max(abs(to.x - from.x), abs(to.y - from.y)) >> (grid.reduction + OccupiedCells.shift) + 1
        for step in 0...steps {
            let (column, row) = OccupiedCells.cell(
                FinePoint(x: from.x + (to.x - from.x) * step / steps, y: from.y + (to.y - from.y) * step / steps), grid)
            let place = row * OccupiedCells.side + column
            marks[place >> 6] |= 1 << UInt64(place & 63)
        }
    }

    /// - Parameters:
    ///   - x: Web Mercator world units; `y` too.
    func holds(x: Int32, y: Int32, _ grid: TileGrid) -> Bool {
        if marks.isEmpty { return false }
        let (x, y, _) = grid.isGeographic ? PlateCarree.project(x: x, y: y, area: 0) : (x, y, 0)
        let (column, row) = OccupiedCells.cell(grid.fine(x, y), grid)
        let place = row * OccupiedCells.side + column
        return marks[place >> 6] & (1 << UInt64(place & 63)) != 0
    }

    private static func cell(_ point: FinePoint, _ grid: TileGrid) -> (column: Int, row: Int) {
        func number(_ value: Int64) -> Int { Int(max(0, min(Int64(side - 1), value >> (grid.reduction + shift)))) }
        return (number(point.x), number(point.y))
    }
}
