import Foundation
import Query

/// A fixed number of threads for work that must not run on event loops or on Swift's own pool: queries, tiles, page faults.
///
/// The queue is bounded. When it is full, work is refused at once, so that a crowd is told to come back instead of being made to wait longer
/// and longer. Work whose deadline has passed while it waited is not begun, and work that nobody waits for any more takes no place from others.
public final class WorkPool: Sendable {
    public struct Settings: Sendable {
        /// Threads; the number of cores unless told otherwise.
        public var threads: Int
        /// Pieces of work that may wait.
        public var queue: Int

        public init(threads: Int = ProcessInfo.processInfo.activeProcessorCount, queue: Int = 256) {
            precondition(threads > 0 && queue > 0)
            self.threads = threads
            self.queue = queue
        }
    }

    /// The queue is full.
    public struct Full: Error {}

    private let line: Line

    public init(_ settings: Settings = Settings()) {
        line = Line(limit: settings.queue)
        for number in 1...settings.threads {
            let thread = Thread { [line] in
                while let work = line.next() { work() }
            }
            thread.name = "work-\(number)"
            // Recursion over deeply nested geometry needs more than the 512 KiB a secondary thread gets.
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    deinit {
        line.close()
    }

    /// Pieces of work that wait for a thread.
    public var waiting: Int { line.count }

    /// Runs `work` on one of the threads and returns its result.
    ///
    /// - Throws: `Full`; `QueryError.overdue` when the deadline passed before a thread was free; what `work` throws.
    public func run<Result: Sendable>(_ deadline: Deadline, _ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
                let accepted = line.add(deadline) {
                    continuation.resume(
                        with: Swift.Result {
                            try deadline.check()
                            return try work()
                        })
                }
                if !accepted { continuation.resume(throwing: Full()) }
            }
        } onCancel: {
            deadline.cancel()
        }
    }

    /// As `run`, for work that was begun long ago and must go on: when the queue is full it waits for a place.
    func runPatiently<Result: Sendable>(_ deadline: Deadline, _ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        while true {
            do {
                return try await run(deadline, work)
            } catch is Full {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    private struct Item {
        let deadline: Deadline
        var work: @Sendable () -> Void
    }

    /// The work that waits, in the order it came.
    private final class Line: @unchecked Sendable {
        // Sound because everything below is touched only while `condition` is locked.
        private let condition = NSCondition()
        private let limit: Int
        private var waiting: [Item] = []
        private var head = 0
        private var closed = false

        init(limit: Int) {
            self.limit = limit
        }

        func add(_ deadline: Deadline, _ work: @escaping @Sendable () -> Void) -> Bool {
            var ended: [@Sendable () -> Void] = []
            // Such work only says that it is over, so any thread may run it.
            defer { for work in ended { work() } }
            condition.lock()
            defer { condition.unlock() }
            if waiting.count - head >= limit {
                waiting.removeFirst(head)
                head = 0
                waiting.removeAll { item in
                    guard item.deadline.isOver else { return false }
                    ended.append(item.work)
                    return true
                }
            }
            guard waiting.count - head < limit else { return false }
            waiting.append(Item(deadline: deadline, work: work))
            condition.signal()
            return true
        }

        var count: Int {
            condition.lock()
            defer { condition.unlock() }
            return waiting.count - head
        }

        /// The next piece; waits for one. Nil when closed and empty.
        func next() -> (@Sendable () -> Void)? {
            condition.lock()
            defer { condition.unlock() }
            while head == waiting.count {
                if closed { return nil }
                condition.wait()
            }
            let work = waiting[head].work
            waiting[head].work = {}
            head += 1
            // Begun work is dropped from the front now and then, not each time.
            if head == waiting.count || head >= 1024 {
                waiting.removeFirst(head)
                head = 0
            }
            return work
        }

        func close() {
            condition.lock()
            closed = true
            condition.broadcast()
            condition.unlock()
        }
    }
}
