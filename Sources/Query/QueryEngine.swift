public import Geo
@_spi(Rows) public import LayerAtlas
import LayerStore

/// Asks questions of layers. It takes only a `VisibleLayer`, which only the atlas makes, for one viewer and already masked: forgetting to
/// check who asks cannot be written.
///
/// Safe from any thread. A question runs on the thread that asks it; one that turns out to be heavy is helped with by idle ones (`SharedScan`).
public struct QueryEngine: Sendable {
    let drawers = DrawerPool()
    let transforms: TransformPool
    let occupancies = TileOccupancies()

    /// - Parameter gridDirectories: folders to look for datum grids in, before PROJ's own.
    public init(gridDirectories: [String] = []) {
        transforms = TransformPool(gridDirectories: gridDirectories)
    }

    func source(_ layer: VisibleLayer) -> RowSource {
        RowSource(
            layer: layer.id, file: layer.file, columns: layer.columns, time: layer.description.time.map { (start: $0.start, end: $0.end) })
    }

    /// One page of a layer's features.
    ///
    /// - Throws: `unknownProperty` and `invalidValue` for a condition that makes no sense; `overdue` when the time ran out before the page was
    ///   full. When it runs out only in counting, `matched` is nil.
    public func items(_ layer: VisibleLayer, _ request: ItemsRequest, deadline: Deadline) throws(QueryError) -> ItemsPage {
        try source(layer).items(request, deadline: deadline)
    }

    /// How many of a layer's features hold, exactly, however long it takes.
    public func count(_ layer: VisibleLayer, _ request: ItemsRequest, deadline: Deadline) throws(QueryError) -> Int {
        var sink = CountSink()
        try RowQuestion(request, in: source(layer), deadline: deadline).run(into: &sink, deadline: deadline)
        return sink.count
    }

    /// The row of a feature; nil when there is none of that identifier.
    public func row(_ layer: VisibleLayer, identifier: String) throws(QueryError) -> Int? {
        try source(layer).row(identifier: identifier)
    }

    /// The features that cover a place, in degrees, borders included.
    public func featuresAt(_ layer: VisibleLayer, point: Point) throws(QueryError) -> [Int] {
        try source(layer).featuresAt(point)
    }

    /// The identifier of a feature, as the API shows it.
    public func identifier(_ layer: VisibleLayer, row: Int) throws(QueryError) -> String {
        try source(layer).identifier(row)
    }

    /// The attributes of a feature that the viewer sees, in order, for pages and other small answers.
    public func values(_ layer: VisibleLayer, row: Int) throws(QueryError) -> [(attribute: Attribute, value: AttributeValue)] {
        try source(layer).values(row)
    }

    /// The geometry of a feature in degrees; nil when it has none.
    public func geometry(_ layer: VisibleLayer, row: Int) throws(QueryError) -> Geometry? {
        let source = source(layer)
        guard row < source.file.geometryCount else { return nil }
        return try reading(source.layer) { () throws(LayerFileError) in try source.file.shape(row) }.geometry
    }

    /// The attributes that `datetime` asks about: one, or both ends of an interval; nil when the layer has no time.
    public func timeAttributes(_ layer: VisibleLayer) -> (start: Attribute, end: Attribute?)? {
        let source = source(layer)
        return source.timeColumns.map { (source.file.attributes[$0.start], $0.end.map { source.file.attributes[$0] }) }
    }

    /// The attribute that identifies features, where the viewer sees it; nil when they are known by numbers of our own.
    public func idAttribute(_ layer: VisibleLayer) -> Attribute? {
        let source = source(layer)
        guard source.file.identity != .content, let id = source.file.idColumn, source.columns.contains(id) else { return nil }
        return source.file.attributes[id]
    }

    /// How many features the layer has.
    public func featureCount(_ layer: VisibleLayer) -> Int { source(layer).file.rowCount }
}

/// One page of features.
public struct ItemsPage: Sendable, Equatable {
    /// Rows of the layer version, in the order that was asked for.
    public var rows: [Int]
    /// How many features hold in all: exact, or nil when it could not be had in time.
    public var matched: Int?
    /// The row that the next page begins with; nil on the last page.
    public var next: Int?
}

extension RowSource {
    func items(_ request: ItemsRequest, deadline: Deadline) throws(QueryError) -> ItemsPage {
        let question = try RowQuestion(request, in: self, deadline: deadline)
        guard request.sort.isEmpty else { return try sortedItems(request, question, deadline: deadline) }
        // A full page waits for the count of the others only so long, and not at all for one that is known.
        let counting = Deadline(within: deadline)
        var sink = PageSink(limit: request.limit, position: request.position) {
            counting.shorten(to: request.counts ? RowSource.countingTime : 0)
        }
        var matched: Int?
        do throws(QueryError) {
            try question.run(into: &sink, deadline: counting)
            if request.counts { matched = sink.matched }
        } catch {
            guard error == .overdue, sink.next != nil else { throw error }
        }
        return try withinBudget(ItemsPage(rows: sink.rows, matched: matched, next: sink.next))
    }

    /// A page in the order of `sortby`: every feature that holds is looked at, and the first of them are kept.
    private func sortedItems(_ request: ItemsRequest, _ question: RowQuestion, deadline: Deadline) throws(QueryError) -> ItemsPage {
        var sink = try SortSink(
            try SortOrder(request.sort, in: self), limit: request.limit, position: request.position, deadline: deadline, source: self)
        try question.run(into: &sink, deadline: deadline)
        let (rows, next) = try sink.page()
        return try withinBudget(ItemsPage(rows: rows, matched: sink.matched, next: next))
    }

    /// Seconds that go into counting when the page is full.
    static let countingTime = 0.5

    /// The most vertices of one page, some 30 MiB of GeoJSON: a page of coastlines ends early, with the rest on the next, so that one request never
    /// takes more than its share of memory.
    static let pageVertices = 1 << 20

    /// Cuts a page off before the row that goes over the budget; the first row always stays.
    func withinBudget(_ page: ItemsPage, vertices limit: Int = RowSource.pageVertices) throws(QueryError) -> ItemsPage {
        var left = limit
        for (place, row) in page.rows.enumerated() where row < file.geometryCount {
            left -= try reading(layer) { () throws(LayerFileError) in try file.vertexCount(row) }
            if left < 0 && place > 0 { return ItemsPage(rows: Array(page.rows[..<place]), matched: page.matched, next: row) }
        }
        return page
    }

    func row(identifier: String) throws(QueryError) -> Int? {
        try reading(layer) { () throws(LayerFileError) in
            if showsIdentifier || file.identity != .text { return try file.row(identifier: identifier) }
            guard let number = UInt64(identifier), String(number) == identifier else { return nil }
            return try file.row(number: number)
        }
    }

    func identifier(_ row: Int) throws(QueryError) -> String {
        try reading(layer) { () throws(LayerFileError) in
            showsIdentifier ? try file.identifier(row) : String(try file.number(row))
        }
    }

    func values(_ row: Int) throws(QueryError) -> [(attribute: Attribute, value: AttributeValue)] {
        var result: [(attribute: Attribute, value: AttributeValue)] = []
        for column in columns {
            let value = try reading(layer) { () throws(LayerFileError) in try file.columns[column].attributeValue(row) }
            result.append((file.attributes[column], value))
        }
        return result
    }

    func featuresAt(_ point: Point) throws(QueryError) -> [Int] {
        let (x, y) = (UnitBox.units(point.x), UnitBox.units(point.y))
        let place = Envelope(minX: point.x, minY: point.y, maxX: point.x, maxY: point.y).roundedToUnits
        var rows: [Int] = []
        do {
            try file.search(place) { run, _ in
                for row in run where try file.shape(row).covers(x: x, y: y) { rows.append(row) }
            }
        } catch {
            throw .damaged(layer: layer, detail: "\(error)")
        }
        return rows
    }
}

extension Envelope {
    /// The same box on whole units of 1e-9 degree, as `UnitBox` has it.
    var roundedToUnits: Envelope {
        func rounded(_ degrees: Double) -> Double { Double(UnitBox.units(degrees)) / 1e9 }
        return Envelope(minX: rounded(minX), minY: rounded(minY), maxX: rounded(maxX), maxY: rounded(maxY))
    }
}
