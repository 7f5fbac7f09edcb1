import Foundation

/// Makes things on several threads and takes them on the caller's, in order.
///
/// Threads run at most `window` pieces ahead, so that what is made and not yet taken stays bounded.
enum OrderedWork {
    /// - Throws: The first error of `make` or `take`; no more is begun after it.
    static func run<Made>(
        count: Int, threads: Int, window: Int = 256, make: @escaping @Sendable (Int) throws -> Made, take: (Int, Made) throws -> Void
    ) throws {
        let desk = Desk<Made>(count: count, window: window)
        let running = DispatchGroup()
        for _ in 0..<max(1, min(threads, count)) {
            running.enter()
            let thread = Thread {
                while let place = desk.next() { desk.put(place, Result { try make(place) }) }
                running.leave()
            }
            // As the server's own threads have.
            thread.stackSize = 8 << 20
            thread.start()
        }
        defer {
            desk.stop()
            running.wait()
        }
        for place in 0..<count { try take(place, desk.get(place).get()) }
    }

    private final class Desk<Made>: @unchecked Sendable {
        // Sound because everything below is touched only while `condition` is locked.
        private let condition = NSCondition()
        private let count: Int
        private let window: Int
        private var begun = 0
        private var taken = 0
        private var made: [Int: Result<Made, any Error>] = [:]
        private var isStopped = false

        init(count: Int, window: Int) {
            self.count = count
            self.window = window
        }

        func next() -> Int? {
            condition.lock()
            defer { condition.unlock() }
            while !isStopped && begun < count && begun >= taken + window { condition.wait() }
            guard !isStopped, begun < count else { return nil }
            begun += 1
            return begun - 1
        }

        func put(_ place: Int, _ result: Result<Made, any Error>) {
            condition.lock()
            defer { condition.unlock() }
            made[place] = result
            condition.broadcast()
        }

        func get(_ place: Int) -> Result<Made, any Error> {
            condition.lock()
            defer { condition.unlock() }
            while true {
                if let result = made.removeValue(forKey: place) {
                    taken = place + 1
                    condition.broadcast()
                    return result
                }
                condition.wait()
            }
        }

        func stop() {
            condition.lock()
            isStopped = true
            condition.broadcast()
            condition.unlock()
        }
    }
}
