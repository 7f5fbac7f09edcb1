import AtlasKit
import Foundation
import Testing

@testable import Server

struct ScrubberTests {
    /// Flips bytes all over the published version's file where it lies, as a disk would. Returns the version.
    private static func damage(_ layer: String, _ office: Office) throws -> String {
        let version = try #require(try office.catalogue.layer(layer)?.current)
        let url = office.catalogue.file(of: layer, version: version)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? NSNumber).uint64Value
        let handle = try FileHandle(forUpdating: url)
        defer { try? handle.close() }
        for offset in stride(from: UInt64(4096), to: size, by: 997) {
            try handle.seek(toOffset: offset)
            let byte = try handle.read(upToCount: 1)?.first ?? 0
            try handle.seek(toOffset: offset)
            try handle.write(contentsOf: [byte ^ 0x40])
        }
        return version
    }

    private static func log(_ site: Site, has what: String...) async throws -> String {
        while true {
            if let line = site.log.all.first(where: { line in what.allSatisfy { line.contains($0) } }) { return line }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test(.timeLimit(.minutes(30))) func `a disk that forgets is noticed, told and counted, and the other layers go on`() async throws {
        let twice: (Office) throws -> Void = { office in
            try Site.roads(office)
            try Site.roads(office)
        }
        try await Site.run({ settings in settings.scrub = Scrubber.Settings(delay: 0.05, interval: 0.05) }, layers: twice) { site in
            _ = try await Self.log(site, has: "\"scrubbed\"", "\"damaged\":0", "\"layers\":3")
            #expect(try await site.get("/metrics").text.contains("kasane_layers_damaged 0"))
            #expect(try await site.get("/collections/shelters/items?limit=300&f=json").status == 200)
            let version = try Self.damage("shelters", site.office)
            let line = try await Self.log(site, has: "\"damaged\"", "\"layer\":\"shelters\"")
            #expect(line.contains("壊れています") && line.contains("\"error\""))
            while try await !site.get("/metrics").text.contains("kasane_layers_damaged 1") { try await Task.sleep(for: .milliseconds(10)) }
            // Every block of it was good when it was first read, and is refused now.
            let refused = try await site.get("/collections/shelters/items?limit=300&f=json&filter=name%20LIKE%20'%2530%25'")
            #expect(refused.status == 500 || refused.status == 503, "\(refused.status)")
            #expect(try await site.get("/collections/roads/items?f=json").status == 200)
            // With the version before, all is well.
            #expect(try site.office.catalogue.rollback("shelters", by: "test") != version)
            while try await !site.get("/metrics").text.contains("kasane_layers_damaged 0") { try await Task.sleep(for: .milliseconds(10)) }
            #expect(try await site.get("/collections/shelters/items?limit=300&f=json").status == 200)
        }
    }

    @Test(.timeLimit(.minutes(30))) func `a server that is told to stop does not wait for the scrub`() async throws {
        // Hours, at a byte a second.
        try await Site.run({ settings in settings.scrub = Scrubber.Settings(delay: 0, interval: 1, pace: 1) }) { _ in
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    @Test func `settings say when and how fast, in either order`() throws {
        var settings = ServerSettings()
        #expect(settings.scrub?.interval == 86_400)
        try settings.read(yaml: "scrub-mib-per-second: 3\nscrub-hours: 2\n", name: "a", folder: URL(filePath: "/"))
        #expect(settings.scrub?.interval == 7200 && settings.scrub?.pace == 3 << 20)
        try settings.read(yaml: "scrub-hours: 0\n", name: "a", folder: URL(filePath: "/"))
        #expect(settings.scrub == nil)
        #expect(throws: SettingsError.self) { try settings.read(yaml: "scrub-hours: -1\n", name: "a", folder: URL(filePath: "/")) }
    }
}
