public import HTTPTypes
import Hummingbird
public import NIOCore
import Synchronization

/// Whole answers that everybody gets alike, by the address they were asked at, so that a connection can send them again without anybody working for it.
///
/// An answer that was made in the usual way comes in here when nothing of it depended on who asked (tiles, for clients without a key). It stands until
/// what is published changes, or more becomes known of it: an answer from an earlier picture of the atlas is as good as none. So it may hold nothing that
/// the address, the coding and the picture do not decide.
public final class StandingAnswers: Sendable {
    struct Question: Hashable {
        var address: String
        var coding: ContentCoding
    }

    public final class Answer: Sendable {
        /// Status line and fields, each with its end; without `Date` and without the empty line.
        public let head: ByteBuffer
        public let body: ByteBuffer
        /// For the log: the address without its query.
        public let path: String
        public let status: HTTPResponse.Status
        let number: Int

        init(_ response: Response, body: ByteBuffer, path: String, number: Int) {
            var head = ByteBuffer()
            head.writeString("HTTP/1.1 \(response.status.code) \(response.status.reasonPhrase)\r\n")
            for field in response.headers { head.writeString("\(field.name.rawName): \(field.value)\r\n") }
            self.head = head
            self.body = body
            self.path = path
            status = response.status
            self.number = number
        }

        var size: Int { head.readableBytes + body.readableBytes + 256 }
    }

    /// Two halves: new answers go to the young one; when it is full it becomes the old one, and what was in that and was not asked for meanwhile is gone.
    private struct State {
        var young: [Question: Answer] = [:]
        var old: [Question: Answer] = [:]
        var bytes = 0
    }

    private let limit: Int
    private let state = Mutex(State())
    private let pictureNumber: @Sendable () -> Int

    /// - Parameters:
    ///   - limit: bytes of bodies and heads. They share their bytes with the tile cache as long as that keeps them too.
    ///   - pictureNumber: another one whenever answers may be others: see `LayerAtlas.pictureNumber` and `TileHistory.count`.
    public init(limit: Int, pictureNumber: @escaping @Sendable () -> Int) {
        self.limit = limit
        self.pictureNumber = pictureNumber
    }

    /// - Parameters:
    ///   - address: path and query, byte for byte as in the request line.
    ///   - coding: from `coding(_:)`.
    public func answer(_ address: String, _ coding: Coding) -> Answer? {
        let question = Question(address: address, coding: coding.coding)
        let answer = state.withLock { state -> Answer? in
            if let answer = state.young[question] { return answer }
            guard let answer = state.old.removeValue(forKey: question) else { return nil }
            add(question, answer, &state)
            return answer
        }
        return answer?.number == pictureNumber() ? answer : nil
    }

    /// What a client takes, for `answer`.
    public struct Coding: Sendable {
        let coding: ContentCoding
    }

    public static func coding(_ acceptEncoding: [String]) -> Coding { Coding(coding: Negotiation.coding(acceptEncoding)) }

    /// The number under which an answer to be made now may be kept.
    var current: Int { pictureNumber() }

    /// - Parameter number: `current` from before the answer was made.
    func keep(_ response: Response, to request: Request, number: Int) async throws {
        guard request.method == .get, response.status == .ok, let length = response.body.contentLength, length < limit / 16,
            response.headers[.contentType] == TileSetDocument.tileType, response.headers[.connection] == nil, !request.sendsKey,
            number == pictureNumber()
        else { return }
        let collector = BodyCollector()
        try await response.body.write(collector)
        let answer = Answer(response, body: collector.buffer, path: request.uri.path, number: number)
        let question = Question(address: request.head.path ?? "", coding: Negotiation.coding(request.headers[values: .acceptEncoding]))
        state.withLock { add(question, answer, &$0) }
    }

    private func add(_ question: Question, _ answer: Answer, _ state: inout State) {
        if let before = state.young.updateValue(answer, forKey: question) { state.bytes -= before.size }
        state.bytes += answer.size
        if state.bytes > limit / 2 {
            state.old = state.young
            state.young = [:]
            state.bytes = 0
        }
    }
}

/// Gathers a body that a handler has made; ours are one buffer, those of files several.
final class BodyCollector: ResponseBodyWriter, @unchecked Sendable {
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
