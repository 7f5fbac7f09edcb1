import Access
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Query

/// A request for a resource, read as far as all resources are alike, and the ways to answer it.
///
/// A handler reads as three lines: parse, ask, write. It runs on a thread of the `WorkPool`, never on an event loop.
struct Exchange: Sendable {
    let viewer: Viewer
    let addresses: Addresses
    private(set) var query: QueryString
    /// In which the answer is wanted.
    private(set) var form: Representation
    let deadline: Deadline
    /// Who waits for the answer.
    let client: ClientWatch?
    let logger: Logger
    /// Whether the key is still good; long answers ask again.
    let isLetIn: @Sendable () -> Bool
    /// From where it came.
    let address: String
    private let accept: [String]
    private let acceptLanguage: [String]
    /// The captured pieces of the path, not yet decoded.
    private let captures: Parameters
    private let ifNoneMatch: [String]

    init(_ request: Request, _ context: APIContext, offered: [Representation], seconds: Double?) throws {
        guard let base = context.base else { preconditionFailure("Admission comes before every handler") }
        viewer = context.viewer
        addresses = Addresses(base)
        query = try QueryString(request.uri.query)
        accept = request.headers[values: .accept]
        acceptLanguage = request.headers[values: .acceptLanguage]
        form = try Negotiation.choose(offered, f: query["f"], accept: accept)
        deadline = Deadline(seconds: seconds)
        client = context.client
        logger = context.logger
        isLetIn = context.isLetIn
        address = context.remoteAddress?.ipAddress ?? "-"
        captures = context.parameters
        ifNoneMatch = request.headers[values: .ifNoneMatch]
    }

    /// Takes the parameters from elsewhere than the address: from a body.
    mutating func take(_ query: QueryString, offered: [Representation]) throws(Problem) {
        self.query = query
        form = try Negotiation.choose(offered, f: query["f"], accept: accept)
    }

    /// `ja` or `en`, whichever the client likes better.
    var language: String { Negotiation.language(acceptLanguage) }

    /// A piece of the path, decoded.
    func capture(_ name: String) throws(Problem) -> String {
        guard let text = captures.get(name).flatMap({ PercentCoding.decode($0) }) else {
            throw Problem(
                .invalidParameter, ja: "アドレスが正しいUTF-8のパーセントエンコーディングではありません。", en: "The address is not percent-encoded UTF-8.")
        }
        return text
    }

    /// The client has what `tag` names already.
    func has(_ tag: EntityTag) -> Bool { tag.matches(ifNoneMatch: ifNoneMatch) }

    func notModified(_ tag: EntityTag) -> Response {
        Response(status: .notModified, headers: [.eTag: tag.text])
    }

    /// A document that is cheap to make: its tag is a hash of it.
    func answer(_ bytes: [UInt8], type: String) -> Response {
        let tag = EntityTag(of: bytes)
        return has(tag) ? notModified(tag) : Response(type: type, bytes: bytes, headers: [.eTag: tag.text])
    }

    func answer(_ bytes: [UInt8], type: String, tag: EntityTag?) -> Response {
        Response(type: type, bytes: bytes, headers: tag.map { [.eTag: $0.text] } ?? [:])
    }

    func answer(_ document: Markup) -> Response {
        answer(Array(document.text.utf8), type: Representation.html.mediaType)
    }
}
