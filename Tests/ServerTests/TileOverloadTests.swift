import AtlasKit
import Descriptions
import Foundation
import Geo
import Query
import Testing

@testable import Server

/// When more tiles are asked for than can be made: some are refused in words, none is ever less than whole, and nothing half is kept.
@Suite struct TileOverloadTests {
    private static let zooms = 8...15

    /// So many features in one place that every tile over it takes a while.
    private static func crowded(_ office: Office) throws {
        try office.load(
            LayerDescription(id: "crowded", title: LocalizedText(ja: "混んだ所"), access: .public),
            attributes: [Attribute(name: "number", type: .integer)],
            rows: (0..<12_000).map { number in
                let (x, y) = (139.9 + Double(number % 120) * 1e-7, 36.6 + Double(number / 120) * 1e-7)
                return Office.Row(.point(x, y), [.integer(Int64(number))])
            })
    }

    /// The tiles over it by their addresses, as they are when nobody hurries.
    private static func wanted(_ site: Site) throws -> [(path: String, tile: [UInt8])] {
        let layer = try site.office.atlas.layer("crowded", for: .publicViewer)
        let engine = QueryEngine()
        let place = WebMercator.project(longitude: 139.9, latitude: 36.6)
        return try zooms.map { zoom in
            let (column, row) = (Int((Int64(place.x) + 1 << 31) >> (32 - zoom)), Int((Int64(place.y) + 1 << 31) >> (32 - zoom)))
            let tile = try #require(TileCoordinate(zoom: zoom, column: column, row: row))
            let bytes = try engine.tile(layer, tile, deadline: Deadline(seconds: nil))
            #expect(bytes.count > 1000)
            return ("/collections/crowded/tiles/WebMercatorQuad/\(zoom)/\(row)/\(column)", bytes)
        }
    }

    /// Asks as a client should that was told to come back.
    private static func patiently(_ site: Site, _ path: String) async throws -> Wire.Answer {
        for _ in 0..<600 {
            let answer = try await site.get(path)
            if answer.status != 503 { return answer }
            try await Task.sleep(for: .milliseconds(100))
        }
        return try await site.get(path)
    }

    @Test(arguments: [false, true])
    func `tiles that are too much at once are refused, and whole when they are asked for again`(areKeptOnDisk: Bool) async throws {
        try await Site.run { settings in
            settings.work.threads = 1
            settings.work.queue = 1
            if areKeptOnDisk { (settings.tileCache, settings.tileCacheDisk) = (0, 64 << 20) }
        } layers: { office in
            try Self.crowded(office)
        } _: { site in
            let wanted = try Self.wanted(site)
            var refused = 0
            for _ in 0..<20 where refused == 0 {
                let answers = try await withThrowingTaskGroup(of: (place: Int, answer: Wire.Answer).self) { group in
                    for place in wanted.indices {
                        // Two for each: who waits for the same tile must not get another's refusal as a tile.
                        for _ in 0..<2 { group.addTask { (place, try await site.get(wanted[place].path)) } }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                for (place, answer) in answers {
                    if answer.status == 200 {
                        #expect(answer.body == wanted[place].tile, "\(wanted[place].path)")
                        continue
                    }
                    refused += 1
                    #expect(answer.status == 503 && answer.code == "overloaded", "\(answer.status)")
                    #expect(answer["retry-after"] == "1" && answer["cache-control"] == "no-store" && answer["etag"] == nil)
                    #expect(answer["content-type"]?.hasPrefix("application/problem+json") == true)
                }
            }
            #expect(refused > 0, "nobody was refused")
            for (path, tile) in wanted {
                for _ in 0..<2 {
                    let answer = try await Self.patiently(site, path)
                    #expect(answer.status == 200 && answer.body == tile, "\(path)")
                }
            }
        }
    }

    @Test func `a tile whose client hangs up is not kept half, and who else waits for it has it whole`() async throws {
        try await Site.run { settings in
            settings.work.threads = 1
        } layers: { office in
            try Self.crowded(office)
        } _: { site in
            let wanted = try Self.wanted(site)
            for (number, (path, tile)) in wanted.enumerated() {
                // At different moments of the work, some before it began.
                async let other = site.get(wanted[(number + 1) % wanted.count].path)
                var gone: Wire? = try Wire(port: site.port)
                try await gone?.send("GET \(path) HTTP/1.1\r\nHost: gis.example\r\n\r\n")
                try await Task.sleep(for: .milliseconds(7 * number))
                async let waiting = site.get(path)
                // The connection ends with it.
                gone = nil
                #expect(try await waiting.body == tile, "\(path)")
                #expect(try await other.body == wanted[(number + 1) % wanted.count].tile)
            }
            for (path, tile) in wanted {
                let answer = try await site.get(path)
                #expect(answer.status == 200 && answer.body == tile, "\(path)")
            }
        }
    }
}
