import Descriptions
import Foundation
import Geo
import LayerCatalog
import LayerStore
import Testing

@testable import Loading

/// Kills the command at every point where it touches the disk, and looks at what is left each time.
@Suite(.enabled(if: LoadFixture.command != nil || LoadFixture.isStrict, "kasane is not built, or not for debugging"))
struct CrashTests {
    private func run(_ arguments: [String], dieAt: String? = nil) throws -> (status: Int32, isSignal: Bool) {
        let process = Process()
        process.executableURL = LoadFixture.command
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["KASANE_DIE_AT"] = dieAt
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, process.terminationReason == .uncaughtSignal)
    }

    @Test(arguments: [false, true])
    func `whatever the moment of a power cut, there is the old version or the new one`(isFirstLoad: Bool) throws {
        var points = 0
        for point in 1...200 {
            let fixture = try LoadFixture()
            let old = try fixture.geoJSON([(#"{"n":"old"}"#, LoadFixture.square(140, 37))], "old.geojson")
            let new = try fixture.geoJSON([(#"{"n":"new"}"#, LoadFixture.square(140, 37))], "new.geojson")
            if !isFirstLoad { #expect(fixture.load(fixture.request(old)).outcome.status == "loaded") }
            let before = try fixture.catalogue.layer("test")?.current
            let data = fixture.folder.path("data").path
            let arguments = ["load", new.path, "--layer", "test", "--publish", "--data", data]
            let result = try run(arguments, dieAt: "\(point)")

            // As after a restart.
            let catalogue = try Catalogue(directory: fixture.folder.path("data"))
            let current = try catalogue.layer("test")?.current
            if let current {
                let layer = try LayerFile.open(catalogue.file(of: "test", version: current))
                #expect(try layer.value(0, 0) == .text(current == before ? "old" : "new"))
                try layer.verify()
            } else {
                #expect(before == nil)
            }
            // A child that was just being started may hold the dead process's lock for a moment longer.
            var left: [String] = []
            for _ in 0..<500 {
                LoadCleanup.removeAbandoned(catalogue)
                let known = try catalogue.layer("test") == nil ? [] : catalogue.versions(of: "test").map { $0.name + ".layer" }
                left = (try? FileManager.default.contentsOfDirectory(atPath: catalogue.folder(of: "test").path)) ?? []
                left.removeAll { known.contains($0) }
                if left.isEmpty { break }
                usleep(20_000)
            }
            #expect(left.isEmpty, "point \(point)")
            if !result.isSignal {
                #expect(result.status == 0 && current != before)
                points = point - 1
                break
            }
            // And the next load goes through.
            #expect(try run(arguments) == (0, false), "point \(point)")
            let layer = try LayerFile.open(catalogue.file(of: "test", version: #require(try catalogue.layer("test")?.current)))
            #expect(try layer.value(0, 0) == .text("new"))
        }
        #expect(points >= 12, "only \(points) points were passed")
    }

    @Test func `a signal ends the load in order`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON((0..<60_000).map { (#"{"n":\#($0)}"#, LoadFixture.square(130 + Double($0) * 0.0001, 37)) })
        for signal in [SIGINT, SIGTERM] {
            let process = Process()
            process.executableURL = LoadFixture.command
            process.arguments = ["load", source.path, "--layer", "test", "--publish", "--data", fixture.folder.path("data").path]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            // Once it is at it.
            let folder = fixture.catalogue.folder(of: "test")
            let end = Date(timeIntervalSinceNow: 30)
            while Date() < end, process.isRunning {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
                if names.contains(where: { $0.hasPrefix(".loading-") }) { break }
                usleep(2000)
            }
            kill(process.processIdentifier, signal)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == 1)
            #expect(try fixture.files() == ["layers", "layers/test"])
        }
    }

    @Test func `a full disk is told, and the old version stays`() throws {
        let fixture = try LoadFixture()
        let old = try fixture.geoJSON([(#"{"n":"old"}"#, LoadFixture.square(140, 37))], "old.geojson")
        #expect(fixture.load(fixture.request(old)).outcome.status == "loaded")
        let current = try fixture.catalogue.layer("test")?.current
        let source = try fixture.geoJSON((0..<5000).map { (#"{"n":"\#($0)"}"#, LoadFixture.square(130 + Double($0) * 0.0001, 37)) })
        // A limit on the size of files stands for the end of the disk: writing fails, with another number.
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "trap '' XFSZ; ulimit -f 300; exec \"$@\"", "sh", LoadFixture.command?.path ?? "", "load", source.path, "--layer", "test",
            "--publish",
            "--data", fixture.folder.path("data").path,
        ]
        let errors = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 1, "\(said)")
        #expect(try fixture.catalogue.layer("test")?.current == current)
        #expect(try fixture.files().filter { $0.contains(".loading-") }.isEmpty)
    }
}
