import Foundation
import Synchronization
import TestKit
import Testing

@testable import Loading

@Suite struct LayerLockTests {
    /// A lock that was refused once closed its descriptor twice, and the second time it was somebody else's.
    @Test func `a lock that is refused takes nobody's descriptor`() throws {
        let folder = try TemporaryFolder()
        let held = try #require(try LayerLock(folder: folder.url))
        let lost = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
        let others = (0..<2).map { _ in
            let thread = Thread {
                while !isOver.load(ordering: .relaxed) {
                    let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                    sched_yield()
                    if fcntl(descriptor, F_GETFD) < 0 { lost.add(1, ordering: .relaxed) } else { close(descriptor) }
                }
            }
            thread.start()
            return thread
        }
        for _ in 0..<20_000 { #expect(try LayerLock(folder: folder.url) == nil) }
        isOver.store(true, ordering: .relaxed)
        while others.contains(where: { !$0.isFinished }) { usleep(1000) }
        #expect(lost.load(ordering: .relaxed) == 0)
        withExtendedLifetime(held) {}
    }

    @Test func `a lock can be had again as soon as its holder is gone`() throws {
        let folder = try TemporaryFolder()
        for _ in 0..<100 {
            let lock = try LayerLock(folder: folder.url)
            #expect(lock != nil)
        }
    }
}
