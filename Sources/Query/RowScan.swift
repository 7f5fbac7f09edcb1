import Geo
import LayerStore

/// Goes through the rows that a question is about, in the order of the file, and hands those that hold to a sink.
///
/// The index finds runs of rows; a run is taken in pieces that share a block statistic; conditions thin the piece out one column after
/// another; the exact geometry is looked at last, and only where the index could not decide.
struct RowScan {
    let source: RowSource
    /// Nil: everywhere.
    let boxes: [Envelope]?
    let predicates: [Predicate]
    /// Only these rows; nil for all.
    var window: Range<Int>?

    /// What is done with the rows that hold.
    protocol Sink {
        /// All rows of a run hold.
        mutating func take(_ run: Range<Int>)
        mutating func take(_ rows: UnsafeBufferPointer<Int32>)
    }

    /// - Complexity: O(rows the index finds), less the blocks whose statistics rule them out
    func run(into sink: inout some Sink, deadline: Deadline) throws(QueryError) {
        let file = source.file
        let selection = UnsafeMutableBufferPointer<Int32>.allocate(capacity: Column.statisticRows)
        defer { selection.deallocate() }
        let units = boxes?.map { UnitBox($0) } ?? []
        guard let boxes else {
            try take(0..<file.rowCount, decided: true, units, selection, &sink, deadline)
            return
        }
        if boxes.count == 1 {
            try search(boxes[0]) { run, decided throws(QueryError) in try take(run, decided: decided, units, selection, &sink, deadline) }
        } else {
            // A feature may lie in both boxes, so the runs are joined first, each row once.
            var runs: [(rows: Range<Int>, decided: Bool)] = []
            for box in boxes { try search(box) { run, decided throws(QueryError) in runs.append((run, decided)) } }
            runs.sort { $0.rows.lowerBound < $1.rows.lowerBound }
            var end = 0
            for run in runs where run.rows.upperBound > end {
                try take(max(end, run.rows.lowerBound)..<run.rows.upperBound, decided: run.decided, units, selection, &sink, deadline)
                end = run.rows.upperBound
            }
        }
        // The standard has it that a box also selects features without a geometry (OGC 17-069r4, 7.15.3 C).
        try take(file.geometryCount..<file.rowCount, decided: true, units, selection, &sink, deadline)
    }

    private func search(_ box: Envelope, _ found: (Range<Int>, Bool) throws(QueryError) -> Void) throws(QueryError) {
        do {
            try source.file.search(box) { run, decided in try found(run, decided) }
        } catch let error as QueryError {
            throw error
        } catch {
            throw .damaged(layer: source.layer, detail: "\(error)")
        }
    }

    private func take(
        _ run: Range<Int>, decided: Bool, _ boxes: [UnitBox], _ selection: UnsafeMutableBufferPointer<Int32>, _ sink: inout some Sink,
        _ deadline: Deadline
    ) throws(QueryError) {
        let run = window.map { run.clamped(to: $0) } ?? run
        guard !run.isEmpty else { return }
        if decided && predicates.isEmpty {
            try deadline.check()
            sink.take(run)
            return
        }
        let size = Column.statisticRows
        var start = run.lowerBound
        while start < run.upperBound {
            let end = min(run.upperBound, (start / size + 1) * size)
            defer { start = end }
            if end - start > 64 { try deadline.check() }
            guard try mayHold(block: start / size) else { continue }
            var count = end - start
            for i in 0..<count { selection[i] = Int32(truncatingIfNeeded: start + i) }
            for predicate in predicates where count > 0 {
                if let column = predicate.column {
                    try reading(source.layer) { () throws(LayerFileError) in try column.touch(start..<end) }
                }
                count = predicate.keep(selection, count: count)
            }
            if !decided {
                var kept = 0
                for i in 0..<count {
                    let row = selection[i]
                    let shape = try reading(source.layer) { () throws(LayerFileError) in try source.file.shape(Int(row)) }
                    selection[kept] = row
                    if boxes.contains(where: { shape.meets($0) }) { kept += 1 }
                    // A feature may have millions of vertices.
                    if shape.vertexCount > 4096 { try deadline.check() }
                }
                count = kept
            }
            if count > 0 { sink.take(UnsafeBufferPointer(start: selection.baseAddress, count: count)) }
        }
    }

    private func mayHold(block: Int) throws(QueryError) -> Bool {
        for predicate in predicates {
            guard let column = predicate.column else { return false }
            let statistic = try reading(source.layer) { () throws(LayerFileError) in try column.statistic(block) }
            if let statistic, !predicate.mayHold(statistic) { return false }
        }
        return true
    }
}

/// Collects one page and counts everything.
struct PageSink: RowScan.Sink {
    let limit: Int
    let offset: Int
    let firstRow: Int
    private(set) var rows: [Int] = []
    /// The first row that did not fit.
    private(set) var next: Int?
    private(set) var matched = 0
    private var passed = 0

    init(limit: Int, position: ItemsRequest.Position) {
        self.limit = limit
        switch position {
        case .start: (offset, firstRow) = (0, 0)
        case .offset(let offset): (self.offset, firstRow) = (offset, 0)
        case .row(let row): (offset, firstRow) = (0, row)
        }
        rows.reserveCapacity(min(limit, 1024))
    }

    mutating func take(_ run: Range<Int>) {
        matched += run.count
        guard next == nil, run.upperBound > firstRow else { return }
        var first = max(run.lowerBound, firstRow)
        let skipped = min(offset - passed, run.upperBound - first)
        passed += skipped
        first += skipped
        let last = min(run.upperBound, first + limit - rows.count)
        rows += first..<last
        if last < run.upperBound { next = last }
    }

    mutating func take(_ selected: UnsafeBufferPointer<Int32>) {
        matched += selected.count
        guard next == nil else { return }
        for row in selected where Int(row) >= firstRow {
            if passed < offset {
                passed += 1
            } else if rows.count < limit {
                rows.append(Int(row))
            } else {
                next = Int(row)
                return
            }
        }
    }
}
