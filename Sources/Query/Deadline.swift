import Synchronization

/// When a piece of work must stop, and whether it was told to stop earlier.
///
/// Long loops call `check()` every few thousand rows, no more often: it reads the clock.
public final class Deadline: Sendable {
    private let start = ContinuousClock.now
    /// Nanoseconds from the start.
    private let limit: Atomic<Int64>
    private let stopped = Atomic<Bool>(false)
    /// When it is over this is too.
    private let whole: Deadline?

    /// - Parameter seconds: from now; nil never ends by itself.
    public init(seconds: Double?) {
        limit = Atomic(Deadline.nanoseconds(seconds))
        whole = nil
    }

    /// The deadline of a part of some work: over when that of the whole is, or earlier when it is told so.
    init(within whole: Deadline) {
        limit = Atomic(.max)
        self.whole = whole
    }

    /// Ends it so many seconds from now, if it does not end before.
    func shorten(to seconds: Double) {
        let end = Deadline.nanoseconds(seconds).addingReportingOverflow(elapsed)
        limit.min(end.overflow ? .max : end.partialValue, ordering: .relaxed)
    }

    /// Stops the work at its next check: the client has gone.
    public func cancel() {
        stopped.store(true, ordering: .relaxed)
    }

    public func check() throws(QueryError) {
        if stopped.load(ordering: .relaxed) { throw .cancelled }
        let limit = limit.load(ordering: .relaxed)
        if limit != .max, elapsed > limit { throw .overdue }
        try whole?.check()
    }

    /// The time is up, or the work was stopped.
    public var isOver: Bool {
        do throws(QueryError) {
            try check()
            return false
        } catch {
            return true
        }
    }

    private var elapsed: Int64 {
        let parts = (ContinuousClock.now - start).components
        return parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000
    }

    private static func nanoseconds(_ seconds: Double?) -> Int64 {
        guard let seconds else { return .max }
        return seconds * 1e9 < 9e18 ? Int64(seconds * 1e9) : .max
    }
}
