import Synchronization

/// Says that a load should end; may be set from a signal handler's thread.
public final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    public init() {}

    public func cancel() { flag.store(true, ordering: .releasing) }
    public var isCancelled: Bool { flag.load(ordering: .acquiring) }

    func check() throws(LoadError) {
        if isCancelled { throw .cancelled }
    }
}
