import Formats
import HTTPTypes
public import Hummingbird
import NIOCore
import Query

/// Compresses answers of text for clients that take it. What a handler has compressed itself passes through.
public struct Compression: RouterMiddleware {
    private let pool: WorkPool

    public init(pool: WorkPool) {
        self.pool = pool
    }

    public func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        if response.status == .notModified { return Compression.named(response, request) }
        guard response.headers[.contentEncoding] == nil, response.status == .ok || response.isProblem,
            Compression.isText(response.headers[.contentType] ?? ""), let length = response.body.contentLength,
            length >= Gzip.worthwhile
        else { return response }
        let coding = Negotiation.coding(request.headers[values: .acceptEncoding])
        guard let name = coding.name else { return response }

        let collector = BodyCollector()
        try await response.body.write(collector)
        let bytes = collector.buffer
        let deadline = Deadline(seconds: nil)
        guard
            let small = try? await pool.run(deadline, { bytes.withUnsafeReadableBytes { coding.compress($0, isKept: false) } })
        else {
            // Too busy to compress: send it as it is.
            response.body = ResponseBody(byteBuffer: bytes)
            return response
        }
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: small))
        response.headers[.contentEncoding] = name
        if let tag = response.headers[.eTag] { response.headers[.eTag] = EntityTag(text: tag).compressed(coding).text }
        return response
    }

    /// What has not changed is named as it was sent before (RFC 9110, 15.4.5): by the tag of its coding, where the client has that one.
    private static func named(_ response: Response, _ request: Request) -> Response {
        guard let tag = response.headers[.eTag] else { return response }
        let compressed = EntityTag(text: tag).compressed(Negotiation.coding(request.headers[values: .acceptEncoding])).text
        guard request.headers[values: .ifNoneMatch].contains(where: { $0.contains(compressed) }) else { return response }
        var response = response
        response.headers[.eTag] = compressed
        return response
    }

    private static func isText(_ type: String) -> Bool {
        let essence = type.prefix { $0 != ";" }
        return essence.hasPrefix("text/") || essence.hasSuffix("json") || essence.hasSuffix("json-seq") || essence.hasSuffix("xml")
            || essence == "application/vnd.mapbox-vector-tile"
    }
}
