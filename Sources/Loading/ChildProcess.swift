import Foundation
import RecordStream
import Synchronization

/// A program that we started, whose standard output we read; it does not outlive this object.
///
/// A thread of its own collects what the child says on standard error (the first 64 KiB) and ends the child when its time is over or the load is cancelled.
final class ChildProcess: Sendable {
    enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// The read end of the child's standard output.
    let output: Int32
    private let identifier: pid_t
    private let watcher: Watcher
    private let ending = Mutex<Ending?>(nil)

    /// - Parameters:
    ///   - arguments: the program's path first.
    ///   - deadline: seconds on the clock.
    init(arguments: [String], environment: [String], deadline: Double, cancellation: Cancellation) throws(LoadError) {
        // One at a time, so that no other child of ours inherits the pipes before they are marked.
        let started = Self.starting.withLock { _ in Self.start(arguments, environment) }
        switch started {
        case .failure(let error): throw .system(error.call, arguments[0], error.number)
        case .success(let child):
            identifier = child.identifier
            output = child.output
            watcher = Watcher(process: child.identifier, errors: child.errors, deadline: deadline, cancellation: cancellation)
            watcher.start()
        }
    }

    deinit {
        if ending.withLock({ $0 }) == nil {
            terminate()
            _ = finish()
        }
        close(output)
    }

    /// Waits for the end of the child, which has nothing more to say: one that lingers is ended.
    @discardableResult
    func finish() -> Ending {
        ending.withLock { known in
            if let known { return known }
            var status: Int32 = 0
            var patience = Self.lingering
            while true {
                let ended = waitpid(identifier, &status, patience > 0 ? WNOHANG : 0)
                if ended == identifier || (ended < 0 && errno != EINTR) { break }
                guard ended == 0 else { continue }
                usleep(1000)
                patience -= 1
                if patience == 0 { kill(-identifier, SIGKILL) }
            }
            watcher.stop()
            // WIFEXITED and its fellows are macros that Swift does not see.
            let result: Ending = status & 0x7F == 0 ? .exited((status >> 8) & 0xFF) : .signalled(status & 0x7F)
            known = result
            return result
        }
    }

    /// The child and what it started: all are of its group, and whoever is left would keep our pipes open.
    func terminate() {
        ending.withLock { known in
            // Once it was waited for, its number may be another's.
            if known == nil { kill(-identifier, SIGKILL) }
        }
    }

    /// Milliseconds that a child may take to end after its output did.
    private static let lingering = 10_000

    /// The time on the clock was over.
    var wasOverdue: Bool { watcher.wasOverdue }

    /// What the child said on standard error; whole only after `finish`.
    var diagnostics: String { watcher.text }

    /// Everything on standard output, up to a limit.
    func readAll(limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limit {
            let count = read(output, &chunk, chunk.count)
            if count > 0 { bytes += chunk[..<count] } else if count == 0 || errno != EINTR { break }
        }
        return bytes
    }

    // MARK: How

    private struct SystemError: Error {
        var call: String
        var number: Int32
    }

    private struct Started {
        var identifier: pid_t
        var output: Int32
        var errors: Int32
    }

    private static let starting = Mutex(())

    /// `F_SETPIPE_SZ` of Linux, which Swift's headers leave out.
    private static let setPipeSize: Int32 = 1031

    private static func start(_ arguments: [String], _ environment: [String]) -> Result<Started, SystemError> {
        var ends: [Int32] = [-1, -1, -1, -1]
        let made = ends.withUnsafeMutableBufferPointer { pipe($0.baseAddress!) == 0 && pipe($0.baseAddress! + 2) == 0 }
        var failure = SystemError(call: "pipe", number: errno)
        for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        if made {
            // A larger pipe lets the importer run ahead; where the system refuses, the usual size works as well.
            _ = fcntl(ends[1], setPipeSize, 1 << 20)
            switch spawn(arguments, environment, out: ends[1], err: ends[3]) {
            case .success(let identifier):
                close(ends[1])
                close(ends[3])
                return .success(Started(identifier: identifier, output: ends[0], errors: ends[2]))
            case .failure(let error): failure = error
            }
        }
        for end in ends where end >= 0 { close(end) }
        return .failure(failure)
    }

    /// What is open here and would stay open in the child.
    private static func inheritable() -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { Int32($0) }.filter { $0 > 2 && fcntl($0, F_GETFD) & FD_CLOEXEC == 0 }
    }

    private static func spawn(_ arguments: [String], _ environment: [String], out: Int32, err: Int32) -> Result<pid_t, SystemError> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, out, 1)
        posix_spawn_file_actions_adddup2(&actions, err, 2)
        for descriptor in inheritable() { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that Ctrl-C reaches us alone and we end it in order; signals as a fresh program expects them.
        var none = sigset_t()
        sigemptyset(&none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for word in words + variables { free(word) } }
        var identifier: pid_t = 0
        let number = posix_spawn(&identifier, arguments[0], &actions, &attributes, words, variables)
        return number == 0 ? .success(identifier) : .failure(SystemError(call: "posix_spawn", number: number))
    }
}

/// Reads a child's standard error and keeps its time.
private final class Watcher: Sendable {
    private let process: pid_t
    private let errors: Int32
    private let deadline: Double
    private let cancellation: Cancellation
    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)

    private struct State {
        var bytes: [UInt8] = []
        var isOverdue = false
        var isStopped = false
    }

    init(process: pid_t, errors: Int32, deadline: Double, cancellation: Cancellation) {
        self.process = process
        self.errors = errors
        self.deadline = deadline
        self.cancellation = cancellation
    }

    var wasOverdue: Bool { state.withLock { $0.isOverdue } }
    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    func start() {
        let thread = Thread { self.run() }
        thread.stackSize = 256 << 10
        thread.start()
    }

    /// After the child has ended: takes what is left of its words.
    func stop() {
        state.withLock { $0.isStopped = true }
        done.wait()
    }

    private func run() {
        defer {
            close(errors)
            done.signal()
        }
        let end = Date(timeIntervalSinceNow: deadline)
        var isOpen = true
        var wasKilled = false
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            var waiting = pollfd(fd: isOpen ? errors : -1, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, 50)
            if ready > 0 {
                let count = read(errors, &chunk, chunk.count)
                if count > 0 {
                    let part = chunk[..<count]
                    state.withLock { $0.bytes += part.prefix(max(0, ImportJail.diagnosticsLimit - $0.bytes.count)) }
                } else if count == 0 || errno != EINTR {
                    isOpen = false
                }
            } else if state.withLock({ $0.isStopped }) {
                return
            }
            if state.withLock({ $0.isStopped }) && !isOpen { return }
            guard !wasKilled, Date() > end || cancellation.isCancelled else { continue }
            wasKilled = true
            if !cancellation.isCancelled { state.withLock { $0.isOverdue = true } }
            // Not after `finish` has seen its end: the number could be another's by then.
            if !state.withLock({ $0.isStopped }) { kill(-process, SIGKILL) }
        }
    }
}
