/// Turns polygons that a tile cannot draw one by one into their share of coverage, so that a town of half a million houses does not vanish from the map of
/// its prefecture.
///
/// A tile is divided into square cells; those of all tiles of a zoom make one grid through the world, and each lies in one tile. The area of a feature
/// counts in the cell that its middle lies in, by class where the style tells classes apart. A cell whose sum comes to a square grid unit or more shows a
/// rectangle of that area, for the feature with the largest share: its number stays real, so that a click finds something that is there. What a
/// rectangle of whole units cannot show, and sums too small for one, are carried to the next cell that has something, row by row within the tile; so the
/// area of the tile is right to a unit. The same rows give the same rectangles, in every run.
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
    /// For each class its value; its cells lie one behind the other in `cells`.
    private var classes = Scratch<UInt64>()
    /// Square grid units in a square world unit.
    private var unitArea = 1.0
    private var nextCell = 0
    /// What the cells so far could not show, or showed too much.
    private var carried = 0.0

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
        (area, drawnArea, featureCount) = (0, 0, 0)
        (nextCell, carried) = (0, 0)
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
    ///   - value: what the style tells classes by; equal for equal classes.
    public mutating func add(x: Int32, y: Int32, area worldArea: Float, class value: UInt64, row: Int) {
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
        let index = number(ofClass: value) * perClass + Int(place.y >> cellShift) * cellsPerSide + Int(place.x >> cellShift)
        var cell = cells[index]
        cell.area += size
        if size > cell.largest {
            cell.largest = size
            cell.row = Int32(truncatingIfNeeded: row)
            (cell.x, cell.y) = (place.x, place.y)
        }
        cells[index] = cell
    }

    private mutating func number(ofClass value: UInt64) -> Int {
        for i in 0..<classes.count where classes[i] == value { return i }
        if classes.count == Dust.classLimit { return Dust.classLimit - 1 }
        classes.append(value)
        cells.append(repeating: Cell(), count: cellsPerSide * cellsPerSide)
        return classes.count - 1
    }

    /// What stands for the polygons of a cell.
    public struct Rectangle {
        /// Of the feature with the largest share.
        public let row: Int
        let corner: GridPoint
        let width: Int32
        let height: Int32
    }

    /// The next rectangle to be drawn; nil when there is none left.
    /// - Parameter coversAll: never less area than was added, as hazards ask for.
    public mutating func next(coversAll: Bool) -> Rectangle? {
        let perClass = cellsPerSide * cellsPerSide
        while nextCell < cells.count {
            let cell = cells[nextCell]
            if nextCell % perClass == 0 { carried = 0 }
            nextCell += 1
            if cell.row < 0 { continue }
            carried += cell.area
            let shown = rectangle(area: coversAll ? carried.rounded(.up) : carried.rounded(), coversAll: coversAll)
            if shown.width == 0 { continue }
            let shownArea = Double(shown.width) * Double(shown.height)
            carried -= shownArea
            drawnArea += shownArea
            let side = Int32(1) << cellShift
            let west = (cell.x >> cellShift) << cellShift
            let north = (cell.y >> cellShift) << cellShift
            let x = max(west, min(cell.x - shown.width / 2, west + side - shown.width))
            let y = max(north, min(cell.y - shown.height / 2, north + side - shown.height))
            return Rectangle(row: Int(cell.row), corner: GridPoint(x: x, y: y), width: shown.width, height: shown.height)
        }
        return nil
    }

    /// A rectangle as square as can be with no more than so many units, or no less; at most a cell.
    private func rectangle(area: Double, coversAll: Bool) -> (width: Int32, height: Int32) {
        let side = Int32(1) << cellShift
        if area < 1 { return (0, 0) }
        let units = Int32(min(area, Double(side * side)))
        let width = max(1, min(side, Int32(Double(units).squareRoot())))
        let height = coversAll ? (units + width - 1) / width : units / width
        return (width, min(side, height))
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
