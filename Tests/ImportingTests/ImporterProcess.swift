import Foundation
import Geo
import RecordStream
import Testing

/// What came out of one run of the importer, as a program of its own.
struct Imported {
    var status: Int32
    var signalled: Bool
    var errorText: String
    var header: RecordHeader?
    var rows: [Row] = []
    var problems: [RecordProblem] = []
    var failure: RecordFailure?
    var count: UInt64?
    /// The stream itself was not one.
    var streamError: RecordStreamError?

    struct Row {
        var number: UInt64
        var geometry: Geometry?
        var values: [AttributeValue]
    }

    /// The values of one column.
    func column(_ name: String) -> [AttributeValue] {
        guard let index = header?.fields.firstIndex(where: { $0.name == name }) else { return [] }
        return rows.map { $0.values[index] }
    }

    func type(_ name: String) -> AttributeType? { header?.fields.first { $0.name == name }?.type }

    var problemCodes: [String] { problems.map(\.code) }
    var noteCodes: [String] { header?.notes.map(\.code) ?? [] }
    /// Ended of itself, with records or with a refusal.
    var isOrderly: Bool { !signalled && (status == 0 || status == 1) && streamError == nil && (count != nil) == (status == 0) }
}

enum ImporterProcess {
    /// `kasane-import`, built beside the tests.
    static let program: URL? = {
        let places = ProcessInfo.processInfo.arguments + [Bundle.main.bundlePath, Bundle.main.executablePath ?? ""]
        let folders = places.flatMap { [URL(fileURLWithPath: $0), URL(fileURLWithPath: $0).deletingLastPathComponent()] }
        return folders.map { $0.appendingPathComponent("kasane-import") }.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }()

    /// Runs it confined and reads all that it says.
    static func run(
        _ input: URL, _ more: String..., confine: String = "landlock", scratch given: URL? = nil, keep: Bool = true
    ) throws -> Imported {
        let program = try #require(program, "kasane-import was not built")
        let folder = try TemporaryFolder()
        let scratch = given ?? folder.url.appendingPathComponent("scratch")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        let output = folder.url.appendingPathComponent("records")
        let errors = folder.url.appendingPathComponent("errors")
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = program
        process.arguments = ["--input", input.path, "--scratch", scratch.path, "--confine", confine] + more
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        var result = Imported(
            status: process.terminationStatus, signalled: process.terminationReason == .uncaughtSignal,
            errorText: try String(contentsOf: errors, encoding: .utf8))
        try read(output, into: &result, keep: keep)
        return result
    }

    private static func read(_ file: URL, into result: inout Imported, keep: Bool) throws {
        let handle = try FileHandle(forReadingFrom: file)
        // The handle closes the descriptor when it goes.
        defer { withExtendedLifetime(handle) {} }
        let reader = RecordReader(descriptor: handle.fileDescriptor)
        do throws(RecordStreamError) {
            while let event = try reader.next() {
                switch event {
                case .header(let header): result.header = header
                case .problem(let problem): result.problems.append(problem)
                case .failure(let failure): result.failure = failure
                case .end(let features): result.count = features
                case .batch(let batch) where keep: append(batch, to: &result)
                case .batch: break
                }
            }
        } catch {
            result.streamError = error
        }
    }

    private static func append(_ batch: RecordBatch, to result: inout Imported) {
        let reader = WKBReader()
        batch.forEachFeature { number, wkb, fields in
            var row = Imported.Row(number: number, geometry: nil, values: [])
            if let wkb {
                var geometry = Geometry(kind: .point)
                if (try? reader.read(wkb, into: &geometry)) != nil { row.geometry = geometry }
            }
            while let value = fields.next() { row.values.append(plain(value)) }
            result.rows.append(row)
        }
    }

    private static func plain(_ value: FieldValue) -> AttributeValue {
        switch value {
        case .null: .null
        case .integer(let number): .integer(number)
        case .real(let number): .real(number)
        case .boolean(let truth): .boolean(truth)
        case .date(let day): .date(day)
        case .time(let instant): .time(instant)
        case .text(let bytes): .text(String(decoding: bytes, as: UTF8.self))
        case .json(let bytes): .json(String(decoding: bytes, as: UTF8.self))
        }
    }
}

/// A folder that is gone with the last reference to it.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("kasane-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Writes a file into it.
    func file(_ name: String, _ bytes: [UInt8]) throws -> URL {
        let place = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: place)
        return place
    }

    func file(_ name: String, _ text: String) throws -> URL { try file(name, Array(text.utf8)) }
}

/// Runs a program of the system (GDAL's own, sqlite3, …); false, with a word about it, when the machine has none. A program that fails is an error.
func systemTool(_ name: String, _ arguments: String..., in folder: URL? = nil) throws -> Bool {
    let path = "/usr/bin/" + name
    guard FileManager.default.isExecutableFile(atPath: path) else {
        print("\(path) is not there; a test that makes its file with it is skipped")
        if ProcessInfo.processInfo.environment["KASANE_STRICT"] == "1" { Issue.record("\(path) is missing, and KASANE_STRICT=1") }
        return false
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    if let folder { process.currentDirectoryURL = folder }
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(name) \(arguments.joined(separator: " "))")
    return true
}
