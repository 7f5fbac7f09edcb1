import Descriptions
import Foundation
import Geo
import LayerCatalog
import LayerStore
import Testing

@testable import Loading

/// What can be done where files were damaged or lost, by the command and by a start.
@Suite(.enabled(if: LoadFixture.command != nil || LoadFixture.isStrict, "kasane is not built, or not for debugging"))
struct RecoveryTests {
    private func run(_ fixture: LoadFixture, _ arguments: [String]) throws -> (status: Int32, said: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = LoadFixture.command
        process.arguments = arguments + ["--data", fixture.folder.path("data").path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said)
    }

    /// Changes a byte in the middle, which opening does not look at.
    private func damage(_ file: URL) throws {
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file)
    }

    private func publishTwice(_ fixture: LoadFixture) throws -> [String] {
        try ["one", "two"].map { name in
            let source = try fixture.geoJSON(
                (0..<300).map { (#"{"n":"\#(name) \#($0)"}"#, LoadFixture.square(140 + Double($0) * 0.01, 37)) })
            #expect(fixture.load(fixture.request(source)).outcome.status == "loaded")
            return try #require(try fixture.catalogue.layer("test")?.current)
        }
    }

    @Test func `nobody goes back to a damaged version, or publishes one`() throws {
        let fixture = try LoadFixture()
        let versions = try publishTwice(fixture)
        try damage(fixture.catalogue.file(of: "test", version: versions[0]))
        for command in [["layers", "rollback", "test"], ["layers", "publish", "test", versions[0]]] {
            let result = try run(fixture, command)
            #expect(result.status == 1 && result.said.contains("壊れて") && result.said.contains("damaged"), "\(result)")
            #expect(try fixture.catalogue.layer("test")?.current == versions[1])
        }
    }

    @Test func `a layer whose file is damaged is loaded again after it is withdrawn, as the refusal says`() throws {
        let fixture = try LoadFixture()
        let version = try publishTwice(fixture)[1]
        try Data("x".utf8).write(to: fixture.catalogue.file(of: "test", version: version))
        let source = fixture.folder.path("source.geojson").path
        let refused = try run(fixture, ["load", source, "--layer", "test", "--publish"])
        #expect(refused.status == 1 && refused.said.contains("[previous-damaged]") && refused.said.contains("kasane layers retire test"))
        #expect(try run(fixture, ["layers", "retire", "test"]).status == 0)
        #expect(try run(fixture, ["load", source, "--layer", "test", "--publish"]).status == 0)
        #expect(try fixture.layer().rowCount == 300)
    }
}
