import Geo

/// In which cells of a pixel each polygons' envelopes lie.
struct OccupiedCells: ~Copyable {
    /// Cells of 16 grid units; what lies in the buffer belongs to the outermost.
    private static let shift: Int64 = 4
    private static let side = TileGrid.extent >> 4
    private var marks = Scratch<UInt64>()

    mutating func removeAll() { marks.removeAll() }

    mutating func mark(_ shape: Shape, _ grid: TileGrid) {
        if marks.isEmpty { marks.fill(0, count: OccupiedCells.side * OccupiedCells.side / 64) }
        var (west, north, east, south) = (Int.max, Int.max, Int.min, Int.min)
        for vertex in 0..<shape.mercator.count / 2 {
            let (column, row) = OccupiedCells.cell(grid.fine(shape.mercator[2 * vertex], shape.mercator[2 * vertex + 1]), grid)
            (west, east) = (min(west, column), max(east, column))
            (north, south) = (min(north, row), max(south, row))
        }
        guard west <= east else { return }
        for row in north...south {
            for column in west...east {
                let place = row * OccupiedCells.side + column
                marks[place >> 6] |= 1 << UInt64(place & 63)
            }
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
