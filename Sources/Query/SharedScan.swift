import Foundation
import Synchronization

/// A scan of all rows that the thread of the request begins alone, and goes on with together with idle ones where it turns out to be heavy.
///
/// The rows are cut into portions; each is looked at by one thread, and what was found is handed to the sink by the asking thread in the order of the
/// rows. So the answer is the same whoever helps.
struct SharedScan {
    let question: RowQuestion
    /// Rows of a portion, about.
    var portionRows = 16 * Batch.capacity
    /// How long a scan is too small to be shared: a thread costs some 0.1 ms, and binding the filter again.
    var aloneFor = Duration.milliseconds(3)
    var helpers = Helpers.ofThisProcess

    /// How many threads may help with scans at once; each core beyond the first is good for one.
    final class Helpers: Sendable {
        static let ofThisProcess = Helpers(ProcessInfo.processInfo.activeProcessorCount - 1)

        private let free: Mutex<Int>

        init(_ count: Int) { free = Mutex(count) }

        /// Takes what is free, at most `wanted`.
        fileprivate func take(_ wanted: Int) -> Int {
            free.withLock { free in
                let taken = min(free, wanted)
                free -= taken
                return taken
            }
        }

        var idle: Int { free.withLock { $0 } }

        fileprivate func giveBack(_ count: Int) { free.withLock { $0 += count } }
    }

    func run(into sink: inout some RowScan.Sink, deadline: Deadline) throws(QueryError) {
        let portions = SharedScan.portions(try question.scan.plan(), rows: portionRows)
        let begin = ContinuousClock.now
        let pass = question.scan.pass(deadline)
        for (number, portion) in portions.enumerated() {
            for run in portion { try pass.take(run, &sink) }
            try pass.flush(&sink)
            let left = portions.count - number - 1
            guard left > 1, ContinuousClock.now - begin >= aloneFor else { continue }
            let helping = helpers.take(left - 1)
            guard helping > 0 else { continue }
            defer { helpers.giveBack(helping) }
            return try share(Array(portions[(number + 1)...]), threads: helping + 1, into: &sink, deadline)
        }
    }

    private func share(
        _ portions: [[RowScan.Run]], threads: Int, into sink: inout some RowScan.Sink, _ deadline: Deadline
    ) throws(QueryError) {
        let (request, source) = (question.request, question.source)
        let first = Handover(question)
        let want = Want(sink.wantsRows)
        try ParallelPieces(count: portions.count, threads: threads).run(
            worker: { Worker(first.take(), request, source, deadline) },
            work: { worker, number throws(QueryError) -> Found in
                try worker.find(portions[number], wantsRows: want.rows.load(ordering: .relaxed))
            },
            take: { found throws(QueryError) in
                found.deliver(to: &sink)
                if !sink.wantsRows { want.rows.store(false, ordering: .relaxed) }
            })
    }

    /// Whether the sink still wants rows: what it only counts is not gathered.
    private final class Want: Sendable {
        let rows: Atomic<Bool>

        init(_ wants: Bool) { rows = Atomic(wants) }
    }

    /// Cuts runs so that a portion has about so many rows, none more.
    static func portions(_ runs: [RowScan.Run], rows limit: Int) -> [[RowScan.Run]] {
        var portions: [[RowScan.Run]] = []
        var (portion, count): ([RowScan.Run], Int) = ([], 0)
        for run in runs {
            var rows = run.rows
            while !rows.isEmpty {
                let taken = rows.prefix(limit - count)
                portion.append(RowScan.Run(rows: taken, isDecided: run.isDecided))
                count += taken.count
                rows = taken.upperBound..<rows.upperBound
                if count == limit {
                    portions.append(portion)
                    (portion, count) = ([], 0)
                }
            }
        }
        if !portion.isEmpty { portions.append(portion) }
        return portions
    }

    /// Gives the question that was bound already to the first thread that asks.
    private final class Handover: @unchecked Sendable {
        // Sound because whoever takes it is the only one that has it: the asking thread does not use its own any more.
        private var question: RowQuestion?
        private let lock = NSLock()

        init(_ question: RowQuestion) { self.question = question }

        func take() -> RowQuestion? {
            lock.withLock {
                defer { question = nil }
                return question
            }
        }
    }

    /// What one thread keeps from portion to portion.
    private final class Worker {
        private let request: ItemsRequest
        private let source: RowSource
        private let deadline: Deadline
        private let question: RowQuestion?
        private var pass: RowPass?

        init(_ question: RowQuestion?, _ request: ItemsRequest, _ source: RowSource, _ deadline: Deadline) {
            (self.question, self.request, self.source, self.deadline) = (question, request, source, deadline)
        }

        func find(_ portion: [RowScan.Run], wantsRows: Bool) throws(QueryError) -> Found {
            if pass == nil {
                let scan = if let question { question.scan } else { try RowQuestion(request, in: source, deadline: deadline).scan }
                pass = scan.pass(deadline)
            }
            var found = Found(wantsRows: wantsRows)
            for run in portion { try pass!.take(run, &found) }
            try pass!.flush(&found)
            return found
        }
    }

    /// What holds in one portion.
    private struct Found: RowScan.Sink, Sendable {
        private enum Part {
            case run(Range<Int>)
            case rows([Int32])
        }

        let wantsRows: Bool
        private var parts: [Part] = []
        private var count = 0

        init(wantsRows: Bool) { self.wantsRows = wantsRows }

        mutating func take(_ run: Range<Int>) {
            if wantsRows { parts.append(.run(run)) } else { count += run.count }
        }

        mutating func take(_ rows: UnsafeBufferPointer<Int32>) {
            if wantsRows { parts.append(.rows(Array(rows))) } else { count += rows.count }
        }

        mutating func take(count: Int) { self.count += count }

        func deliver(to sink: inout some RowScan.Sink) {
            for part in parts {
                switch part {
                case .run(let run): sink.take(run)
                case .rows(let rows): rows.withUnsafeBufferPointer { sink.take($0) }
                }
            }
            if count > 0 { sink.take(count: count) }
        }
    }
}
