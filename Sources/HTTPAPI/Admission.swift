import Access
import HTTPTypes
public import Hummingbird

/// Lets a request in: refuses what the connection refused, sees that the server is ready, finds out for whom the answer is.
public struct Admission: RouterMiddleware {
    public struct Settings: Sendable {
        /// Where links begin; nil takes the `Host` of each request.
        public var base: BaseURL?
        /// Finds the viewer of a key; nil for a server that knows no keys at all.
        public var viewer: (@Sendable (_ key: String) throws -> Viewer?)?
        /// Whether the layers are loaded.
        public var isReady: @Sendable () -> Bool
        /// Knows which clients have gone.
        public var clients: Clients?

        public init(
            base: BaseURL? = nil, viewer: (@Sendable (_ key: String) throws -> Viewer?)? = nil,
            isReady: @escaping @Sendable () -> Bool = { true }
        ) {
            self.base = base
            self.viewer = viewer
            self.isReady = isReady
        }
    }

    private let settings: Settings

    public init(_ settings: Settings) {
        self.settings = settings
    }

    public func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let path = request.uri.path
        if let problem = RefusedRequest.problem(path: path) { throw problem }
        // Two slashes would otherwise be taken for one, and caches would keep the same answer under many names.
        guard !path.contains("//") else { throw Problem.notFound }
        if request.method == .options { return Admission.options(path) }
        if Operations.paths.contains(path) { return try await next(request, context) }
        guard settings.isReady() else {
            throw Problem(
                .notReady, ja: "レイヤーを読み込んでいます。", en: "The layers are being loaded.", headers: [.retryAfter: "2"])
        }
        var context = context
        guard let base = settings.base ?? BaseURL(host: request.head.authority ?? context.localHost) else {
            throw Problem(.badRequest, ja: "Hostヘッダーが正しくありません。", en: "The Host field is not a host.")
        }
        context.base = base
        context.client = settings.clients?[context.connection]
        if let viewer = settings.viewer, let key = try Admission.key(request.headers) {
            guard let known = try viewer(key) else { throw Admission.wrongKey }
            context.viewer = known
            // A key that cannot be looked up is as good as none.
            context.isLetIn = { (try? viewer(key)) == known }
        }
        return try await next(request, context)
    }

    /// The same for every address of one pattern, so that it tells nobody which there are. `Authorization` is not among the fields that a page of another
    /// origin may send. POST is named only where there are questions too long for an address: QGIS takes it elsewhere for a sign that it may edit.
    private static func options(_ path: String) -> Response {
        let methods = RequestBodies.limit(method: "POST", address: path) > 0 ? "OPTIONS, POST" : RefusedRequest.methods
        return Response(
            status: .noContent,
            headers: [
                .allow: methods, .accessControlAllowMethods: methods,
                .accessControlAllowHeaders: "Accept, Accept-Language, Content-Type, If-None-Match", .accessControlMaxAge: "86400",
            ])
    }

    private static let wrongKey = Problem(
        .invalidKey, ja: "このキーは使えません。", en: "This key is not known, or no longer.",
        headers: [.wwwAuthenticate: "Bearer realm=\"kasane\", error=\"invalid_token\""])

    /// The key of `Authorization: Bearer` or `X-API-Key`; nil when there is neither.
    ///
    /// - Throws: when there is another kind of authorization, or two different keys: who asks is then not clear.
    static func key(_ headers: HTTPFields) throws(Problem) -> String? {
        let named = headers[values: .apiKey]
        var keys = named.map { String($0[...].trimmed) }
        for field in headers[values: .authorization] {
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { throw wrongKey }
            keys.append(String(parts[1].trimmed))
        }
        guard let first = keys.first else { return nil }
        guard keys.allSatisfy({ $0 == first }), !first.isEmpty, first.utf8.count <= 512 else { throw wrongKey }
        return first
    }
}
