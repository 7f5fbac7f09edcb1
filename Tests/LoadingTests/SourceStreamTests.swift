import Foundation
import Geo
import RecordStream
import TestKit
import Testing

@testable import Loading

/// What a broken or hostile importer may do, played by shell scripts.
@Suite struct SourceStreamTests {
    private func stream(_ script: String, seconds: Double = 20, cancellation: Cancellation = Cancellation()) throws -> SourceStream {
        let folder = try TemporaryFolder()
        let program = folder.path("importer")
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
        var limits = ImportJail.Limits()
        limits.seconds = seconds
        let jail = ImportJail(kind: .none, limits: limits, importer: program.path)
        let request = ImportJail.Request(source: program, scratch: folder.url)
        let result = try SourceStream(request, in: jail, cancellation: cancellation)
        while try result.next() != nil {}
        return result
    }

    private func code(_ body: () throws -> SourceStream) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? LoadError)?.code
        }
    }

    @Test func `nonsense, silence and death are told apart from an end`() {
        #expect(code { try stream("echo nonsense") } == "import-broken")
        #expect(code { try stream("exit 0") } == "import-broken")
        #expect(code { try stream("kill -SEGV $$") } == "import-broken")
        #expect(code { try stream("sleep 60", seconds: 0.3) } == "too-slow")
        #expect(code { try stream("printf 'KSNREC01'; head -c 100000 /dev/zero; sleep 60", seconds: 5) } == "import-broken")
    }

    @Test func `what it says on standard error is kept within bounds`() {
        do {
            _ = try stream("head -c 10000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2; exit 3")
            Issue.record("no error")
        } catch {
            #expect((error as? LoadError)?.message.text("en").utf8.count ?? .max < 1000)
        }
    }

    @Test func `cancelling ends a child that says nothing`() {
        let cancellation = Cancellation()
        let started = Date()
        Thread {
            usleep(200_000)
            cancellation.cancel()
        }.start()
        #expect(code { try stream("sleep 60", cancellation: cancellation) } == "cancelled")
        #expect(Date().timeIntervalSince(started) < 20)
    }

    @Test func `files that belong to a source go into the jail with it, others do not`() throws {
        let folder = try TemporaryFolder()
        for name in ["a.shp", "a.dbf", "a.PRJ", "a.txt", "b.dbf", "a.shp.xml", "ab.shx"] { try Data().write(to: folder.path(name)) }
        let names = ImportJail.family(of: folder.path("a.shp")).map(\.lastPathComponent)
        #expect(names == ["a.shp", "a.PRJ", "a.dbf"])
    }
}
