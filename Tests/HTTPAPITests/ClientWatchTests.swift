import Access
import Query
import Testing

@testable import HTTPAPI

@Suite struct ClientWatchTests {
    private final class Channel {}

    @Test func `a client that goes takes its work with it, and what is begun for it afterwards`() throws {
        let (clients, channel) = (Clients(), Channel())
        let connection = ObjectIdentifier(channel)
        let watch = clients.arrived(connection)
        #expect(clients[connection] === watch)
        let (done, work) = (Deadline(seconds: nil), Deadline(seconds: nil))
        watch.watch(done)
        watch.rest()
        watch.watch(work)
        clients.left(connection)
        #expect(clients[connection] == nil)
        try done.check()
        #expect(throws: QueryError.cancelled) { try work.check() }
        let late = Deadline(seconds: nil)
        watch.watch(late)
        #expect(throws: QueryError.cancelled) { try late.check() }
        withExtendedLifetime(channel) {}
    }

    @Test func `only the work that was seen is ended, not what came after it`() throws {
        let watch = Clients().arrived(ObjectIdentifier(Channel()))
        #expect(watch.current == nil)
        let (first, second) = (Deadline(seconds: nil), Deadline(seconds: nil))
        watch.watch(first)
        let seen = try #require(watch.current)
        watch.rest()
        #expect(watch.current == nil)
        watch.watch(second)
        watch.cancel(seen)
        try second.check()
        watch.cancel(try #require(watch.current))
        #expect(throws: QueryError.cancelled) { try second.check() }
        try first.check()
    }

    @Test func `places for downloads are given back when their holder is gone`() throws {
        let gate = DownloadGate(limit: 4)
        func enter(_ address: String, _ viewer: Viewer = .publicViewer) throws -> DownloadGate.Permit {
            try gate.enter(viewer, from: address)
        }
        var held: [DownloadGate.Permit] = [try enter("a"), try enter("a")]
        #expect(throws: Problem.self) { try enter("a") }
        held += [try enter("b"), try enter("c")]
        #expect(throws: Problem.self) { try enter("d") }
        // Those with a key have places of their own.
        let officer = Viewer(name: "税務課", keyID: "k", departments: [], mayReadInternal: true, mayReadEverything: false)
        held += try (0..<4).map { _ in try enter("a", officer) }
        #expect(throws: Problem.self) { try enter("a", officer) }
        held = []
        _ = [try enter("a"), try enter("a"), try enter("a", officer)]
    }

    @Test func `answers that wait for their readers are bounded together`() throws {
        let budget = AnswerBudget(limit: 1 << 20)
        #expect(try budget.take(1000) == nil)
        var held = [try budget.take(600 << 10), try budget.take(400 << 10)]
        #expect(throws: Problem.overloaded) { try budget.take(128 << 10) }
        held.removeLast()
        held.append(try budget.take(424 << 10))
        #expect(throws: Problem.overloaded) { try budget.take(128 << 10) }
        held = []
        #expect(try budget.take(1 << 20) != nil)
    }
}
