import Foundation
import HTTPTypes
public import Hummingbird
import NIOCore
import Synchronization

/// The routes for those who run the server: is it alive, is it ready, how is it doing.
public struct Operations: Sendable {
    /// Answered whether the layers are loaded or not, and for everybody alike.
    static let paths: Set<String> = ["/healthz", "/readyz", "/metrics"]

    private let metrics: Metrics
    private let isReady: @Sendable () -> Bool

    public init(metrics: Metrics, isReady: @escaping @Sendable () -> Bool) {
        self.metrics = metrics
        self.isReady = isReady
    }

    public func addRoutes(to router: Router<APIContext>) {
        router.get("healthz") { _, _ in
            Operations.answer(.ok, "{\"status\":\"ok\"}", "application/json")
        }
        router.get("readyz") { [isReady] _, _ in
            isReady()
                ? Operations.answer(.ok, "{\"status\":\"ready\"}", "application/json")
                : Operations.answer(.serviceUnavailable, "{\"status\":\"loading\"}", "application/json")
        }
        router.get("metrics") { [metrics] _, _ in
            Operations.answer(.ok, metrics.text(), "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    private static func answer(_ status: HTTPResponse.Status, _ text: String, _ type: String) -> Response {
        Response(status: status, type: type, bytes: Array(text.utf8), headers: [.cacheControl: "no-store"])
    }
}

/// Counters in the Prometheus text format. Their labels are few and fixed, so that no request can add to them.
public final class Metrics: Sendable {
    /// A value at the moment of asking.
    public struct Gauge: Sendable {
        var name: String
        var help: String
        var value: Double

        public init(_ name: String, _ help: String, _ value: Double) {
            self.name = name
            self.help = help
            self.value = value
        }
    }

    private struct Counts {
        var byClass: [Int: (count: Int, seconds: Double)] = [:]
    }

    private let counts = Mutex(Counts())
    private let begin = Date()
    private let gauges: @Sendable () -> [Gauge]

    /// - Parameter gauges: what else is worth knowing, asked for at each scrape.
    public init(gauges: @escaping @Sendable () -> [Gauge] = { [] }) {
        self.gauges = gauges
    }

    public func count(_ status: HTTPResponse.Status, _ duration: Duration) {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        counts.withLock { counts in
            let before = counts.byClass[status.code / 100] ?? (0, 0)
            counts.byClass[status.code / 100] = (before.count + 1, before.seconds + seconds)
        }
    }

    func text() -> String {
        let byClass = counts.withLock { $0.byClass }
        var lines = ["# HELP kasane_requests_total Requests answered.", "# TYPE kasane_requests_total counter"]
        for status in 1...5 { lines.append("kasane_requests_total{status=\"\(status)xx\"} \(byClass[status]?.count ?? 0)") }
        lines += ["# HELP kasane_request_seconds_total Time spent on requests.", "# TYPE kasane_request_seconds_total counter"]
        for status in 1...5 { lines.append("kasane_request_seconds_total{status=\"\(status)xx\"} \(byClass[status]?.seconds ?? 0)") }
        let uptime = Gauge("kasane_uptime_seconds", "Time since the start.", Date().timeIntervalSince(begin))
        for gauge in [uptime] + gauges() {
            lines += ["# HELP \(gauge.name) \(gauge.help)", "# TYPE \(gauge.name) gauge", "\(gauge.name) \(gauge.value)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
