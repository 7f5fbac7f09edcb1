import Foundation
import Synchronization

/// Work that was cut into numbered pieces, done by several threads, its results taken in the order of the pieces: who was faster does not show.
struct ParallelPieces {
    let count: Int
    /// The calling thread is one of them.
    let threads: Int

    /// - Parameters:
    ///   - worker: makes what one thread keeps from piece to piece; called on that thread.
    ///   - work: one piece.
    ///   - take: given every piece's result, in order, one at a time.
    /// - Throws: an error of `work`, once all threads have ended.
    func run<Worker, Result: Sendable>(
        worker: @escaping @Sendable () -> Worker, work: @escaping @Sendable (Worker, Int) throws(QueryError) -> Result,
        take: (Result) throws(QueryError) -> Void
    ) throws(QueryError) {
        let board = Board<Result>()
        let count = count
        let helpers = min(threads, count) - 1
        let ended = DispatchSemaphore(value: 0)
        for _ in 0..<max(0, helpers) {
            let thread = Thread {
                board.workOff(count, worker, work) {}
                ended.signal()
            }
            // Recursion over deeply nested geometry needs more than the 512 KiB a secondary thread gets.
            thread.stackSize = 8 << 20
            thread.start()
        }
        board.workOff(count, worker, work) { board.deliver(take) }
        for _ in 0..<max(0, helpers) { ended.wait() }
        board.deliver(take)
        if let error = board.error { throw error }
    }

    private final class Board<Result: Sendable>: Sendable {
        private struct State {
            var finished: [Int: Result] = [:]
            var taken = 0
            var error: QueryError?
        }

        private let next = Atomic<Int>(0)
        private let state = Mutex(State())

        var error: QueryError? { state.withLock { $0.error } }

        func workOff<Worker>(
            _ count: Int, _ makeWorker: () -> Worker, _ work: (Worker, Int) throws(QueryError) -> Result, afterPiece: () -> Void
        ) {
            let worker = makeWorker()
            while error == nil {
                let piece = next.add(1, ordering: .relaxed).oldValue
                guard piece < count else { return }
                do throws(QueryError) {
                    let result = try work(worker, piece)
                    state.withLock { $0.finished[piece] = result }
                } catch {
                    fail(error)
                }
                afterPiece()
            }
        }

        /// Hands over what is finished and next in order; called by one thread only.
        func deliver(_ take: (Result) throws(QueryError) -> Void) {
            while let result = state.withLock({ state -> Result? in
                guard state.error == nil, let result = state.finished.removeValue(forKey: state.taken) else { return nil }
                state.taken += 1
                return result
            }) {
                do throws(QueryError) { try take(result) } catch { fail(error) }
            }
        }

        private func fail(_ error: QueryError) {
            state.withLock { if $0.error == nil { $0.error = error } }
        }
    }
}
