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
        let gate = DownloadGate(limit: 2)
        var held: [DownloadGate.Permit] = [try gate.enter(), try gate.enter()]
        #expect(throws: Problem.self) { try gate.enter() }
        held.removeLast()
        held.append(try gate.enter())
        #expect(throws: Problem.self) { try gate.enter() }
        held = []
        _ = try gate.enter()
    }
}
