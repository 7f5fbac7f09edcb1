import Access
import HTTPTypes
import Hummingbird
import LayerAtlas
import NIOCore
import Query
import Synchronization

/// An answer that may be too large to be made before it is sent.
struct StreamedAnswer: Sendable {
    /// That it is of, as its viewer saw it.
    var layer: VisibleLayer
    var stream: FeatureStream
    var type: String
    var headers: HTTPFields
    /// Held until the answer is sent or given up.
    var permit: DownloadGate.Permit?
}

/// What a handler has to say, known when its work on the pool is done.
enum Answer: Sendable {
    case whole(Response)
    case streamed(StreamedAnswer)
}

extension LayerAPI {
    /// Answers up to this size are made before they are sent: they have a length, and may be compressed.
    private static let wholeSize = 8 << 20

    /// Makes an answer on the pool. One that is small is sent whole; a larger one piece by piece, each made when the client has taken those before.
    ///
    /// The deadline of the exchange holds for what is made before anything is sent. A stream that fails afterwards is cut.
    func respond(_ exchange: Exchange, _ make: @escaping @Sendable () throws -> Answer) async throws -> Response {
        exchange.client?.watch(exchange.deadline)
        defer { exchange.client?.rest() }
        let (answer, first) = try await pool.run(exchange.deadline) {
            let answer = try make()
            guard case .streamed(let streamed) = answer else { return (answer, ByteBuffer()) }
            var first = ByteBuffer()
            while !streamed.stream.isDone, first.readableBytes < LayerAPI.wholeSize {
                _ = try streamed.stream.next(exchange.deadline) { first.writeBytes($0) }
                // Whoever downloads does not wait for the first eight megabytes.
                if streamed.permit != nil { break }
            }
            return (answer, first)
        }
        switch answer {
        case .whole(let response): return response
        case .streamed(let streamed):
            var headers = streamed.headers
            headers[.contentType] = streamed.type
            if streamed.stream.isDone {
                let replaced = streamed.stream.replacedCharacters
                if replaced > 0 { headers[.replaced] = String(replaced) }
                return Response(status: .ok, headers: headers, body: try whole(first))
            }
            // How many they are is known when all is sent.
            if streamed.stream.mayReplace { headers[.trailer] = HTTPField.Name.replaced.rawName }
            return Response(status: .ok, headers: headers, body: rest(of: streamed, after: first, exchange))
        }
    }

    /// How often a long answer looks whether its reader may still have it.
    static let lookEvery = Duration.seconds(1)

    /// A key that was revoked, a layer or an attribute that was closed meanwhile: the answer was cut.
    struct StreamEnded: Error {}

    /// Whether the viewer may still see all that is on its way.
    func mayGoOn(_ streamed: StreamedAnswer, _ exchange: Exchange) -> Bool {
        guard exchange.isLetIn() else { return false }
        // Whatever the reason that the layer cannot be asked for: then it is not sent on.
        guard let now = try? atlas.layer(streamed.layer.id, for: exchange.viewer) else { return false }
        return Set(streamed.layer.attributes.map(\.name)).isSubset(of: now.attributes.map(\.name))
    }

    private func whole(_ bytes: ByteBuffer) throws(Problem) -> ResponseBody {
        guard let permit = try answers.take(bytes.readableBytes) else { return ResponseBody(byteBuffer: bytes) }
        return ResponseBody(contentLength: bytes.readableBytes) { writer in
            defer { withExtendedLifetime(permit) {} }
            try await writer.write(bytes)
            try await writer.finish(nil)
        }
    }

    private func rest(of streamed: StreamedAnswer, after first: ByteBuffer, _ exchange: Exchange) -> ResponseBody {
        let (client, logger, stream) = (exchange.client, exchange.logger, streamed.stream)
        return ResponseBody { writer in
            // Kept as long as the answer is sent, and given up with it.
            let permit = streamed.permit
            defer { withExtendedLifetime(permit) {} }
            let deadline = Deadline(seconds: nil)
            do {
                if first.readableBytes > 0 { try await writer.write(first) }
                var looked = ContinuousClock.now
                while !stream.isDone {
                    client?.watch(deadline)
                    if ContinuousClock.now - looked > LayerAPI.lookEvery {
                        looked = .now
                        guard mayGoOn(streamed, exchange) else { throw StreamEnded() }
                    }
                    let piece = try await pool.runPatiently(deadline) {
                        var piece = ByteBuffer()
                        _ = try stream.next(deadline) { piece = ByteBuffer(bytes: $0) }
                        return piece
                    }
                    client?.rest()
                    // Returns when what was written before has left for the socket.
                    if piece.readableBytes > 0 { try await writer.write(piece) }
                }
            } catch let error as QueryError where error != .cancelled {
                logger.error("stream", metadata: ["error": .string("\(error)"), "features": .stringConvertible(stream.count)])
                throw error
            }
            try await writer.finish(stream.mayReplace ? [.replaced: String(stream.replacedCharacters)] : nil)
        }
    }
}

extension HTTPField.Name {
    /// Characters that CP932 could not hold, for which 〓 stands.
    static let replaced = HTTPField.Name("Kasane-Replaced-Characters")!
}

/// How many bytes of whole answers may wait for their readers, all together: slow readers keep them in memory.
final class AnswerBudget: Sendable {
    private let limit: Int
    private let taken = Mutex(0)
    /// Smaller ones are not counted.
    private static let least = 128 << 10

    init(limit: Int) {
        self.limit = limit
    }

    final class Permit: Sendable {
        private let budget: AnswerBudget
        private let bytes: Int

        fileprivate init(_ budget: AnswerBudget, _ bytes: Int) {
            (self.budget, self.bytes) = (budget, bytes)
        }

        deinit { budget.taken.withLock { $0 -= bytes } }
    }

    /// - Returns: what is held until the answer was sent; nil for a small one.
    /// - Throws: `overloaded`
    func take(_ bytes: Int) throws(Problem) -> Permit? {
        guard bytes >= AnswerBudget.least else { return nil }
        let isFree = taken.withLock { taken in
            guard taken + bytes <= limit else { return false }
            taken += bytes
            return true
        }
        guard isFree else { throw Problem.overloaded }
        return Permit(self, bytes)
    }
}

/// How many may download at once: each reads a whole layer, and those who only look must not wait for them. The public and those with a key have places of
/// their own, and one address of the public has no more than half of them.
final class DownloadGate: Sendable {
    private let limit: Int
    private let places = Mutex<[Place: Int]>([:])

    fileprivate enum Place: Hashable {
        case keyed
        case address(String)
    }

    init(limit: Int) {
        self.limit = limit
    }

    /// A place, given back when nobody holds it any more.
    final class Permit: Sendable {
        private let gate: DownloadGate
        private let place: DownloadGate.Place

        fileprivate init(_ gate: DownloadGate, _ place: DownloadGate.Place) {
            (self.gate, self.place) = (gate, place)
        }

        deinit {
            gate.places.withLock { places in
                let left = places[place, default: 1] - 1
                places[place] = left == 0 ? nil : left
            }
        }
    }

    /// - Throws: `overloaded` when all places are taken.
    func enter(_ viewer: Viewer, from address: String) throws(Problem) -> Permit {
        let place = viewer.keyID == nil ? Place.address(address) : .keyed
        let most = viewer.keyID == nil ? (limit + 1) / 2 : limit
        let isFree = places.withLock { places in
            let here = places[place, default: 0]
            let ofPublic = places.reduce(0) { $0 + ($1.key == .keyed ? 0 : $1.value) }
            guard here < most, place == .keyed || ofPublic < limit else { return false }
            places[place] = here + 1
            return true
        }
        guard isFree else {
            throw Problem(
                .overloaded, ja: "同時にダウンロードできるのは\(most)件までです。少し待ってからもう一度送ってください。",
                en: "Up to \(most) downloads go at once. Wait a moment and send it again.", headers: [.retryAfter: "10"])
        }
        return Permit(self, place)
    }
}
