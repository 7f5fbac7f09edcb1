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
    /// Nil: no class is graver than another.
    let ranks: FeatureRanks?
    /// There are polygons in the layer.
    private let hasAreas: Bool
    private let columns: [Column]
    private let keys: [String]
    private let classKey: Int?
    private let phenomenonKey: Int?
    /// What classes are told by.
    private let classKeys: [Int]
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
        ranks = try file.hazardRanks()
        hasAreas = file.geometryKinds.contains { $0.dimension.map { $0 == 2 } ?? true }
        let columns = source.columns.map { source.file.columns[$0] }
        let keys = columns.map(\.attribute.name)
        (self.columns, self.keys) = (columns, keys)
        classKey = policy.classAttribute.flatMap { keys.firstIndex(of: $0) }
        phenomenonKey = policy.phenomenonAttribute.flatMap { keys.firstIndex(of: $0) }
        classKeys = [classKey, phenomenonKey].compactMap { $0 }
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
        var attempt = Attempt(leastZoom: tile.levelZoom, mergesDust: policy.coversAll && levels != nil && found <= TileDrawing.mergeLimit)
        while true {
            if let leftOut = try draw(&tools, attempt) { return leftOut }
            if attempt.mergesDust { attempt.mergesDust = false } else { attempt.leastZoom -= 1 }
        }
    }

    private struct Attempt {
        /// Features that matter only closer than this are left out.
        var leastZoom: Int
        /// Areas that are not shown by themselves are shown as what they are together, where rectangles would show something else.
        var mergesDust: Bool
    }

    /// Geometries of more features than this are not read to see what they are part of.
    private static let mergeLimit = 1 << 16

    /// Polygons are put on the grid together: what they share stays shared, and hazards cover what they are.
    private func gathers(_ tools: borrowing TileTools) -> Bool {
        hasAreas && (levels != nil || policy.coversAll) && tools.encoder.canGather
    }

    /// The same for one of few features that meet others, where that may make a difference. Where nothing is thinned each is rounded alone: most of what is
    /// too small to be shown by itself lies over its neighbours there anyway.
    private func isGathered(_ detail: FeatureDetail, _ tools: borrowing TileTools) -> Bool {
        policy.thins && tools.encoder.canGather && detail.area >= tools.dust.leastArea
            && (tile.matrixSet != .webMercatorQuad || tile.zoom < detail.apartZoom)
    }

    /// - Returns: nil when the tile is too large and more could be left out.
    private func draw(_ tools: inout TileTools, _ attempt: Attempt) throws -> Int? {
        let thins = policy.thins && details != nil
        tools.batch.start(columns, classKeys: classKeys)
        tools.dust.start(tile, isExact: try dustIsExact(attempt.leastZoom))
        tools.gathered.removeAll(keepingCapacity: true)
        tools.merged.removeAll(keepingCapacity: true)
        tools.joining.removeAll(keepingCapacity: true)
        tools.squeezedOut = 0
        tools.encoder.start(
            tile, layer: source.layer, keys: keys, expectedValues: min(found, 10_000) * min(tools.batch.variedColumns, 2),
            simplifies: policy.thins, keepsStraight: levels != nil, covers: policy.coversAll, notesPlaces: attempt.mergesDust,
            mayGoOn: { [deadline] in !deadline.isOver })
        let gathers = gathers(tools)
        let limit = thins && (attempt.leastZoom > 0 || attempt.mergesDust) ? policy.byteLimit : .max
        let leastArea = tools.dust.leastArea
        var leftOut = 0
        var touched = 0..<0
        try expectFrequentEntries(&touched, &tools) { detail in
            !thins || Int(detail.leastZoom) <= attempt.leastZoom && (detail.area == 0 || detail.area >= leastArea)
        }
        for (rows, isInside) in runs {
            try deadline.check()
            try details?.touch(rows)
            guard thins, let details else {
                try draw(rows, isInside: isInside, gathers, &touched, &tools)
                continue
            }
            for key in classKeys { try columns[key].touch(rows) }
            var start = rows.lowerBound
            for row in rows {
                if row & 0xFFFF == 0 { try deadline.check() }
                let detail = details[row]
                if Int(detail.leastZoom) <= attempt.leastZoom && (detail.area == 0 || detail.area >= leastArea) { continue }
                if start < row { try draw(start..<row, isInside: isInside, gathers, &touched, &tools) }
                start = row + 1
                leftOut += 1
                if detail.area > 0 {
                    if attempt.mergesDust, gathers, 4 * detail.area >= leastArea {
                        tools.joining.append(JoiningArea(row: row, detail: detail, class: classBits(row), isInside: isInside))
                    } else {
                        tools.dust.add(x: detail.x, y: detail.y, area: detail.area, class: classBits(row), row: row)
                    }
                }
            }
            if start < rows.upperBound { try draw(start..<rows.upperBound, isInside: isInside, gathers, &touched, &tools) }
            if tools.encoder.byteCount > limit { return nil }
        }
        for area in tools.joining where try !merge(area, leastArea, &tools) {
            tools.dust.add(x: area.detail.x, y: area.detail.y, area: area.detail.area, class: area.class, row: area.row)
        }
        if !tools.gathered.isEmpty || !tools.merged.isEmpty { try drawGathered(&tools) }
        tools.batch.end(&tools.encoder)
        if tools.encoder.byteCount > limit { return nil }
        if leftOut > 0 { try drawDust(&tools) }
        if tools.encoder.byteCount > limit { return nil }
        try checkWork(tools)
        return leftOut + tools.squeezedOut
    }

    /// - Throws: what the deadline says, or `limitExceeded`, when putting polygons on the grid took too much: what came of them is not to be used.
    private func checkWork(_ tools: borrowing TileTools) throws(QueryError) {
        if !tools.encoder.isStopped { return }
        try deadline.check()
        throw .limitExceeded(
            ja: "図形の線が何度も交わりすぎていて、このタイルは描けません。", en: "Shapes cross too often for this tile to be drawn.")
    }

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

    private func draw(_ rows: Range<Int>, isInside: Bool, _ gathers: Bool, _ touched: inout Range<Int>, _ tools: inout TileTools) throws {
        try file.touchShapes(rows)
        try levels?.touch(rows)
        if gathers { return try gather(rows, isInside: isInside, &tools) }
        try touchColumns(rows, &touched)
        for column in columns where column.hasOwnTexts { try column.touch(rows) }
        // What is known of rounded rings is known of those in Web Mercator that are nothing but rounded, every vertex of them.
        let canTrust = tile.matrixSet == .webMercatorQuad
        var drawn = 0
        for row in rows {
            let detail = details?[row]
            if let detail, detail.meetsOthers, isGathered(detail, tools) {
                try gather(row..<row + 1, isInside: isInside, &tools)
            } else if isInside, canTrust, let detail, detail.isSafe(atZoom: tile.zoom) {
                tools.encoder.draw(
                    safeRing: file.mercator(touched: row), isClockwise: detail.isClockwise, id: file.number(touched: row),
                    keepsStraight: policy.thins && detail.meetsOthers)
                tools.batch.add(row)
            } else if tools.encoder.draw(
                file.shape(touched: row), levels: levels?.levels(touched: row), id: file.number(touched: row), isInside: isInside,
                keepsStraight: policy.thins && (detail?.meetsOthers ?? false))
            {
                tools.batch.add(row)
            }
            if tools.batch.isFull { tools.batch.end(&tools.encoder) }
            drawn += 1
            if drawn & 1023 == 0 { try deadline.check() }
        }
    }

    // MARK: Polygons that are put on the grid together

    private func gather(_ rows: Range<Int>, isInside: Bool, _ tools: inout TileTools) throws {
        for row in rows {
            let owner = tools.encoder.gather(
                file.shape(touched: row), levels: levels?.levels(touched: row), rank: try ranks?.rank(row) ?? 1, isInside: isInside)
            tools.gathered.append(GatheredRow(row: row, owner: owner, isInside: isInside))
            if tools.gathered.count & 1023 == 0 { try deadline.check() }
            if tools.encoder.isFullOfGathered { try drawGathered(&tools) }
        }
    }

    /// Draws what was gathered, and begins anew.
    private func drawGathered(_ tools: inout TileTools) throws {
        try deadline.check()
        // Else the values were touched with those of the other features of the run.
        let gathersAll = gathers(tools)
        tools.encoder.arrangeGathered()
        try checkWork(tools)
        for place in tools.gathered.indices {
            let (row, owner, isInside) = (tools.gathered[place].row, tools.gathered[place].owner, tools.gathered[place].isInside)
            if gathersAll { for column in columns { try column.touch(row..<row + 1) } }
            if tools.encoder.draw(
                file.shape(touched: row), levels: levels?.levels(touched: row), id: try file.number(row), isInside: isInside, owner: owner)
            {
                tools.batch.add(row)
            } else if tools.encoder.isSqueezedOut(owner) {
                tools.squeezedOut += 1
            }
            if tools.batch.isFull { tools.batch.end(&tools.encoder) }
            if place & 1023 == 0 { try deadline.check() }
        }
        tools.batch.end(&tools.encoder)
        tools.batch.givesClassOnly = true
        for merged in tools.merged.values.sorted(by: { $0.owner < $1.owner }) {
            guard tools.encoder.draw(gathered: merged.owner, id: try file.number(merged.row)) else { continue }
            for column in columns { try column.touch(merged.row..<merged.row + 1) }
            tools.batch.add(merged.row)
            if tools.batch.isFull { tools.batch.end(&tools.encoder) }
        }
        tools.batch.end(&tools.encoder)
        tools.batch.givesClassOnly = false
        tools.gathered.removeAll(keepingCapacity: true)
        tools.merged.removeAll(keepingCapacity: true)
        tools.encoder.clearGathered()
    }

    /// Puts an area that is not shown by itself together with its like, so that what is covered is what it covers: one for which there are too many, and one
    /// that is too small, but not by much, and part of a larger one of which something is shown: a rectangle might lie over that, and less would be covered
    /// than there is. False when it is not so.
    private func merge(_ area: JoiningArea, _ leastArea: Float, _ tools: inout TileTools) throws -> Bool {
        let isSmall = area.detail.area < leastArea
        guard let levels, !isSmall || tools.encoder.isOccupied(x: area.detail.x, y: area.detail.y) else { return false }
        let row = area.row
        try file.touchShapes(row..<row + 1)
        try levels.touch(row..<row + 1)
        let shape = file.shape(touched: row)
        let ofShape = levels.levels(touched: row)
        if isSmall, UnsafeBufferPointer(start: ofShape, count: shape.mercator.count / 2).allSatisfy(\.grows) { return false }
        let shift = Int32(max(0, 20 - tile.levelZoom) + 6)
        let cell = MergedAreas(column: area.detail.x >> shift, row: area.detail.y >> shift, class: area.class)
        if let merged = tools.merged[cell] {
            tools.encoder.gather(shape, levels: ofShape, isInside: area.isInside, owner: merged.owner)
            if area.detail.area > merged.area {
                tools.merged[cell] = MergedAreas.Shown(row: row, area: area.detail.area, owner: merged.owner)
            }
        } else {
            let owner = tools.encoder.addOwner(rank: try ranks?.rank(row) ?? 1)
            tools.encoder.gather(shape, levels: ofShape, isInside: area.isInside, owner: owner)
            tools.merged[cell] = MergedAreas.Shown(row: row, area: area.detail.area, owner: owner)
        }
        return true
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

/// A feature whose polygons wait for being put on the grid with all others.
struct GatheredRow {
    var row: Int
    var owner: Int
    var isInside: Bool
}

/// An area that is not shown by itself, but may be together with its like.
struct JoiningArea {
    var row: Int
    var detail: FeatureDetail
    /// Equal for equal classes.
    var `class`: SIMD2<UInt64>
    var isInside: Bool
}

/// Where small areas of one class are shown as one.
struct MergedAreas: Hashable {
    var column: Int32
    var row: Int32
    var `class`: SIMD2<UInt64>

    /// What is shown: under the number of its largest feature.
    struct Shown {
        var row: Int
        var area: Float
        var owner: Int
    }
}
