public import Query
import Synchronization

/// The clients that are connected now, by their connection. What works for one asks here whether it is still there.
public final class Clients: Sendable {
    private let watches = Mutex<[ObjectIdentifier: ClientWatch]>([:])

    public init() {}

    /// A connection was made.
    /// - Parameter connection: its channel.
    public func arrived(_ connection: ObjectIdentifier) -> ClientWatch {
        let watch = ClientWatch()
        watches.withLock { $0[connection] = watch }
        return watch
    }

    /// A connection has ended: the work for it ends too.
    public func left(_ connection: ObjectIdentifier) {
        watches.withLock { $0.removeValue(forKey: connection) }?.cancel()
    }

    subscript(connection: ObjectIdentifier) -> ClientWatch? { watches.withLock { $0[connection] } }
}

/// The work that is done for one connection, so that it can be ended when nobody waits for it any more.
public final class ClientWatch: Sendable {
    private struct State {
        var work: Deadline?
        /// Counts pieces of work.
        var number = 0
        var isGone = false
    }

    private let state = Mutex(State())

    init() {}

    /// Ties a piece of work to the connection, until the next.
    func watch(_ work: Deadline) {
        let isGone = state.withLock { state in
            state.work = work
            state.number += 1
            return state.isGone
        }
        if isGone { work.cancel() }
    }

    /// The work is done, or waits for the client.
    func rest() {
        state.withLock { state in
            state.work = nil
            state.number += 1
        }
    }

    func cancel() {
        state.withLock { state in
            state.isGone = true
            return state.work
        }?.cancel()
    }

    /// The work at hand; nil when there is none.
    public var current: Int? { state.withLock { $0.work == nil ? nil : $0.number } }

    /// Ends a piece of work if it is still the one at hand.
    public func cancel(_ number: Int) {
        state.withLock { $0.number == number ? $0.work : nil }?.cancel()
    }
}
