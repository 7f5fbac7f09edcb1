import Geo

/// The edges of a large geometry in a grid of cells, so that a question about a place looks only at the edges near it, and most are answered by a
/// cell that no edge touches: it lies wholly inside or wholly outside of the polygons.
///
/// Cells are chosen by one monotone function of a coordinate, used for edges and questions alike, so that rounding never parts a place from
/// the edge it lies on. Memory: some 20 bytes an edge. Never changed once made.
final class EdgeGrid: Sendable {
    private let box: Box
    private let columns: Int
    private let rows: Int
    private let scaleX: Double
    private let scaleY: Double
    /// For each cell: inside, outside or border.
    private let sides: [UInt8]
    /// For each cell where its edges begin in `cellEdges`; one more at the end.
    private let cellStarts: [UInt32]
    private let cellEdges: [Int32]
    /// The edges of polygons by row, for rays.
    private let rowStarts: [UInt32]
    private let rowEdges: [Int32]

    private static let cellLimit = 1 << 17

    /// - Complexity: O(edges + cells)
    init(_ outline: Outline) {
        let box = outline.box
        let (width, height) = (max(box.maxX - box.minX, 1e-9), max(box.maxY - box.minY, 1e-9))
        let wanted = Double(min(EdgeGrid.cellLimit, max(64, 2 * outline.vertexCount)))
        // Cells as square as the box lets them be.
        let columns = Int(min(4096, max(1, (wanted * width / height).squareRoot().rounded())))
        let rows = Int(min(4096, max(1, (wanted / Double(columns)).rounded())))
        let (scaleX, scaleY) = (Double(columns) / width, Double(rows) / height)

        func column(_ x: Double) -> Int { EdgeGrid.cell(x, box.minX, scaleX, columns) }
        func row(_ y: Double) -> Int { EdgeGrid.cell(y, box.minY, scaleY, rows) }

        /// Calls `visit` with every row that an edge touches and the columns that it touches there.
        @inline(__always)
        func rasterize(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ visit: (Int, ClosedRange<Int>) -> Void) {
            let (low, high) = (row(min(ay, by)), row(max(ay, by)))
            let (left, right) = (min(ax, bx), max(ax, bx))
            if low == high || column(left) == column(right) {
                for r in low...high { visit(r, column(left)...column(right)) }
                return
            }
            let slope = (bx - ax) / (by - ay)
            // A thousandth of a cell makes up for the rounding of the row's ends and of the slope.
            let slack = 1e-3 / scaleX
            for r in low...high {
                let bottom = box.minY + (Double(r) - 1e-3) / scaleY
                let top = box.minY + (Double(r) + 1 + 1e-3) / scaleY
                let (x1, x2) = (ax + (bottom - ay) * slope, ax + (top - ay) * slope)
                let from = max(left, min(x1, x2) - slack)
                let to = min(right, max(x1, x2) + slack)
                if from <= to { visit(r, column(from)...column(to)) }
            }
        }

        var cellStarts = [UInt32](repeating: 0, count: columns * rows + 1)
        var rowStarts = [UInt32](repeating: 0, count: rows + 1)
        var parity = [UInt8](repeating: 0, count: (columns + 1) * rows)
        for part in outline.partEnds.indices {
            let isPolygon = outline.kind(ofPart: part) == .polygon
            for ring in outline.rings(ofPart: part) {
                for edge in outline.edges(ofRing: ring) {
                    let end = outline.end(ofEdge: edge)
                    let (ax, ay, bx, by) = (outline.x(edge), outline.y(edge), outline.x(end), outline.y(end))
                    rasterize(ax, ay, bx, by) { r, range in
                        for c in range { cellStarts[r * columns + c + 1] += 1 }
                        guard isPolygon else { return }
                        rowStarts[r + 1] += 1
                        let middle = box.minY + (Double(r) + 0.5) / scaleY
                        if (ay > middle) != (by > middle) {
                            let x = ax + (middle - ay) * ((bx - ax) / (by - ay))
                            parity[r * (columns + 1) + column(min(max(x, min(ax, bx)), max(ax, bx))) + 1] ^= 1
                        }
                    }
                }
            }
        }
        var sides = [UInt8](repeating: Outline.Side.outside.rawValue, count: columns * rows)
        for r in 0..<rows {
            var inside: UInt8 = 0
            for c in 0..<columns {
                inside ^= parity[r * (columns + 1) + c]
                let cell = r * columns + c
                if cellStarts[cell + 1] > 0 {
                    sides[cell] = Outline.Side.border.rawValue
                } else if inside == 1 {
                    sides[cell] = Outline.Side.inside.rawValue
                }
            }
        }
        for i in 1..<cellStarts.count { cellStarts[i] += cellStarts[i - 1] }
        for i in 1..<rowStarts.count { rowStarts[i] += rowStarts[i - 1] }
        var cellEdges = [Int32](repeating: 0, count: Int(cellStarts[cellStarts.count - 1]))
        var rowEdges = [Int32](repeating: 0, count: Int(rowStarts[rowStarts.count - 1]))
        var cellNext = cellStarts
        var rowNext = rowStarts
        for part in outline.partEnds.indices {
            let isPolygon = outline.kind(ofPart: part) == .polygon
            for ring in outline.rings(ofPart: part) {
                for edge in outline.edges(ofRing: ring) {
                    let end = outline.end(ofEdge: edge)
                    let number = Int32(truncatingIfNeeded: edge)
                    rasterize(outline.x(edge), outline.y(edge), outline.x(end), outline.y(end)) { r, range in
                        for c in range {
                            cellEdges[Int(cellNext[r * columns + c])] = number
                            cellNext[r * columns + c] += 1
                        }
                        guard isPolygon else { return }
                        rowEdges[Int(rowNext[r])] = number
                        rowNext[r] += 1
                    }
                }
            }
        }
        (self.box, self.columns, self.rows, self.scaleX, self.scaleY) = (box, columns, rows, scaleX, scaleY)
        (self.sides, self.cellStarts, self.cellEdges) = (sides, cellStarts, cellEdges)
        (self.rowStarts, self.rowEdges) = (rowStarts, rowEdges)
    }

    @inline(__always)
    private static func cell(_ value: Double, _ origin: Double, _ scale: Double, _ count: Int) -> Int {
        let place = (value - origin) * scale
        return place >= Double(count) ? count - 1 : place > 0 ? Int(place) : 0
    }

    @inline(__always) private func column(_ x: Double) -> Int { EdgeGrid.cell(x, box.minX, scaleX, columns) }
    @inline(__always) private func row(_ y: Double) -> Int { EdgeGrid.cell(y, box.minY, scaleY, rows) }

    /// Inside or outside when every cell that the box touches says so; `border` decides nothing.
    @inline(__always)
    func side(of other: Box) -> Outline.Side {
        // What reaches out of the grid's box is not inside, whatever the cells say.
        let isWithin = other.minX >= box.minX && other.maxX <= box.maxX && other.minY >= box.minY && other.maxY <= box.maxY
        let (left, right, low, high) = (column(other.minX), column(other.maxX), row(other.minY), row(other.maxY))
        let first = sides[low * columns + left]
        if first == Outline.Side.border.rawValue || (right - left) * (high - low) > 64 { return .border }
        for r in low...high {
            for c in left...right where sides[r * columns + c] != first { return .border }
        }
        if first == Outline.Side.outside.rawValue { return .outside }
        return isWithin ? .inside : .border
    }

    func edges(meeting other: Box, of outline: Outline, into list: inout [Int32]) {
        guard box.intersects(other) else { return }
        let (left, right, low, high) = (column(other.minX), column(other.maxX), row(other.minY), row(other.maxY))
        for r in low...high {
            // The cells of a row lie side by side, and so do their edges.
            let (start, end) = (Int(cellStarts[r * columns + left]), Int(cellStarts[r * columns + right + 1]))
            var last: Int32 = -1
            for i in start..<end where cellEdges[i] != last && outline.edgeMeets(Int(cellEdges[i]), other) {
                last = cellEdges[i]
                list.append(last)
            }
        }
    }

    func covers(_ x: Double, _ y: Double, of outline: Outline) -> Bool {
        let (c, r) = (column(x), row(y))
        switch sides[r * columns + c] {
        case Outline.Side.inside.rawValue: return true
        case Outline.Side.outside.rawValue: return false
        default: break
        }
        var ray = Ray(x: x, y: y)
        for i in Int(rowStarts[r])..<Int(rowStarts[r + 1]) {
            let edge = Int(rowEdges[i])
            if ray.take(outline.x(edge), outline.y(edge), outline.x(edge + 1), outline.y(edge + 1)) { return true }
        }
        return ray.isInside
    }
}
