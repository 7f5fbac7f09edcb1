import Access
import Foundation
import Geo
import Query
import Synchronization

/// The jobs of asynchronous executions, in memory: they end with the server.
///
/// A job belongs to the key that began it; to all others there is no such job. One that the public began is known to whoever has its id, which
/// cannot be guessed, and stands in no list. How many there are, how long results are kept and how large they are together is bounded.
public final class JobRegister: Sendable {
    public struct Settings: Sendable {
        /// Jobs of one key that wait or run.
        public var openPerKey = 4
        /// Jobs of the public, all of it, that wait or run.
        public var openOfPublic = 2
        /// Jobs altogether, the finished ones too.
        public var jobs = 200
        /// Seconds that a finished job is kept.
        public var keeping = 3600.0
        /// Values of all kept results together.
        public var values = 4 << 20
        /// Seconds from its acceptance until a job is given up.
        public var deadline = 1800.0
        /// The same for the public: its jobs wait for each other.
        public var publicDeadline = 120.0

        public init() {}
    }

    enum Status: String {
        case accepted, running, successful, failed, dismissed
    }

    struct Job: Sendable {
        let id: String
        let owner: String?
        /// That it reads.
        let layers: [String]
        let deadline: Deadline
        let created: Date
        var started: Date?
        var finished: Date?
        var updated: Date
        var status = Status.accepted
        /// Of 100.
        var progress = 0
        var result: OverlayResult?
        var problem: Problem?

        var isOpen: Bool { status == .accepted || status == .running }
        fileprivate var values: Int { result.map { $0.rows.count * $0.columns.count } ?? 0 }
    }

    let settings: Settings
    private let jobs = Mutex<[Job]>([])

    init(_ settings: Settings) {
        self.settings = settings
    }

    /// - Throws: `overloaded` when the viewer, or all together, have too many.
    func accept(_ viewer: Viewer, layers: [String] = []) throws(Problem) -> Job {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<2).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        let now = Date()
        let isPublic = viewer.keyID == nil
        let most = isPublic ? settings.openOfPublic : settings.openPerKey
        let job = Job(
            id: id, owner: viewer.keyID, layers: layers,
            deadline: Deadline(seconds: isPublic ? settings.publicDeadline : settings.deadline), created: now, updated: now)
        let isAccepted = jobs.withLock { jobs in
            expire(&jobs, now)
            if jobs.count >= settings.jobs, let oldest = jobs.firstIndex(where: { !$0.isOpen }) { jobs.remove(at: oldest) }
            guard jobs.count < settings.jobs, jobs.count(where: { $0.isOpen && $0.owner == job.owner }) < most else {
                return false
            }
            jobs.append(job)
            return true
        }
        guard isAccepted else {
            throw Problem(
                .overloaded, ja: "実行中と待機中のジョブは\(most)件までです。", en: "Up to \(most) jobs may wait or run.",
                headers: [.retryAfter: "30"])
        }
        return job
    }

    /// - Throws: `not-found` for a job that is not there, and for one of somebody else.
    func job(_ id: String, _ viewer: Viewer) throws(Problem) -> Job {
        let found = jobs.withLock { jobs in
            expire(&jobs, Date())
            return jobs.first { $0.id == id && $0.owner == viewer.keyID }
        }
        guard let found else { throw JobRegister.noJob(id) }
        return found
    }

    /// The jobs of a key, the newest first; none of the public's.
    func list(_ viewer: Viewer) -> [Job] {
        guard let owner = viewer.keyID else { return [] }
        return jobs.withLock { jobs in
            expire(&jobs, Date())
            return jobs.filter { $0.owner == owner }.reversed()
        }
    }

    /// Stops a job that waits or runs, and forgets the result of a finished one (OGC 18-062r2, 13).
    func dismiss(_ id: String, _ viewer: Viewer) throws(Problem) -> Job {
        let job = try job(id, viewer)
        job.deadline.cancel()
        return change(id) { job in
            (job.status, job.result, job.problem) = (.dismissed, nil, nil)
            job.finished = job.finished ?? Date()
        } ?? job
    }

    func begin(_ id: String) {
        _ = change(id) { job in
            guard job.isOpen else { return }
            job.status = .running
            job.started = Date()
        }
    }

    func advance(_ id: String, _ fraction: Double) {
        _ = change(id) { job in if job.isOpen { job.progress = max(job.progress, min(99, Int(fraction * 100))) } }
    }

    func end(_ id: String, _ outcome: Result<OverlayResult, any Error>) {
        _ = change(id) { job in
            guard job.isOpen else { return }
            job.finished = Date()
            switch outcome {
            case .success(let result): (job.status, job.progress, job.result) = (.successful, 100, result)
            case .failure(let error): (job.status, job.problem) = (.failed, Problem(any: error))
            }
        }
    }

    private func change(_ id: String, _ body: (inout Job) -> Void) -> Job? {
        jobs.withLock { jobs in
            guard let place = jobs.firstIndex(where: { $0.id == id }) else { return nil }
            body(&jobs[place])
            jobs[place].updated = Date()
            let job = jobs[place]
            expire(&jobs, Date())
            return job
        }
    }

    /// Forgets what is too old, and the oldest results while there are too many values; the newest always stays.
    private func expire(_ jobs: inout [Job], _ now: Date) {
        jobs.removeAll { job in job.finished.map { now.timeIntervalSince($0) > settings.keeping } ?? false }
        var values = jobs.reduce(0) { $0 + $1.values }
        while values > settings.values, let oldest = jobs.firstIndex(where: { $0.values > 0 }), oldest < jobs.count - 1 {
            values -= jobs[oldest].values
            jobs.remove(at: oldest)
        }
    }

    static func noJob(_ id: String) -> Problem {
        Problem(.notFound, ja: "ジョブ「\(id.prefix(64))」はありません。", en: "There is no job “\(id.prefix(64))”.")
    }
}
