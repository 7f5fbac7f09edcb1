public import HTTPTypes
public import Hummingbird
public import Logging

/// One line for each request: what was asked, how it ended, how long it took.
///
/// Values of the query string are not written: a search for a house or a person is nobody's business afterwards.
public struct AccessLog: RouterMiddleware {
    private let logger: Logger
    private let count: @Sendable (HTTPResponse.Status, Duration) -> Void

    /// - Parameter count: told of every request, for the metrics.
    public init(logger: Logger, count: @escaping @Sendable (HTTPResponse.Status, Duration) -> Void) {
        self.logger = logger
        self.count = count
    }

    public func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let begin = ContinuousClock.now
        let response = try await next(request, context)
        let duration = ContinuousClock.now - begin
        count(response.status, duration)
        AccessLog.line(
            logger, method: request.method.rawValue, path: request.uri.path, status: response.status, duration: duration,
            bytes: request.method == .head ? 0 : response.body.contentLength ?? 0, address: context.remoteAddress?.ipAddress ?? "-")
        return response
    }

    /// Writes the line of a request that was answered elsewhere.
    public static func line(
        _ logger: Logger, method: String, path: String, status: HTTPResponse.Status, duration: Duration, bytes: Int, address: String
    ) {
        logger.info(
            "request",
            metadata: [
                "method": .string(method), "path": .string(AccessLog.shown(path)), "status": .stringConvertible(status.code),
                "ms": .stringConvertible(AccessLog.milliseconds(duration)), "bytes": .stringConvertible(bytes), "address": .string(address),
            ])
    }

    private static func shown(_ path: String) -> String {
        path.utf8.count > 300 ? String(path.prefix(300)) + "…" : path
    }

    /// With three decimals.
    private static func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000) / 1000
    }
}
