import CQL2
import Descriptions
import Geo
import GeoNative
import LayerStore

/// An overlay ready to run: rows chosen, attributes found, values numbered, the overlay's features in a table. Only read from then on, by all threads.
struct OverlayPlan: Sendable {
    let request: OverlayRequest
    let limits: OverlayLimits
    let target: RowSource
    /// Chosen target rows with a geometry, ascending.
    let targetRows: [Int32]
    let targetKeys: ValueKeys
    let table: OverlayTable
    let overlayKeys: ValueKeys
    /// One for each of the request's aggregates.
    let figures: [Figure]
    /// Every feature that belongs to a target is wanted, not just whether a group has one.
    let needsEveryPair: Bool
    /// Overlay features are remembered for each group.
    let needsOverlayPairs: Bool
    let survey: OverlaySurvey
    let deadline: Deadline
    let withoutGeometry: (target: Int, overlay: Int)
    /// Features of a hazard whose class is not known, where the filter chooses by class and so passes over them.
    let unclassed: Int

    /// An aggregate and where its values come from.
    struct Figure: Sendable {
        let aggregate: OverlayRequest.Aggregate
        let side: OverlayRequest.Side
        let column: Column?
        /// The values' numbers, for `distinct`.
        let values: ValueKeys?
    }

    init(
        target: RowSource, overlay: RowSource, _ request: OverlayRequest, limits: OverlayLimits, hazard: HazardDescription?,
        deadline: Deadline
    ) throws(QueryError) {
        // What the request names is looked up before anything is counted.
        func column(_ property: OverlayRequest.Property) throws(QueryError) -> Int {
            let source = property.side == .target ? target : overlay
            guard let column = source.column(named: property.name) else { throw .unknownProperty(property.name) }
            return column
        }
        var groupColumns: [OverlayRequest.Side: [Int]] = [.target: [], .overlay: []]
        for property in request.groupBy { groupColumns[property.side]!.append(try column(property)) }
        for aggregate in request.aggregates {
            guard let property = aggregate.property else { continue }
            let source = property.side == .target ? target : overlay
            let type = source.file.attributes[try column(property)].type
            let isNumber = type == .integer || type == .real
            switch aggregate {
            case .sum, .mean: if !isNumber { throw .invalidValue(property: property.name, value: aggregate.function) }
            case .min, .max:
                if type == .json || type == .boolean { throw .invalidValue(property: property.name, value: aggregate.function) }
            default: break
            }
        }
        (self.request, self.limits, self.target, self.deadline) = (request, limits, target, deadline)
        let wantsIntersection = request.aggregates.contains(.area) || request.aggregates.contains(.length)
        let chosenTargets = try target.rows(holding: request.targetFilter, deadline: deadline)
        let chosenOverlays = try overlay.rows(holding: request.overlayFilter, deadline: deadline)
        withoutGeometry = (chosenTargets.withoutGeometry, chosenOverlays.withoutGeometry)
        targetRows = chosenTargets.rows
        targetKeys = try ValueKeys(target, groupColumns[.target]!, rows: targetRows, limit: limits.groups, deadline: deadline)
        overlayKeys = try ValueKeys(
            overlay, groupColumns[.overlay]!, rows: chosenOverlays.rows, limit: limits.groups, deadline: deadline)
        table = try OverlayTable(overlay, rows: chosenOverlays.rows, cuts: wantsIntersection, limits: limits, deadline: deadline)
        var figures: [Figure] = []
        for aggregate in request.aggregates {
            guard let property = aggregate.property else {
                figures.append(Figure(aggregate: aggregate, side: .target, column: nil, values: nil))
                continue
            }
            let source = property.side == .target ? target : overlay
            let number = try column(property)
            var values: ValueKeys?
            if case .distinct = aggregate {
                let rows = property.side == .target ? targetRows : chosenOverlays.rows
                values = try ValueKeys(source, [number], rows: rows, limit: Int(UInt32.max), deadline: deadline)
            }
            figures.append(Figure(aggregate: aggregate, side: property.side, column: source.file.columns[number], values: values))
        }
        self.figures = figures
        needsOverlayPairs = figures.contains { $0.side == .overlay }
        needsEveryPair = needsOverlayPairs || wantsIntersection
        survey = try reading(overlay.layer) { () throws(LayerFileError) in try OverlaySurvey(overlay.file, hazard) }
        unclassed = try overlay.unclassed(hazard, request.overlayFilter, deadline: deadline)
    }
}

extension RowSource {
    /// The rows with a geometry of which a filter is true, ascending, and how many others without one.
    func rows(holding filter: Expression?, deadline: Deadline) throws(QueryError) -> (rows: [Int32], withoutGeometry: Int) {
        var sink = RowCollector(limit: file.geometryCount)
        try RowQuestion(ItemsRequest(filter: filter), in: self, deadline: deadline).run(into: &sink, deadline: deadline)
        return (sink.rows, sink.withoutGeometry)
    }
}

extension RowSource {
    fileprivate func unclassed(_ hazard: HazardDescription?, _ filter: Expression?, deadline: Deadline) throws(QueryError) -> Int {
        guard let name = hazard?.classAttribute, let filter, filter.properties.contains(name), column(named: name) != nil else { return 0 }
        var sink = CountSink()
        try RowQuestion(ItemsRequest(filter: .isNull(.property(name))), in: self, deadline: deadline).run(into: &sink, deadline: deadline)
        return sink.count
    }
}

/// Collects the rows of a scan.
private struct RowCollector: RowScan.Sink {
    /// Rows from here on have no geometry.
    let limit: Int
    private(set) var rows: [Int32] = []
    private(set) var withoutGeometry = 0

    init(limit: Int) {
        self.limit = limit
    }

    var wantsRows: Bool { true }

    mutating func take(count: Int) { preconditionFailure("all rows are wanted") }

    mutating func take(_ run: Range<Int>) {
        let end = min(run.upperBound, limit)
        if run.lowerBound < end {
            rows.reserveCapacity(rows.count + end - run.lowerBound)
            for row in run.lowerBound..<end { rows.append(Int32(truncatingIfNeeded: row)) }
        }
        withoutGeometry += max(0, run.upperBound - max(run.lowerBound, limit))
    }

    mutating func take(_ selected: UnsafeBufferPointer<Int32>) {
        for row in selected {
            if Int(row) < limit { rows.append(row) } else { withoutGeometry += 1 }
        }
    }
}
