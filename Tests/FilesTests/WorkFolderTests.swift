import Files
import Foundation
import TestKit
import Testing

struct WorkFolderTests {
    private let home: TemporaryFolder
    private let kind = WorkFolder.Kind("kasane-test-")

    init() throws { home = try TemporaryFolder() }

    /// What lies in the place where the folders are made.
    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: home.url.path).sorted() }

    /// A folder as another process would have left it, with a file in it.
    private func make(_ name: String, age: TimeInterval) throws -> URL {
        let folder = home.path(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: folder.appendingPathComponent("a.fgb"))
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: folder.path)
        return folder
    }

    @Test func `what a killed program left is removed, what another works in is not`() throws {
        let working = try WorkFolder(kind, in: home.url)
        _ = try make("kasane-test-1-abcdef", age: 600)
        let young = try make("kasane-test-1-ghijkl", age: 1)
        let other = try make("somebody-else", age: 600)
        let link = home.path("kasane-test-link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: other)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -600)], ofItemAtPath: working.url.path)
        let another = try WorkFolder(kind, in: home.url)
        #expect(try names() == [working.url, young, other, link, another.url].map(\.lastPathComponent).sorted())
        #expect(FileManager.default.fileExists(atPath: other.appendingPathComponent("a.fgb").path))
    }

    @Test func `it is its owner's alone, and goes with all that is in it`() throws {
        do {
            let folder = try WorkFolder(kind, in: home.url)
            #expect(folder.url.lastPathComponent.hasPrefix(kind.ownPrefix))
            #expect(try FileManager.default.attributesOfItem(atPath: folder.url.path)[.posixPermissions] as? Int == 0o700)
            try folder.newFile("a").close()
            try FileManager.default.createDirectory(at: folder.url.appendingPathComponent("b/c"), withIntermediateDirectories: true)
            #expect(throws: WorkFolder.Failure.self, "it is there already") { try folder.newFile("a") }
        }
        #expect(try names() == [])
    }

    @Test func `a file takes its name in one step, in the place of what was there`() throws {
        let target = home.path("town.geojson")
        try Data("before".utf8).write(to: target)
        let folder = try WorkFolder(kind, in: home.url)
        let file = try folder.newFile("half")
        try file.write(contentsOf: Data("whole".utf8))
        try file.close()
        #expect(try String(contentsOf: target, encoding: .utf8) == "before")
        try folder.move("half", to: target)
        #expect(try String(contentsOf: target, encoding: .utf8) == "whole")
        try FileManager.default.createDirectory(at: folder.url.appendingPathComponent("shapes/deep"), withIntermediateDirectories: true)
        try Data("x".utf8).write(to: folder.url.appendingPathComponent("shapes/deep/a.shp"))
        try folder.move("shapes", to: home.path("shapes"))
        #expect(FileManager.default.fileExists(atPath: home.path("shapes/deep/a.shp").path))
        #expect(throws: WorkFolder.Failure.self) { try folder.move("absent", to: target) }
    }

    @Test func `where there is no place, the system's reason is told`() throws {
        let failure = #expect(throws: WorkFolder.Failure.self) { try WorkFolder(kind, in: home.path("absent")) }
        #expect(failure?.code == ENOENT)
        #expect(failure?.step == "mkdtemp")
    }
}
