import Foundation
import Query
import Synchronization
import Testing

@testable import HTTPAPI

@Suite struct WorkPoolTests {
    @Test func `work runs on at most as many threads as there are`() async throws {
        let pool = WorkPool(WorkPool.Settings(threads: 3, queue: 1000))
        let crowd = Crowd()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<60 {
                group.addTask {
                    try await pool.run(Deadline(seconds: nil)) {
                        crowd.come()
                        Thread.sleep(forTimeInterval: 0.005)
                        crowd.go()
                        return number
                    }
                }
            }
            var sum = 0
            for try await number in group { sum += number }
            #expect(sum == 59 * 60 / 2)
        }
        #expect(crowd.most == 3)
    }

    @Test func `a full queue refuses, late work is not begun, and what was given up takes no place`() async throws {
        let pool = WorkPool(WorkPool.Settings(threads: 1, queue: 1))
        let gate = DispatchSemaphore(value: 0)
        let begun = DispatchSemaphore(value: 0)
        async let first: Void = pool.run(Deadline(seconds: nil)) {
            begun.signal()
            gate.wait()
        }
        await Task.detached { begun.wait() }.value
        let deadline = Deadline(seconds: nil)
        let waiting = Task { try await pool.run(deadline) { Issue.record("begun though it was given up") } }
        while pool.waiting == 0 { await Task.yield() }
        await #expect(throws: WorkPool.Full.self) { try await pool.run(Deadline(seconds: nil)) {} }
        // Who has gone takes no place: another gets it, and the thread is still busy.
        deadline.cancel()
        let late = Deadline(seconds: nil)
        let next = Task { try await pool.run(late) { Issue.record("begun after its deadline") } }
        await #expect(throws: QueryError.cancelled) { try await waiting.value }
        late.cancel()
        gate.signal()
        try await first
        await #expect(throws: QueryError.cancelled) { try await next.value }
    }
}

/// How many were there at once.
private final class Crowd: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    func come() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    func go() {
        counts.withLock { $0.now -= 1 }
    }

    var most: Int { counts.withLock { $0.most } }
}

extension DispatchSemaphore {
    fileprivate func wait() {
        _ = wait(timeout: .now() + 10)
    }
}
