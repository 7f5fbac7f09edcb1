import Geo
import LayerStore

/// What a request asks of each row, made ready once: it may then be put to the whole layer, or to one stretch of rows after another.
struct RowQuestion {
    private let source: RowSource
    private let boxes: [Envelope]?
    private let predicates: [Predicate]

    /// - Throws: `unknownProperty` and the like, for a condition that makes no sense.
    init(_ request: ItemsRequest, in source: RowSource) throws(QueryError) {
        self.source = source
        var predicates: [Predicate] = []
        for equality in request.equals { predicates.append(try Predicate(equality, in: source)) }
        if let time = request.time, let column = source.timeColumn { predicates.append(.time(source.file.columns[column], time)) }
        self.predicates = predicates
        guard request.filter == nil && request.outline == nil else { throw .invalidValue(property: "filter", value: "") }
        boxes = request.area.map { $0.boxes.map { $0.roundedToUnits } }
    }

    /// Hands the rows that hold to the sink, in the order of the file.
    /// - Parameter window: only these rows; nil for all.
    func run(window: Range<Int>? = nil, into sink: inout some RowScan.Sink, deadline: Deadline) throws(QueryError) {
        try RowScan(source: source, boxes: boxes, predicates: predicates, window: window).run(into: &sink, deadline: deadline)
    }
}
