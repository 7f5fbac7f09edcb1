import Synchronization

/// When a piece of work must stop, and whether it was told to stop earlier.
///
/// Long loops call `check()` every few thousand rows, no more often: it reads the clock.
public final class Deadline: Sendable {
    private let end: ContinuousClock.Instant?
    private let stopped = Atomic<Bool>(false)

    /// - Parameter seconds: from now; nil never ends by itself.
    public init(seconds: Double?) {
        end = seconds.map { ContinuousClock.now + .seconds($0) }
    }

    /// Stops the work at its next check: the client has gone.
    public func cancel() {
        stopped.store(true, ordering: .relaxed)
    }

    public func check() throws(QueryError) {
        if stopped.load(ordering: .relaxed) { throw .cancelled }
        if let end, ContinuousClock.now > end { throw .overdue }
    }
}
