import Geo
import LayerStore

/// Goes through the rows that a question is about, in the order of the file, and hands those that hold to a sink.
///
/// The index finds runs of rows; a run is taken in pieces that share a block of statistics, which decide most pieces unread; conditions
/// thin what is left out, one column after another, the cheapest first; the exact geometry is looked at last, and only where the index
/// could not decide.
struct RowScan {
    let context: FilterContext
    /// Nil: everywhere. Rows without a geometry are in every area.
    let boxes: [Envelope]?
    /// All must hold.
    let conditions: [TruthNode]
    /// Where rows of which the conditions hold can be.
    var reach = Reach.everywhere
    /// Only these rows; nil for all.
    var window: Range<Int>?

    /// What is done with the rows that hold.
    protocol Sink {
        /// False once it only counts: `take(count:)` is then enough.
        var wantsRows: Bool { get }
        /// All rows of a run hold.
        mutating func take(_ run: Range<Int>)
        mutating func take(_ rows: UnsafeBufferPointer<Int32>)
        /// So many rows hold, more than that is not asked. Called only while `wantsRows` is false.
        mutating func take(count: Int)
    }

    private var source: RowSource { context.source }

    /// Rows to look at that follow each other.
    struct Run: Sendable {
        var rows: Range<Int>
        /// They certainly lie in the area.
        var isDecided: Bool
    }

    /// - Complexity: O(rows the index finds), less the blocks whose statistics rule them out
    func run(into sink: inout some Sink, deadline: Deadline) throws(QueryError) {
        let pass = pass(deadline)
        for run in try plan() { try pass.take(run, &sink) }
        try pass.flush(&sink)
    }

    func pass(_ deadline: Deadline) -> RowPass {
        context.deadline = deadline
        return RowPass(source, conditions, boxes.map { AreaNode(context, $0, nullTruth: Truth.yes) }, deadline)
    }

    /// Runs of rows to look at, ascending and each row once.
    func plan() throws(QueryError) -> [Run] {
        let runs = try runs()
        guard let window else { return runs }
        return runs.map { Run(rows: $0.rows.clamped(to: window), isDecided: $0.isDecided) }
    }

    private func runs() throws(QueryError) -> [Run] {
        let file = source.file
        var wanted: [(box: Envelope, isWithinArea: Bool)] = []
        // The standard has it that a box also selects features without a geometry (OGC 17-069r4, 7.15.3 C).
        var last = file.geometryCount..<file.rowCount
        switch (boxes, reach) {
        case (nil, .everywhere): return [Run(rows: 0..<file.rowCount, isDecided: true)]
        case (nil, .boxes(let reach)):
            wanted = reach.map { ($0, true) }
            last = 0..<0
        case (.some(let boxes), .everywhere): wanted = boxes.map { ($0, true) }
        case (.some(let boxes), .boxes(let reach)):
            last = 0..<0
            for inner in reach {
                for outer in boxes {
                    // Three upright boxes of which each two meet meet all together, so an envelope that meets both meets what they share. Where they
                    // share nothing a large feature may still meet both.
                    let shared = inner.intersection(outer)
                    wanted.append(shared.isEmpty ? (inner, false) : (shared, true))
                }
            }
        }
        var runs: [Run] = []
        for (box, isWithinArea) in wanted {
            do {
                try file.search(box) { run, isInside in runs.append(Run(rows: run, isDecided: boxes == nil || (isInside && isWithinArea))) }
            } catch {
                throw .damaged(layer: source.layer, detail: "\(error)")
            }
        }
        if wanted.count > 1 {
            // A feature may lie in several boxes, so the runs are joined, each row once.
            runs.sort { $0.rows.lowerBound < $1.rows.lowerBound }
            var end = 0
            var apart: [Run] = []
            for run in runs where run.rows.upperBound > end {
                apart.append(Run(rows: max(end, run.rows.lowerBound)..<run.rows.upperBound, isDecided: run.isDecided))
                end = run.rows.upperBound
            }
            runs = apart
        }
        if !last.isEmpty { runs.append(Run(rows: last, isDecided: true)) }
        return runs
    }
}

extension Envelope {
    /// What both hold; empty where they are apart.
    fileprivate func intersection(_ other: Envelope) -> Envelope {
        Envelope(minX: max(minX, other.minX), minY: max(minY, other.minY), maxX: min(maxX, other.maxX), maxY: min(maxY, other.maxY))
    }
}

extension RowScan.Sink {
    var wantsRows: Bool { true }
    mutating func take(count: Int) { preconditionFailure("a sink that wants rows") }
}

/// One walk over the rows: what is decided of the block at hand, and the rows that wait to be looked at together.
final class RowPass {
    private let source: RowSource
    /// Cheapest first.
    private let conditions: [TruthNode]
    private let area: AreaNode?
    private let deadline: Deadline

    /// Of the block at hand, the conditions that its statistics leave open; nil when they rule it out.
    private var open: [TruthNode]? = []
    private var block = -1
    /// Rows of the block at hand that come in small runs.
    private var waiting = 0
    private var waitingDecided = true
    private let rows = RowScratch()
    private let truths = ByteScratch()

    /// From so many rows on a run is worth a batch of its own.
    private static let longRun = 256

    init(_ source: RowSource, _ conditions: [TruthNode], _ area: AreaNode?, _ deadline: Deadline) {
        (self.source, self.area, self.deadline) = (source, area, deadline)
        self.conditions = conditions.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }.map(\.element)
    }

    func take(_ run: RowScan.Run, _ sink: inout some RowScan.Sink) throws(QueryError) {
        let (run, decided) = (run.rows, run.isDecided)
        guard !run.isEmpty else { return }
        if conditions.isEmpty && decided {
            try flush(&sink)
            try deadline.check()
            sink.take(run)
            return
        }
        var start = run.lowerBound
        while start < run.upperBound {
            let number = start / Column.statisticRows
            let end = min(run.upperBound, (number + 1) * Column.statisticRows)
            defer { start = end }
            if number != block {
                try flush(&sink)
                try enter(number)
            }
            guard let open else { continue }
            if open.isEmpty && decided {
                try flush(&sink)
                sink.take(start..<end)
            } else if end - start >= RowPass.longRun {
                try flush(&sink)
                try look(Batch(start: start, count: end - start), open, decided: decided, &sink)
            } else {
                for row in start..<end {
                    rows.rows[waiting] = Int32(truncatingIfNeeded: row)
                    waiting += 1
                }
                waitingDecided = waitingDecided && decided
            }
        }
    }

    /// Looks at the rows that wait.
    func flush(_ sink: inout some RowScan.Sink) throws(QueryError) {
        guard waiting > 0, let open else { return }
        let batch = Batch(rows: UnsafePointer(rows.rows), count: waiting)
        let isDecided = waitingDecided
        (waiting, waitingDecided) = (0, true)
        try look(batch, open, decided: isDecided, &sink)
    }

    private func enter(_ number: Int) throws(QueryError) {
        try deadline.check()
        block = number
        var left: [TruthNode] = []
        for condition in conditions {
            let possible = try condition.possible(number)
            if !possible.contains(.yes) {
                open = nil
                return
            }
            if possible != .yes { left.append(condition) }
        }
        open = left
    }

    private func look(
        _ batch: Batch, _ open: [TruthNode], decided: Bool, _ sink: inout some RowScan.Sink
    ) throws(QueryError) {
        try deadline.check()
        var batch = batch
        let steps = open.count + (decided ? 0 : 1)
        for step in 0..<steps {
            let isArea = step == open.count
            let condition = isArea ? area! : open[step]
            if step > 0 && condition.cost >= TruthNode.dear { try deadline.check() }
            try condition.evaluate(batch, into: truths.bytes)
            if step == steps - 1 && !sink.wantsRows {
                var count = 0
                for i in 0..<batch.count { count &+= Int(truths.bytes[i] >> 1) }
                if count > 0 { sink.take(count: count) }
                return
            }
            var kept = 0
            for i in 0..<batch.count {
                rows.rows[kept] = Int32(truncatingIfNeeded: batch.row(i))
                kept &+= Int(truths.bytes[i] >> 1)
            }
            if kept == 0 { return }
            if kept < batch.count { batch = Batch(rows: UnsafePointer(rows.rows), count: kept) }
        }
        if batch.rows == nil {
            sink.take(batch.start..<batch.start + batch.count)
        } else {
            sink.take(UnsafeBufferPointer(start: batch.rows, count: batch.count))
        }
    }
}

/// Counts and keeps nothing.
struct CountSink: RowScan.Sink {
    private(set) var count = 0

    var wantsRows: Bool { false }
    mutating func take(_ run: Range<Int>) { count += run.count }
    mutating func take(_ rows: UnsafeBufferPointer<Int32>) { count += rows.count }
    mutating func take(count: Int) { self.count += count }
}

/// Collects one page and counts everything.
struct PageSink: RowScan.Sink {
    let limit: Int
    let offset: Int
    let firstRow: Int
    private(set) var rows: [Int] = []
    /// The first row that did not fit.
    private(set) var next: Int? {
        didSet { whenFull() }
    }
    private(set) var matched = 0
    private var passed = 0
    private let whenFull: () -> Void

    /// - Parameter whenFull: called once, when a row has no place on the page any more.
    init(limit: Int, position: ItemsRequest.Position, whenFull: @escaping () -> Void = {}) {
        self.limit = limit
        self.whenFull = whenFull
        switch position {
        case .start: (offset, firstRow) = (0, 0)
        case .offset(let offset): (self.offset, firstRow) = (offset, 0)
        case .row(let row): (offset, firstRow) = (0, row)
        }
        rows.reserveCapacity(min(limit, 1024))
    }

    var wantsRows: Bool { next == nil }

    mutating func take(count: Int) { matched += count }

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
