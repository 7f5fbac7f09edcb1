import CSandbox
import Foundation
import RecordStream

/// Locks the program in before it looks at the file: what it may read and write, which system calls it has, and how much of everything.
struct Confinement {
    var readable: [String] = []
    var writable: [String] = []
    var memoryLimit: UInt64
    var timeLimit: UInt64

    /// What GDAL and PROJ look up while they read; nothing else of the system.
    private static let libraries = ["/usr/share/gdal", "/usr/share/proj", "/usr/share/zoneinfo", "/etc/localtime"]

    /// Only what needs nothing of the kernel but setrlimit; for a program that others confine.
    func applyLimits() throws(RecordFailure) {
        var limits = sandbox_limits(
            address_space_bytes: memoryLimit, cpu_seconds: timeLimit, file_bytes: UInt64(ZipDirectory.sizeLimit), open_files: 256,
            processes: 256)
        try check(sandbox_no_new_privileges(), "no_new_privs")
        try check(sandbox_set_limits(&limits), "limits")
    }

    /// Cannot be undone. Called while the program has one thread.
    /// - Throws: `no-confinement` when the machine does not offer it; the file is not opened then.
    func apply() throws(RecordFailure) {
        try applyLimits()
        let variables: [String] = ["GDAL_DATA", "PROJ_DATA", "PROJ_LIB"]
        let environment = variables.compactMap { name in getenv(name).map { String(cString: $0) } }
        let needed = readable.map { (path: $0, rights: SANDBOX_READ, optional: Int32(0)) }
        let own = writable.map { (path: $0, rights: SANDBOX_WRITE, optional: Int32(0)) }
        let library = (Self.libraries + environment).map { (path: $0, rights: SANDBOX_READ, optional: Int32(1)) }
        let paths = needed + own + library
        let texts: [UnsafeMutablePointer<CChar>?] = paths.map { strdup($0.path) }
        defer { texts.forEach { free($0) } }
        var rules: [sandbox_rule] = []
        for (text, one) in zip(texts, paths) {
            guard let text else { throw RecordFailure(code: "no-confinement", message: "no memory") }
            rules.append(sandbox_rule(path: UnsafePointer(text), rights: Int32(one.rights), optional: one.optional))
        }
        try check(rules.withUnsafeBufferPointer { sandbox_landlock($0.baseAddress, Int32($0.count)) }, "Landlock")
        try check(sandbox_seccomp(), "seccomp")
    }

    private func check(_ status: Int32, _ what: String) throws(RecordFailure) {
        guard status == 0 else {
            throw RecordFailure(code: "no-confinement", message: "\(what) is not to be had here (\(status)); nothing was read")
        }
    }
}

/// What a machine offers for confinement, tried out on a child process.
public struct ConfinementProbe: Codable, Sendable, Equatable {
    /// The version of Landlock, 0 for none.
    public var landlock: Int
    public var seccomp: Bool
    /// A confined child could do nothing that it must not, and could do its work.
    public var holds: Bool
    /// What a confined child could do and must not, by name.
    public var leaks: [String]

    public init() {
        var template = Array((NSTemporaryDirectory() + "/kasane-probe-XXXXXX").utf8CString)
        let folder = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
        defer { rmdir(folder) }
        landlock = Int(sandbox_landlock_abi())
        seccomp = sandbox_seccomp_available() != 0
        var report = sandbox_report()
        let status = sandbox_check(folder, &report)
        let tried: [(String, Int32)] = [
            ("reads-elsewhere", report.reads_elsewhere), ("writes-elsewhere", report.writes_elsewhere),
            ("opens-socket", report.opens_socket),
            ("runs-program", report.runs_program), ("starts-process", report.starts_process), ("traces", report.traces),
            ("signals-parent", report.signals_parent), ("maps-executable", report.maps_executable), ("raises-limit", report.raises_limit),
            ("cannot-work", report.cannot_work),
        ]
        leaks = tried.filter { $0.1 != 0 }.map(\.0)
        holds = status == 0 && leaks.isEmpty
    }
}
