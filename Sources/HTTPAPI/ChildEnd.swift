import Foundation

/// How a child process ended.
///
/// Foundation learns of an end when the last copy of a descriptor is closed, and another child that was started at the same moment may hold one as long as
/// it lives: `isRunning` would then wait for a stranger. So the system is asked.
enum ChildEnd {
    /// The exit status, or 128 and the number of the signal; nil while it runs.
    static func status(of process: Process) -> Int32? {
        var facts = siginfo_t()
        // The process itself is left for Foundation to collect.
        if waitid(P_PID, id_t(process.processIdentifier), &facts, WEXITED | WNOWAIT | WNOHANG) == 0 {
            guard facts.si_signo == SIGCHLD else { return nil }
            let status = facts._sifields._sigchld.si_status
            return facts.si_code == Int32(CLD_EXITED) ? status : 128 + status
        }
        // Collected already.
        guard errno == ECHILD, !process.isRunning else { return nil }
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Ends it and waits until it has. A server ignores the signals that end others politely, and its children may have that from it.
    static func end(_ process: Process) {
        while status(of: process) == nil {
            kill(process.processIdentifier, SIGKILL)
            Thread.sleep(forTimeInterval: 0.005)
        }
    }
}
