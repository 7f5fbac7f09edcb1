import HTTPTypes
public import Hummingbird
import NIOCore

/// The outermost rules for every answer: a thrown error becomes a problem, and the fields that all answers share are set.
///
/// What a handler has set itself stays.
public struct Answering: RouterMiddleware {
    public struct Settings: Sendable {
        /// The server knows keys, so that the same address may answer differently with one.
        public var knowsKeys: Bool
        /// What caches may do with an answer that is the same for everybody, and says nothing else (RFC 9111, RFC 5861).
        public var publicCaching = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"

        /// Where the landing page lies, for pages about problems.
        public var home: String
        /// Takes up answers that connections may send again by themselves.
        public var standing: StandingAnswers?

        public init(knowsKeys: Bool, home: String = "/") {
            self.knowsKeys = knowsKeys
            self.home = home
        }
    }

    private let settings: Settings

    public init(_ settings: Settings) {
        self.settings = settings
    }

    public func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let number = settings.standing?.current ?? 0
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            var problem = Problem(any: error)
            if error is HTTPError, problem.code == .notFound, ![.get, .head].contains(request.method) {
                problem = RefusedRequest.methodNotAllowed
            }
            if problem.code == .failure {
                // The reason goes to the log and not to the client: it may name files.
                context.logger.error("failure", metadata: ["path": .string(request.uri.path), "error": .string("\(error)")])
            }
            response = problem.response(to: request, home: settings.home)
        }
        finish(&response, request)
        try await settings.standing?.keep(response, to: request, number: number)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func finish(_ response: inout Response, _ request: Request) {
        let sentKey = request.sendsKey
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = response.headers[.referrerPolicy] ?? "no-referrer"
        if response.headers[.contentSecurityPolicy] == nil {
            let type = response.headers[.contentType] ?? ""
            // A worker takes its policy from its script, and may not be sandboxed.
            if !type.hasPrefix("text/javascript") {
                response.headers[.contentSecurityPolicy] = type.hasPrefix("text/html") ? PageLayout.contentSecurityPolicy : "sandbox"
            }
        }
        var vary = ["Accept", "Accept-Encoding"]
        if settings.knowsKeys { vary += ["Authorization", "X-API-Key"] }
        if response.isProblem || response.headers[.contentLanguage] != nil { vary.append("Accept-Language") }
        if response.headers[.vary] == nil { response.headers[.vary] = vary.joined(separator: ", ") }
        if sentKey {
            response.headers[.cacheControl] = "private, no-store"
        } else {
            if response.headers[.cacheControl] == nil {
                let cacheable = response.status.kind == .successful || response.status == .notModified
                response.headers[.cacheControl] = cacheable ? settings.publicCaching : "no-store"
            }
            // Anybody's page may read what anybody may read; a page that sends a key may not.
            response.headers[.accessControlAllowOrigin] = "*"
            response.headers[.accessControlExposeHeaders] =
                "Content-Crs, Content-Disposition, ETag, Kasane-Left-Out, Kasane-Replaced-Characters, Kasane-Short-Names, Link, OGC-NumberMatched, "
                + "OGC-NumberReturned, Retry-After"
        }
        if request.headers[.connection] == "close" || response.headers[.connection] == "close" {
            response.headers[.connection] = "close"
        }
    }
}

extension Request {
    /// Something in the request may say who asks, whether this server understands it or not.
    var sendsKey: Bool {
        headers.contains(.authorization) || headers.contains(.apiKey) || headers.contains(.cookie)
    }
}

extension Response {
    var isProblem: Bool { status.code >= 400 }

    /// An answer with a body of bytes.
    init(status: HTTPResponse.Status = .ok, type: String, bytes: [UInt8], headers: HTTPFields = [:]) {
        var headers = headers
        headers[.contentType] = type
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension HTTPField.Name {
    static let apiKey = HTTPField.Name("X-API-Key")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
