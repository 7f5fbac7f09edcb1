import Dispatch

/// Work that goes on beside its maker's, on a thread of its own.
///
/// ```swift
/// let zooms = Alongside { levels.leastZooms() }
/// try something(else)
/// for zoom in zooms.result() { … }
/// ```
/// Who does not ask for the result any more, because of an error, leaves it behind; so it must hold all that it needs.
final class Alongside<Result: Sendable>: @unchecked Sendable {
    // Written once, before the signal, and read after it.
    private var made: Result?
    private let isDone = DispatchSemaphore(value: 0)

    init(_ work: @escaping @Sendable () -> Result) {
        DispatchQueue.global().async {
            self.made = work()
            self.isDone.signal()
        }
    }

    /// Waits for it; to be called once.
    func result() -> Result {
        isDone.wait()
        guard let made else { preconditionFailure("made before the signal") }
        return made
    }
}
