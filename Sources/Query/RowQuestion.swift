import Geo
import LayerStore

/// What a request asks of each row, made ready once: it may then be put to the whole layer, or to one stretch of rows after another.
///
/// Its conditions own the memory they work in, so one thread asks at a time; threads that help make their own (`SharedScan`).
struct RowQuestion {
    let request: ItemsRequest
    let source: RowSource
    let scan: RowScan

    /// - Parameter deadline: of making it, which may read all texts of a dictionary; asking has its own.
    /// - Throws: `unknownProperty`, `invalidFilter` and the like, for a condition that makes no sense; `overdue`.
    init(_ request: ItemsRequest, in source: RowSource, deadline: Deadline) throws(QueryError) {
        (self.request, self.source) = (request, source)
        let context = FilterContext(source, deadline)
        var conditions: [TruthNode] = []
        for equality in request.equals { conditions.append(try Predicate(equality, in: source).node(context)) }
        if let span = request.time, let time = source.timeColumns {
            // A feature without a time has none that lies outside; an interval without an end goes on.
            let start = source.file.columns[time.start]
            if let end = time.end {
                conditions.append(try Predicate.time(start, TimeSpan(start: nil, end: span.end)).node(context))
                conditions.append(try Predicate.time(source.file.columns[end], TimeSpan(start: span.start, end: nil)).node(context))
            } else {
                conditions.append(try Predicate.time(start, span).node(context))
            }
        }
        var boxes = request.area.map { $0.boxes.map(\.roundedToUnits) }
        if let outline = request.outline {
            let literal = try SpatialLiteral(outline, for: .intersects, in: context)
            conditions.append(SpatialNode(context, .intersects, literal, negated: false, nullTruth: Truth.yes))
            // What meets the outline meets its envelope: the index finds it.
            boxes = boxes ?? [outline.envelope.roundedOutward]
        }
        var reach = Reach.everywhere
        if let expression = request.filter {
            let filter = try Filter(expression, in: context)
            conditions += filter.conjuncts
            reach = filter.reach
        }
        scan = RowScan(context: context, boxes: boxes, conditions: conditions, reach: reach)
    }

    /// Hands the rows that hold to the sink, in the order of the file; with the help of idle threads where it turns out to be much work.
    func run(into sink: inout some RowScan.Sink, deadline: Deadline) throws(QueryError) {
        try SharedScan(question: self).run(into: &sink, deadline: deadline)
    }

    /// The same for the rows of a window, by this thread alone.
    func run(window: Range<Int>, into sink: inout some RowScan.Sink, deadline: Deadline) throws(QueryError) {
        var scan = scan
        scan.window = window
        try scan.run(into: &sink, deadline: deadline)
    }
}

extension Envelope {
    /// The smallest box of whole units of 1e-9 degree, as `UnitBox` has it, that holds this.
    fileprivate var roundedOutward: Envelope {
        Envelope(
            minX: (minX * 1e9).rounded(.down) / 1e9, minY: (minY * 1e9).rounded(.down) / 1e9, maxX: (maxX * 1e9).rounded(.up) / 1e9,
            maxY: (maxY * 1e9).rounded(.up) / 1e9)
    }
}
