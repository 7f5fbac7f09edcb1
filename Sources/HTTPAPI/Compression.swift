import Formats
import HTTPTypes
public import Hummingbird
import NIOCore
import Query

/// Sends answers of text in gzip form to clients that take it. What a handler has compressed itself passes through.
public struct Compression: RouterMiddleware {
    private let pool: WorkPool

    public init(pool: WorkPool) {
        self.pool = pool
    }

    public func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard response.headers[.contentEncoding] == nil, response.status == .ok || response.isProblem,
            Compression.isText(response.headers[.contentType] ?? ""), let length = response.body.contentLength,
            length >= Gzip.worthwhile, Negotiation.acceptsGzip(request.headers[values: .acceptEncoding])
        else { return response }

        let collector = Collector()
        try await response.body.write(collector)
        let bytes = collector.buffer
        let deadline = Deadline(seconds: nil)
        guard
            let small = try? await pool.run(deadline, { bytes.withUnsafeReadableBytes { Gzip.compress($0, level: 1) } })
        else {
            // Too busy to compress: send it as it is.
            response.body = ResponseBody(byteBuffer: bytes)
            return response
        }
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: small))
        response.headers[.contentEncoding] = "gzip"
        if let tag = response.headers[.eTag] { response.headers[.eTag] = EntityTag(text: tag).compressed.text }
        return response
    }

    private static func isText(_ type: String) -> Bool {
        let essence = type.prefix { $0 != ";" }
        return essence.hasPrefix("text/") || essence.hasSuffix("json") || essence.hasSuffix("json-seq") || essence.hasSuffix("xml")
            || essence == "application/vnd.mapbox-vector-tile"
    }

    /// Gathers a body that a handler has made; ours are one buffer, those of files several.
    private final class Collector: ResponseBodyWriter, @unchecked Sendable {
        // Sound because one task writes it from start to end.
        var buffer = ByteBuffer()

        func write(_ part: ByteBuffer) async throws {
            if buffer.readableBytes == 0 {
                buffer = part
            } else {
                buffer.writeImmutableBuffer(part)
            }
        }

        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
