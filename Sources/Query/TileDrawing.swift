import Geo
import LayerStore
import Tiles

/// One tile being drawn.
///
/// The index gives runs of rows. Of each feature its detail is looked at first, 16 bytes that lie side by side: whether it has a place at this zoom, or is
/// shown by its share of area. Only where it has a place are its vertices and attributes read.
struct TileDrawing {
    let source: RowSource
    let file: LayerFile
    let tile: MapTile
    let policy: TilePolicy
    let deadline: Deadline
    /// Nil: everything is drawn.
    let details: FeatureDetails?
    /// Nil: every vertex is drawn at every zoom.
    let levels: VertexLevels?
    private let columns: [Column]
    private let keys: [String]
    private let classKey: Int?
    private let phenomenonKey: Int?
    private let runs: [(rows: Range<Int>, isInside: Bool)]
    private let found: Int

    init(_ source: RowSource, _ tile: MapTile, _ policy: TilePolicy, _ deadline: Deadline) throws {
        self.source = source
        self.tile = tile
        self.policy = policy
        self.deadline = deadline
        file = source.file
        details = try file.details()
        levels = try file.vertexLevels()
        let columns = source.columns.map { source.file.columns[$0] }
        let keys = columns.map(\.attribute.name)
        (self.columns, self.keys) = (columns, keys)
        classKey = policy.classAttribute.flatMap { keys.firstIndex(of: $0) }
        phenomenonKey = policy.phenomenonAttribute.flatMap { keys.firstIndex(of: $0) }
        var runs: [(rows: Range<Int>, isInside: Bool)] = []
        var found = 0
        try file.search(tile.bufferedEnvelope) { rows, isInside in
            runs.append((rows, isInside))
            found += rows.count
        }
        (self.runs, self.found) = (runs, found)
    }

    /// Draws what the encoder then finishes, and once more with less when it comes out too large.
    /// - Returns: see `DrawnTile.leftOut`.
    func draw(_ tools: inout TileTools) throws -> Int {
        var zoom = tile.levelZoom
        while true {
            if let leftOut = try draw(&tools, leastZoom: zoom) { return leftOut }
            zoom -= 1
        }
    }

    /// - Parameter leastZoom: features that matter only closer than this are left out.
    /// - Returns: nil when the tile is too large and more could be left out.
    private func draw(_ tools: inout TileTools, leastZoom: Int) throws -> Int? {
        let thins = policy.thins && details != nil
        tools.batch.start(columns, classKeys: classKeys)
        tools.dust.start(tile, isExact: try dustIsExact(leastZoom))
        tools.encoder.start(
            tile, layer: source.layer, keys: keys, expectedValues: min(found, 10_000) * min(tools.batch.variedColumns, 2),
            simplifies: policy.thins, keepsStraight: levels != nil, covers: policy.coversAll)
        let limit = thins && leastZoom > 0 ? policy.byteLimit : .max
        let leastArea = tools.dust.leastArea
        var leftOut = 0
        var touched = 0..<0
        try expectFrequentEntries(&touched, &tools) { detail in
            !thins || Int(detail.leastZoom) <= leastZoom && (detail.area == 0 || detail.area >= leastArea)
        }
        for (rows, isInside) in runs {
            try deadline.check()
            try details?.touch(rows)
            guard thins, let details else {
                try draw(rows, isInside: isInside, &touched, &tools)
                continue
            }
            for key in classKeys { try columns[key].touch(rows) }
            var start = rows.lowerBound
            for row in rows {
                if row & 0xFFFF == 0 { try deadline.check() }
                let detail = details[row]
                if Int(detail.leastZoom) <= leastZoom && (detail.area == 0 || detail.area >= leastArea) { continue }
                if start < row { try draw(start..<row, isInside: isInside, &touched, &tools) }
                start = row + 1
                leftOut += 1
                if detail.area > 0 {
                    tools.dust.add(x: detail.x, y: detail.y, area: detail.area, class: classBits(row), row: row)
                }
            }
            if start < rows.upperBound { try draw(start..<rows.upperBound, isInside: isInside, &touched, &tools) }
            if tools.encoder.byteCount > limit { return nil }
        }
        tools.batch.end(&tools.encoder)
        if leftOut > 0 { try drawDust(&tools) }
        if tools.encoder.byteCount > limit { return nil }
        return leftOut
    }

    /// What classes are told by.
    private var classKeys: [Int] { [classKey, phenomenonKey].compactMap { $0 } }

    /// Equal for features of one class that were touched.
    @inline(__always)
    private func classBits(_ row: Int) -> SIMD2<UInt64> {
        SIMD2(classKey.map { columns[$0].bits(touched: row) } ?? 0, phenomenonKey.map { columns[$0].bits(touched: row) } ?? 0)
    }

    private func gravity(_ row: Int) throws(LayerFileError) -> Int {
        guard let classKey else { return 0 }
        let phenomenon = try phenomenonKey.map { key throws(LayerFileError) in try columns[key].attributeValue(row) }
        return policy.gravity(try columns[classKey].attributeValue(row), phenomenon ?? .null)
    }

    /// More features than this would make too many rectangles of two pixels.
    private static let exactDust = 4096

    /// Whether all that a hazard leaves out in this tile is small.
    private func dustIsExact(_ leastZoom: Int) throws -> Bool {
        guard policy.coversAll, policy.thins, found <= TileDrawing.exactDust, let details else { return false }
        let leastArea = Dust.leastArea(tile)
        for (rows, _) in runs {
            try details.touch(rows)
            for row in rows where Int(details[row].leastZoom) > leastZoom && details[row].area >= leastArea { return false }
        }
        return true
    }

    /// Rows looked at to find out which entries of dictionaries are frequent.
    private static let sampleSize = 2048

    /// Looks at some of the rows before they are drawn, so that the values that many features have get the small numbers.
    private func expectFrequentEntries(
        _ touched: inout Range<Int>, _ tools: inout TileTools, _ isDrawn: (FeatureDetail) -> Bool
    ) throws {
        // With fewer values all numbers are small.
        if found < 128 || !columns.contains(where: { $0.entryCount != nil }) { return }
        let stride = max(4, found / TileDrawing.sampleSize)
        var skipped = 0
        for (rows, isInside) in runs {
            var row = rows.lowerBound + skipped
            while row < rows.upperBound {
                try details?.touch(row..<row + 1)
                if isInside && details.map({ isDrawn($0[row]) }) ?? true {
                    try touchColumns(row..<row + 1, &touched)
                    tools.batch.sample(row)
                }
                row += stride
            }
            skipped = row - rows.upperBound
        }
        tools.batch.expectFrequent(&tools.encoder)
    }

    /// - Parameter touched: rows whose values of a few bytes are known to be checked: a run may be one row, and blocks hold thousands.
    private func touchColumns(_ rows: Range<Int>, _ touched: inout Range<Int>) throws {
        if rows.lowerBound >= touched.lowerBound && rows.upperBound <= touched.upperBound { return }
        touched = rows.lowerBound..<max(rows.upperBound, min(rows.lowerBound + 512, file.rowCount))
        for column in columns where !column.hasOwnTexts { try column.touch(touched) }
    }

    private func draw(_ rows: Range<Int>, isInside: Bool, _ touched: inout Range<Int>, _ tools: inout TileTools) throws {
        try file.touchShapes(rows)
        try levels?.touch(rows)
        try touchColumns(rows, &touched)
        for column in columns where column.hasOwnTexts { try column.touch(rows) }
        // What is known of rounded rings is known of those in Web Mercator that are nothing but rounded, every vertex of them.
        let canTrust = tile.matrixSet == .webMercatorQuad && !policy.coversAll
        var drawn = 0
        for row in rows {
            if isInside, canTrust, let detail = details?[row], detail.isSafe(atZoom: tile.zoom) {
                tools.encoder.draw(
                    safeRing: file.mercator(touched: row), isClockwise: detail.isClockwise != 0, id: file.number(touched: row))
                tools.batch.add(row)
            } else if tools.encoder.draw(
                file.shape(touched: row), levels: levels?.levels(touched: row), id: file.number(touched: row), isInside: isInside)
            {
                tools.batch.add(row)
            }
            if tools.batch.isFull { tools.batch.end(&tools.encoder) }
            drawn += 1
            if drawn & 1023 == 0 { try deadline.check() }
        }
    }

    private func drawDust(_ tools: inout TileTools) throws {
        tools.batch.givesClassOnly = true
        if policy.coversAll { try tools.dust.sortClasses { row throws(LayerFileError) in try gravity(row) } }
        while let rectangle = tools.dust.next(coversAll: policy.coversAll) {
            tools.encoder.draw(rectangle, id: try file.number(rectangle.row))
            tools.batch.add(rectangle.row)
            if tools.batch.isFull {
                tools.batch.end(&tools.encoder)
                try deadline.check()
            }
        }
        tools.batch.end(&tools.encoder)
    }
}
