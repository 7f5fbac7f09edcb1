/// Turns polygons that a tile cannot draw one by one into their share of coverage, so that a town of half a million houses does not vanish from the map of
/// its prefecture.
///
/// A tile is divided into square cells; those of all tiles of a zoom make one grid through the world, and each lies in one tile. The area of a feature
/// counts in the cell that its middle lies in, by class where the style tells classes apart. A cell whose sum comes to a square grid unit or more shows a
/// rectangle of that area, for the feature with the largest share: its number stays real, so that a click finds something that is there. What a
/// rectangle of whole units cannot show, and sums too small for one, are carried to the next cell that has something, row by row within the tile; so the
/// area of the tile is right to a unit. The same rows give the same rectangles, in every run.
///
/// Where nothing may be shown by less than there is, the classes of a cell share one square of their areas together, in bands from the gravest to the least:
/// so none covers another, and none is less than its share.
public struct Dust: ~Copyable {
    struct Cell: BitwiseCopyable {
        /// Square grid units.
        var area = 0.0
        var largest = 0.0
        var row: Int32 = -1
        /// The middle of the largest, in grid units.
        var x: Int32 = 0
        var y: Int32 = 0
    }

    /// More classes than this share the last one's cells.
    static let classLimit = 64

    /// Square grid units that were added since `start`, and that were drawn.
    public private(set) var area = 0.0
    public private(set) var drawnArea = 0.0
    /// Features whose area was added.
    public private(set) var featureCount = 0

    private var grid = TileGrid(MapTile(.webMercatorQuad, zoom: 0, column: 0, row: 0)!)
    /// A cell's side is two to this in grid units.
    private var cellShift: Int32 = 6
    private var cells = Scratch<Cell>()
    /// For each class its values; its cells lie one behind the other in `cells`.
    private var classes = Scratch<SIMD2<UInt64>>()
    /// The row that each class was first seen in.
    private var classRows = Scratch<Int32>()
    /// Classes from the gravest to the least.
    private var order = Scratch<Int32>()
    /// Of the cell that was looked at last, and how many of them were given away.
    private var bands = Scratch<Rectangle>()
    private var nextBand = 0
    /// Square grid units in a square world unit.
    private var unitArea = 1.0
    private var nextCell = 0
    /// What the cells so far could not show, or showed too much, for each class.
    private var carried = Scratch<Double>()
    /// For each class the last cell that has something of it.
    private var lastCells = Scratch<Int32>()
    /// For each class some rows that no cell shows, for what is left over, so that a feature is in a tile once; where there are none, the last cell's is
    /// there once more, since a hazard must not be shown by less than it is. `spareLimit` places each.
    private var spares = Scratch<Int32>()
    private var spareCounts = Scratch<Int32>()
    private static let spareLimit = 4

    public init() {}

    /// Begins a tile.
    /// - Parameter isExact: cells are two pixels wide, so that nothing is shown far from where it is: for hazards, where there are few features and all of
    ///   them are small, as each cell shows at most its own area.
    public mutating func start(_ tile: MapTile, isExact: Bool = false) {
        grid = TileGrid(tile)
        cellShift = isExact ? 4 : 6
        unitArea = Dust.unitArea(grid)
        cells.removeAll()
        classes.removeAll()
        classRows.removeAll()
        order.removeAll()
        bands.removeAll()
        carried.removeAll()
        lastCells.removeAll()
        spares.removeAll()
        spareCounts.removeAll()
        (area, drawnArea, featureCount) = (0, 0, 0)
        (nextCell, nextBand) = (0, 0)
    }

    /// Square world units below which a polygon is too small to be drawn by itself: four grid units.
    public var leastArea: Float { Float(4 / unitArea) }
    public static func leastArea(_ tile: MapTile) -> Float { Float(4 / unitArea(TileGrid(tile))) }

    private static func unitArea(_ grid: TileGrid) -> Double { grid.areaScale * Double(1 << (2 * grid.enlargement)) }

    private var cellsPerSide: Int { TileGrid.extent >> Int(cellShift) }

    /// Adds a feature; nothing when its middle lies outside the tile, where it belongs to another.
    /// - Parameters:
    ///   - x: the middle, in Web Mercator world units; `y` too.
    ///   - area: square world units.
    ///   - value: what the style tells classes by, one attribute or two; equal for equal classes.
    public mutating func add(x: Int32, y: Int32, area worldArea: Float, class value: SIMD2<UInt64>, row: Int) {
        let (x, y, worldArea) = grid.isGeographic ? PlateCarree.project(x: x, y: y, area: worldArea) : (x, y, worldArea)
        let fine = grid.fine(x, y)
        let place = GridPoint(
            x: Int32(truncatingIfNeeded: fine.x >> grid.reduction), y: Int32(truncatingIfNeeded: fine.y >> grid.reduction))
        let extent = Int64(TileGrid.extent) << grid.reduction
        guard fine.x >= 0, fine.y >= 0, fine.x < extent, fine.y < extent, worldArea > 0 else { return }
        let size = Double(worldArea) * unitArea
        area += size
        featureCount += 1
        let perClass = cellsPerSide * cellsPerSide
        let (number, cellPlace) = (number(ofClass: value, row), Int(place.y >> cellShift) * cellsPerSide + Int(place.x >> cellShift))
        lastCells[number] = max(lastCells[number], Int32(cellPlace))
        let index = number * perClass + cellPlace
        var cell = cells[index]
        cell.area += size
        let spare = size > cell.largest ? cell.row : Int32(truncatingIfNeeded: row)
        if spare >= 0 && spareCounts[number] < Dust.spareLimit {
            spares[number * Dust.spareLimit + Int(spareCounts[number])] = spare
            spareCounts[number] += 1
        }
        if size > cell.largest {
            cell.largest = size
            cell.row = Int32(truncatingIfNeeded: row)
            (cell.x, cell.y) = (place.x, place.y)
        }
        cells[index] = cell
    }

    private mutating func number(ofClass value: SIMD2<UInt64>, _ row: Int) -> Int {
        for i in 0..<classes.count where classes[i] == value { return i }
        if classes.count == Dust.classLimit { return Dust.classLimit - 1 }
        order.append(Int32(classes.count))
        classes.append(value)
        classRows.append(Int32(truncatingIfNeeded: row))
        carried.append(0)
        lastCells.append(-1)
        spares.append(repeating: -1, count: Dust.spareLimit)
        spareCounts.append(0)
        cells.append(repeating: Cell(), count: cellsPerSide * cellsPerSide)
        return classes.count - 1
    }

    /// Puts graver classes before others, after all was added; what is equally grave stays in its order.
    /// - Parameter gravity: of a feature's class, by its row.
    public mutating func sortClasses<E: Error>(gravity: (_ row: Int) throws(E) -> Int) throws(E) {
        var gravities = InlineArray<64, Int>(repeating: 0)
        for i in 0..<order.count {
            let number = order[i]
            let own = try gravity(Int(classRows[Int(number)]))
            var place = i
            while place > 0 && gravities[place - 1] < own {
                gravities[place] = gravities[place - 1]
                order[place] = order[place - 1]
                place -= 1
            }
            gravities[place] = own
            order[place] = number
        }
    }

    /// What stands for the polygons of a cell.
    public struct Rectangle: BitwiseCopyable {
        /// Of the feature with the largest share.
        public let row: Int
        let corner: GridPoint
        let width: Int32
        let height: Int32
    }

    /// The next rectangle to be drawn; nil when there is none left.
    /// - Parameter coversAll: never less area than was added, as hazards ask for.
    public mutating func next(coversAll: Bool) -> Rectangle? { coversAll ? nextOfBands() : nextSquare() }

    private mutating func nextSquare() -> Rectangle? {
        let perClass = cellsPerSide * cellsPerSide
        while nextCell < cells.count {
            let cell = cells[nextCell]
            let number = nextCell / perClass
            nextCell += 1
            if cell.row < 0 { continue }
            carried[number] += cell.area
            let shown = rectangle(area: carried[number].rounded())
            if shown.width == 0 { continue }
            note(shown.width, shown.height, number)
            return Rectangle(
                row: Int(cell.row), corner: corner(cell.x, cell.y, shown.width, shown.height), width: shown.width, height: shown.height)
        }
        return nil
    }

    private mutating func nextOfBands() -> Rectangle? {
        while nextBand == bands.count {
            if nextCell == cellsPerSide * cellsPerSide { return nextLeftOver() }
            divide(nextCell)
            nextCell += 1
        }
        nextBand += 1
        return bands[nextBand - 1]
    }

    /// What is left of a class after its last cell, gravest first, in the nearest cell that has nothing; nil when nothing is left, or no such cell.
    private mutating func nextLeftOver() -> Rectangle? {
        let perClass = cellsPerSide * cellsPerSide
        for i in 0..<order.count {
            let number = Int(order[i])
            // A hair is what adding and taking away leaves.
            guard carried[number] > 1e-6, let free = freeCell(near: Int(lastCells[number])) else { continue }
            let row = takeSpare(of: number) ?? cells[number * perClass + Int(lastCells[number])].row
            let side = Int32(1) << cellShift
            let units = Int32(min(carried[number].rounded(.up), Double(side * side)))
            let width = Int32(Double(units).squareRoot().rounded(.up))
            let height = (units + width - 1) / width
            cells[number * perClass + free].row = row
            note(width, height, number)
            let corner = GridPoint(x: Int32(free % cellsPerSide) << cellShift, y: Int32(free / cellsPerSide) << cellShift)
            return Rectangle(row: Int(row), corner: corner, width: width, height: height)
        }
        return nil
    }

    private mutating func takeSpare(of number: Int) -> Int32? {
        if spareCounts[number] == 0 { return nil }
        spareCounts[number] -= 1
        return spares[number * Dust.spareLimit + Int(spareCounts[number])]
    }

    /// The nearest cell without anything of any class, rows and columns counted alike.
    private func freeCell(near place: Int) -> Int? {
        let (column, row) = (place % cellsPerSide, place / cellsPerSide)
        for distance in 1..<cellsPerSide {
            for y in max(0, row - distance)...min(cellsPerSide - 1, row + distance) {
                let isEdge = abs(y - row) == distance
                for x in stride(from: column - distance, through: column + distance, by: isEdge ? 1 : 2 * distance)
                where x >= 0 && x < cellsPerSide {
                    let cell = y * cellsPerSide + x
                    if (0..<classes.count).allSatisfy({ cells[$0 * cellsPerSide * cellsPerSide + cell].row < 0 }) { return cell }
                }
            }
        }
        return nil
    }

    /// Makes bands of what lies in a cell.
    private mutating func divide(_ place: Int) {
        bands.removeAll()
        nextBand = 0
        let perClass = cellsPerSide * cellsPerSide
        let side = Int32(1) << cellShift
        var total = 0.0
        var largest = Cell()
        for number in 0..<classes.count {
            let cell = cells[number * perClass + place]
            if cell.row < 0 { continue }
            carried[number] += cell.area
            total += max(0, carried[number].rounded(.up))
            if cell.largest > largest.largest { largest = cell }
        }
        if total < 1 { return }
        // As square as can be; wider where whole rows of each class would not find room.
        var width = max(1, min(side, Int32(min(total, Double(side * side)).squareRoot())))
        while width < side && height(width, place) > side { width += 1 }
        let height = min(side, height(width, place))
        let corner = corner(largest.x, largest.y, width, height)
        var used: Int32 = 0
        for i in 0..<order.count {
            let number = Int(order[i])
            let cell = cells[number * perClass + place]
            let own = min(height - used, rows(number, cell, width))
            if own <= 0 { continue }
            bands.append(Rectangle(row: Int(cell.row), corner: GridPoint(x: corner.x, y: corner.y + used), width: width, height: own))
            note(width, own, number)
            used += own
        }
    }

    /// Of the bands of a cell, one on the other.
    private func height(_ width: Int32, _ place: Int) -> Int32 {
        var height: Int32 = 0
        for number in 0..<classes.count { height += rows(number, cells[number * cellsPerSide * cellsPerSide + place], width) }
        return height
    }

    /// Rows so wide that a class takes of a cell, at most a cell's.
    private func rows(_ number: Int, _ cell: Cell, _ width: Int32) -> Int32 {
        if cell.row < 0 || carried[number] <= 0 { return 0 }
        let side = Int32(1) << cellShift
        return min(side, Int32((min(carried[number].rounded(.up), Double(side * side)) / Double(width)).rounded(.up)))
    }

    /// Where a rectangle lies about a place, within its cell.
    private func corner(_ x: Int32, _ y: Int32, _ width: Int32, _ height: Int32) -> GridPoint {
        let side = Int32(1) << cellShift
        let (west, north) = ((x >> cellShift) << cellShift, (y >> cellShift) << cellShift)
        return GridPoint(
            x: max(west, min(x - width / 2, west + side - width)), y: max(north, min(y - height / 2, north + side - height)))
    }

    private mutating func note(_ width: Int32, _ height: Int32, _ number: Int) {
        let shown = Double(width) * Double(height)
        carried[number] -= shown
        drawnArea += shown
    }

    /// A rectangle as square as can be with no more than so many units; at most a cell.
    private func rectangle(area: Double) -> (width: Int32, height: Int32) {
        let side = Int32(1) << cellShift
        if area < 1 { return (0, 0) }
        let units = Int32(min(area, Double(side * side)))
        let width = max(1, min(side, Int32(Double(units).squareRoot())))
        return (width, min(side, units / width))
    }
}

extension TileEncoder {
    /// Begins a feature that is a rectangle on the grid.
    public mutating func draw(_ rectangle: Dust.Rectangle, id: UInt64) {
        let (west, north) = (rectangle.corner.x, rectangle.corner.y)
        let (east, south) = (west + rectangle.width, north + rectangle.height)
        rings.removeAll()
        for (x, y) in [(west, north), (east, north), (east, south), (west, south)] { rings.points.append(GridPoint(x: x, y: y)) }
        _ = rings.endRing(start: 0, part: 0, isHole: false)
        drawRings(id: id)
    }
}
