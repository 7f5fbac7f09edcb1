import AtlasKit
import Descriptions
import Foundation
import Geo
import LayerCatalog
import Logging
import Synchronization
import Testing
import UnixSignals

@testable import Server

/// A server that runs for one test, on a port of its own, over a data directory with a few layers.
struct Site: Sendable {
    let port: Int
    let office: Office
    let log: LogLines

    /// One request on a connection of its own.
    func get(
        _ path: String, method: String = "GET", _ fields: String..., host: String = "gis.example"
    ) async throws -> Wire.Answer {
        let wire = try Wire(port: port)
        let lines = (["\(method) \(path) HTTP/1.1", "Host: \(host)", "Connection: close"] + fields).joined(separator: "\r\n")
        try await wire.send(lines + "\r\n\r\n")
        return try await wire.answer(hasBody: method != "HEAD")
    }

    /// Runs a server and what is done with it, then stops the server.
    static func run(
        _ change: (inout ServerSettings) -> Void = { _ in }, preparation: @escaping LayerServer.Preparation = { _, _ in },
        layers: (Office) throws -> Void = Site.roads, isReady: Bool = true, stoppingOn signals: [UnixSignal] = [],
        hurry: @escaping @Sendable () -> Void = {},
        _ body: (Site) async throws -> Void
    ) async throws {
        let office = try Office(start: Date())
        try layers(office)
        var settings = ServerSettings()
        settings.data = office.folder.url
        settings.host = "127.0.0.1"
        settings.port = 0
        settings.refreshInterval = 0.02
        // A machine under load must not fail tests that are about something else.
        settings.deadline = 60
        change(&settings)
        let log = LogLines()
        let logger = Logger(label: "test") { _ in JSONLog(level: .debug) { log.add($0) } }
        let server = try LayerServer(settings, logger: logger, preparation: preparation)
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.run(stoppingOn: signals, hurry: hurry) { port in
                    continuation.yield(port)
                    continuation.finish()
                }
            }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let site = Site(port: port, office: office, log: log)
            if isReady {
                while try await site.get("/readyz").status != 200 { try await Task.sleep(for: .milliseconds(10)) }
            }
            let outcome = await Result { () async throws in try await body(site) }
            group.cancelAll()
            // Why the server ended by itself comes before what its end did to the test.
            do { try await group.waitForAll() } catch is CancellationError {}
            try outcome.get()
        }
    }

    /// Points near the edges of the map, and a feature without a place.
    static func world(_ office: Office) throws {
        let places = [(179.5, 66.0), (-179.5, 66), (0, 66), (10, 89.9), (-10, -89.9), (170, 66)]
        try office.load(
            LayerDescription(id: "world", title: LocalizedText(ja: "世界"), access: .public),
            rows: places.map { Office.Row(.point($0.0, $0.1)) } + [Office.Row(nil)])
    }

    /// A layer whose whole page is about 20 MB: more than all buffers between server and client.
    static func large(_ office: Office) throws {
        let text = String(repeating: "あ", count: 1700)
        try office.load(
            LayerDescription(id: "large", title: LocalizedText(ja: "大きい"), access: .public),
            attributes: [Attribute(name: "text", type: .text)],
            rows: (0..<4000).map { Office.Row(.point(140, 37), [.text(text + "\($0)")]) })
    }

    /// A layer of roads with ids that are hard to put into addresses, an internal one, and one with an attribute that is not for everybody.
    static func roads(_ office: Office) throws {
        let text = [
            Attribute(name: "名称", type: .text), Attribute(name: "class", type: .integer), Attribute(name: "width", type: .real),
            Attribute(name: "opened", type: .date),
        ]
        let ids = ["1/2", "a b+c", "中央通り1号", "100%&d=e?#", "plain"]
        let rows = ids.enumerated().map { index, id in
            let x = 140.3 + Double(index) * 0.01
            return Office.Row(
                .lineString([Point(x: x, y: 37.4), Point(x: x + 0.005, y: 37.41)]),
                [.text(id), .integer(Int64(index % 2)), .real(4.5), .date(Day(year: 2024, month: 1 + index, day: 1)!)])
        }
        try office.load(
            LayerDescription(
                id: "roads", title: LocalizedText(ja: "道路<b>", en: "Roads"), theme: "base", access: .public,
                attributes: [AttributeDescription(name: "width", title: LocalizedText(ja: "幅員", en: "Width"), unit: "m")]),
            attributes: text, idColumn: 0, rows: rows)
        try office.load(
            LayerDescription(id: "people", title: LocalizedText(ja: "要支援者"), theme: "base", access: .internal),
            attributes: [Attribute(name: "name", type: .text)], rows: [Office.Row(.point(140.3, 37.4), [.text("秘密太郎")])])
        try office.load(
            LayerDescription(
                id: "shelters", title: LocalizedText(ja: "避難所", en: "Shelters"), theme: "shelter", access: .public,
                attributes: [AttributeDescription(name: "phone", visibility: .internal)]),
            attributes: [Attribute(name: "name", type: .text), Attribute(name: "phone", type: .text)],
            rows: (0..<250).map { number in
                let x = 140.3 + Double(number % 16) * 0.001
                return Office.Row(.point(x, 37.4 + Double(number / 16) * 0.001), [.text("避難所\(number)"), .text("090-\(number)")])
            } + [Office.Row(nil, [.text("場所未定")])])
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

/// The log as it was written.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ bytes: [UInt8]) {
        lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
    }

    var all: [String] { lines.withLock { $0 } }
}
