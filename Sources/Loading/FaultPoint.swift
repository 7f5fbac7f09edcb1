import Foundation
import Synchronization

/// Places where a load can be made to die, so that tests can see what a power cut there leaves behind.
///
/// `KASANE_DIE_AT` names one by its number in the order they are passed (from 1) or by its name; only debug builds look at it.
public enum FaultPoint {
    #if DEBUG
        private static let passed = Atomic<Int>(0)
        private static let target = ProcessInfo.processInfo.environment["KASANE_DIE_AT"]

        /// Ends the process at once, as a power cut would, if this is the place.
        public static func pass(_ name: String) {
            guard let target else { return }
            let number = passed.add(1, ordering: .sequentiallyConsistent).newValue
            if target == name || Int(target) == number { kill(getpid(), SIGKILL) }
        }
    #else
        @inline(__always)
        public static func pass(_ name: @autoclosure () -> String) {}
    #endif
}
