import Files
import Foundation
import Query

/// `rsvg-convert` of librsvg: makes a PNG of an SVG that we wrote.
///
/// It runs in a process of its own with limits on time, memory and output, and, where bubblewrap works, without network and without any file but the
/// system's libraries and fonts. It blocks the thread until it is done.
public struct PictureProgram: Sendable {
    /// No picture was made.
    struct Failure: Error {
        /// What it said.
        var reason: String
    }

    let path: String
    /// Seconds for one picture.
    public var timeLimit = 10.0
    /// Pixels of one picture: four bytes each while it is made.
    static let pixelLimit = 32_000_000
    /// Pixels of a side, as cairo has it.
    static let sideLimit = 32_000
    /// Bytes of one picture.
    private static let sizeLimit = 32 << 20

    /// Nil where it is not installed.
    public static let installed: PictureProgram? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .filter { $0.hasPrefix("/") }.map { $0 + "/rsvg-convert" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        .map { PictureProgram(path: $0) }

    public init(path: String) {
        self.path = path
    }

    /// - Parameter scale: pixels of the PNG for one of the SVG.
    /// - Throws: `Failure`, `QueryError.overdue`, and errors of files.
    func png(_ svg: String, scale: Int, deadline: Deadline) throws -> [UInt8] {
        do {
            let folder = try WorkFolder(PictureProgram.folders)
            defer { withExtendedLifetime(folder) {} }
            return try png(svg, scale: scale, in: folder.url, deadline)
        } catch let failure as WorkFolder.Failure {
            throw Failure(reason: failure.description)
        }
    }

    private static let folders = WorkFolder.Kind("kasane-picture-")

    private func png(_ svg: String, scale: Int, in folder: URL, _ deadline: Deadline) throws -> [UInt8] {
        let (source, target, complaints) = (
            folder.appending(path: "in.svg"), folder.appending(path: "out.png"), folder.appending(path: "said")
        )
        try Data(svg.utf8).write(to: source)
        try run(["--format", "png", "--zoom", String(scale)], from: source, to: target, complaints, deadline)
        let bytes = [UInt8](try Data(contentsOf: target))
        guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else { throw Failure(reason: "not a PNG") }
        return bytes
    }

    private func run(_ arguments: [String], from source: URL, to target: URL, _ complaints: URL, _ deadline: Deadline) throws {
        let end = ContinuousClock.now + .seconds(timeLimit)
        for file in [target, complaints] where !FileManager.default.createFile(atPath: file.path, contents: nil) {
            throw Failure(reason: file.path)
        }
        let input = try FileHandle(forReadingFrom: source)
        let output = try FileHandle(forWritingTo: target)
        let errors = try FileHandle(forWritingTo: complaints)
        defer {
            // The child has its own.
            for handle in [input, output, errors] { try? handle.close() }
        }
        let process = Process()
        var words = PictureProgram.sandbox
        if !words.isEmpty {
            // Elsewhere than with the system's programs it has to be shown to it.
            if !path.hasPrefix("/usr/") { words += ["--ro-bind", path, path] }
            words += ["--chdir", "/tmp", "--"]
        }
        words += PictureProgram.limits + [path] + arguments
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "XDG_CACHE_HOME": "/nonexistent"]
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        defer { ChildEnd.end(process) }
        var status: Int32?
        while status == nil {
            try deadline.check()
            if ContinuousClock.now > end { throw QueryError.overdue }
            Thread.sleep(forTimeInterval: 0.005)
            status = ChildEnd.status(of: process)
        }
        guard status == 0 else {
            let text = (try? Data(contentsOf: complaints)) ?? Data()
            throw Failure(reason: "\(status!): " + String(decoding: text.prefix(2000), as: UTF8.self))
        }
    }

    /// A shell that limits itself and then becomes the program: seconds, KiB of memory, 512-byte blocks of a file, open files, no core.
    private static let limits = [
        "/bin/sh", "-c", "ulimit -t 20; ulimit -v 1572864; ulimit -f \(sizeLimit / 512); ulimit -n 256; ulimit -c 0; exec \"$@\"", "sh",
    ]

    /// The bubblewrap command up to the program; empty where it does not work, as in some containers.
    private static let sandbox: [String] = {
        guard
            let bubblewrap = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].first(where: { FileManager.default.isExecutableFile(atPath: $0) })
        else { return [] }
        var words = [bubblewrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr"]
        for place in ["/bin", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/etc/alternatives", "/var/cache/fontconfig"] {
            words += ["--ro-bind-try", place, place]
        }
        words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        let probe = Process()
        probe.executableURL = URL(fileURLWithPath: words[0])
        probe.arguments = words.dropFirst() + ["--", "/bin/sh", "-c", "exit 0"]
        probe.standardInput = FileHandle.nullDevice
        probe.standardOutput = FileHandle.nullDevice
        probe.standardError = FileHandle.nullDevice
        guard (try? probe.run()) != nil else { return [] }
        probe.waitUntilExit()
        return probe.terminationReason == .exit && probe.terminationStatus == 0 ? words : []
    }()
}
