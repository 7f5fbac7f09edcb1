import Foundation
import Synchronization

/// Where strangers' files are read: `kasane-import` in a process of its own, with limits and without network.
///
/// Two jails are known. *Bubblewrap* shows the program an empty world with the system's libraries, the one upload and an empty folder, in namespaces of
/// its own (no network, no other processes); the program confines itself inside once more. Where bubblewrap does not work (some containers forbid
/// namespaces), the program confines itself alone: Landlock, seccomp and resource limits. Whether one works is found out by running it.
/// With neither, only sources that somebody vouches for are read.
public struct ImportJail: Sendable {
    public enum Kind: String, Sendable, Codable {
        /// Namespaces, and the program's own confinement in them.
        case bubblewrap
        /// Namespaces alone: the kernel has no Landlock.
        case bubblewrapAlone = "bubblewrap-alone"
        /// The program's own confinement: Landlock, seccomp, limits.
        case landlock
        /// A trusted source, read in the open.
        case none
    }

    public struct Limits: Sendable {
        /// Address space in bytes.
        public var memory: UInt64 = 4 << 30
        /// Processor time in seconds.
        public var processorSeconds: UInt64 = 3600
        /// Time on the clock in seconds.
        public var seconds: Double = 7200
        /// How long nothing may come, in seconds.
        public var silentSeconds: Double = 600

        public init() {}
    }

    public var kind: Kind
    public var limits: Limits
    /// The path of `kasane-import`.
    let importer: String

    /// The most that is kept of what the importer says on standard error.
    static let diagnosticsLimit = 64 << 10

    /// Finds the strictest jail that works here.
    ///
    /// - Parameter allowsNone: the source is trusted, so reading it in the open is better than not at all.
    public static func prepare(allowsNone: Bool, limits: Limits = Limits()) throws(LoadError) -> ImportJail {
        let importer = try findImporter()
        // What works once works for the life of the process.
        if let kind = known.withLock({ $0[importer] }) { return ImportJail(kind: kind, limits: limits, importer: importer) }
        for kind in [Kind.bubblewrap, .bubblewrapAlone, .landlock] {
            let jail = ImportJail(kind: kind, limits: limits, importer: importer)
            guard jail.works else { continue }
            known.withLock { $0[importer] = kind }
            return jail
        }
        if allowsNone { return ImportJail(kind: .none, limits: limits, importer: importer) }
        throw LoadError(
            "no-jail",
            ja: "この計算機では読み込みを隔離できません（bubblewrap も Landlock も使えません）。信頼できるファイルなら --trust-source を付けてください。",
            en: "Reading cannot be confined here: neither bubblewrap nor Landlock works. If you trust the file, add --trust-source.")
    }

    /// The jails found to work, by importer.
    private static let known = Mutex<[String: Kind]>([:])

    /// Beside the running program, or as `KASANE_IMPORT` says.
    static func findImporter() throws(LoadError) -> String {
        if let named = ProcessInfo.processInfo.environment["KASANE_IMPORT"], !named.isEmpty {
            guard access(named, X_OK) == 0 else { throw .system("KASANE_IMPORT", named, errno) }
            return URL(fileURLWithPath: named).standardizedFileURL.path
        }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("kasane-import").path
        guard access(path, X_OK) == 0 else {
            throw LoadError(
                "no-importer", ja: "kasane-import が見つかりません（\(path)）。",
                en: "kasane-import is not there (\(path)). KASANE_IMPORT can name it.")
        }
        return path
    }

    /// Runs the importer once in this jail, to see.
    private var works: Bool {
        let arguments: [String]
        switch kind {
        case .none: return true
        case .landlock: arguments = [importer, "--probe"]
        case .bubblewrap, .bubblewrapAlone:
            guard Self.bubblewrap != nil else { return false }
            arguments = world(source: nil, scratch: nil) + [Inside.importer, "--probe"]
        }
        guard let process = try? ChildProcess(arguments: arguments, environment: environment, deadline: 20, cancellation: Cancellation())
        else { return false }
        let output = process.readAll(limit: 4096)
        guard process.finish() == .exited(0) else { return false }
        // The probe tries out what the kernel offers and says as JSON what came of it.
        return kind == .bubblewrapAlone || (try? JSONDecoder().decode(Probe.self, from: Data(output)))?.holds == true
    }

    private struct Probe: Decodable {
        /// A confined child could do nothing that it must not.
        var holds: Bool
    }

    /// What to read, and how.
    struct Request {
        var source: URL
        var sourceLayer: String?
        var encoding: String?
        var crs: String?
        /// An empty folder that only this load uses.
        var scratch: URL
    }

    /// Starts reading. The records come on `ChildProcess.output`.
    func start(_ request: Request, cancellation: Cancellation) throws(LoadError) -> ChildProcess {
        let isInside = kind == .bubblewrap || kind == .bubblewrapAlone
        let input = isInside ? Inside.folder + "/" + request.source.lastPathComponent : request.source.path
        var arguments = isInside ? world(source: request.source, scratch: request.scratch) + [Inside.importer] : [importer]
        arguments += ["--input", input, "--scratch", isInside ? Inside.scratch : request.scratch.path]
        arguments += ["--confine", kind == .bubblewrap || kind == .landlock ? "landlock" : "none"]
        arguments += ["--limit-memory", "\(limits.memory)", "--limit-seconds", "\(limits.processorSeconds)"]
        for (flag, value) in [("--source-layer", request.sourceLayer), ("--encoding", request.encoding), ("--crs", request.crs)] {
            if let value { arguments += [flag, value] }
        }
        return try ChildProcess(arguments: arguments, environment: environment, deadline: limits.seconds, cancellation: cancellation)
    }

    // MARK: How

    /// Paths inside bubblewrap.
    private enum Inside {
        static let importer = "/app/kasane-import"
        static let folder = "/in"
        static let scratch = "/scratch"
    }

    private static let bubblewrap: String? = (["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"] as [String]).first {
        access($0, X_OK) == 0
    }

    /// Nothing of ours but what the programs need to start.
    private var environment: [String] {
        var result = ["PATH=/usr/bin:/bin", "LANG=C.UTF-8", "LC_ALL=C.UTF-8"]
        for name in ["LD_LIBRARY_PATH", "PROJ_DATA", "PROJ_LIB", "GDAL_DATA"] {
            if let value = getenv(name) { result.append("\(name)=\(String(cString: value))") }
        }
        return result
    }

    /// The bubblewrap command up to the program.
    private func world(source: URL?, scratch: URL?) -> [String] {
        var words = [Self.bubblewrap ?? "/usr/bin/bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        words += ["--ro-bind", "/usr", "/usr"]
        // On a merged system these are links into /usr; on others folders of their own. Alternatives hold the libraries of linear algebra.
        for path in ["/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/alternatives"] { words += ["--ro-bind-try", path, path] }
        for folder in Self.libraryFolders where !folder.hasPrefix("/usr/") && !folder.hasPrefix("/lib") {
            words += ["--ro-bind", folder, folder]
        }
        // Swift finds a program's arguments in /proc; this one shows only the processes inside.
        words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", Inside.folder, "--ro-bind", importer, Inside.importer]
        if let source {
            for file in Self.family(of: source) { words += ["--ro-bind", file.path, Inside.folder + "/" + file.lastPathComponent] }
        }
        if let scratch { words += ["--bind", scratch.path, Inside.scratch, "--setenv", "TMPDIR", Inside.scratch] }
        words += ["--chdir", "/tmp", "--"]
        if kind == .bubblewrapAlone {
            words += ["/usr/bin/prlimit", "--as=\(limits.memory)", "--cpu=\(limits.processorSeconds)", "--core=0", "--nofile=256", "--"]
        }
        return words
    }

    /// Folders of shared libraries that this program itself runs with, such as Swift's own: the importer needs the same.
    private static let libraryFolders: [String] = {
        // To its end: files of /proc say that they are empty.
        guard let bytes = FileHandle(forReadingAtPath: "/proc/self/maps")?.readDataToEndOfFile() else { return [] }
        let maps = String(decoding: bytes, as: UTF8.self)
        var folders: Set<String> = []
        for line in maps.split(separator: "\n") {
            guard let slash = line.firstIndex(of: "/") else { continue }
            let path = String(line[slash...])
            if path.contains(".so") { folders.insert(URL(fileURLWithPath: path).deletingLastPathComponent().path) }
        }
        return folders.sorted()
    }()

    /// The source, and the files beside it that belong to it: those of the same name but for the ending (`.dbf`, `.prj`, `.cpg`, …).
    static func family(of source: URL) -> [URL] {
        let folder = source.deletingLastPathComponent()
        let stem = source.deletingPathExtension().lastPathComponent
        guard !stem.isEmpty, !isFolder(source), let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            return [source]
        }
        let companions = names.filter { name in
            guard name != source.lastPathComponent, name.hasPrefix(stem + ".") else { return false }
            let ending = name.dropFirst(stem.count + 1).lowercased()
            return companionEndings.contains(ending)
        }
        return [source] + companions.sorted().map { folder.appendingPathComponent($0) }.filter { !isFolder($0) }
    }

    /// Endings of files that go with another: shapefile, GML schema, MapInfo, spatial index.
    private static let companionEndings: Set<String> = [
        "shp", "shx", "dbf", "prj", "cpg", "cst", "sbn", "sbx", "qix", "qpj", "xsd", "dat", "map", "id", "ind", "mif", "mid", "csvt",
    ]

    private static func isFolder(_ url: URL) -> Bool {
        var answer = stat()
        return stat(url.path, &answer) == 0 && answer.st_mode & S_IFMT == S_IFDIR
    }
}
