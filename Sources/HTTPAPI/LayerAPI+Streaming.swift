import HTTPTypes
import Hummingbird
import NIOCore
import Query
import Synchronization

/// An answer that may be too large to be made before it is sent.
struct StreamedAnswer: Sendable {
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
                return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: first))
            }
            // How many they are is known when all is sent.
            if streamed.stream.mayReplace { headers[.trailer] = HTTPField.Name.replaced.rawName }
            return Response(status: .ok, headers: headers, body: rest(of: streamed, after: first, exchange))
        }
    }

    private func rest(of streamed: StreamedAnswer, after first: ByteBuffer, _ exchange: Exchange) -> ResponseBody {
        let (client, logger, stream) = (exchange.client, exchange.logger, streamed.stream)
        return ResponseBody { [pool] writer in
            // Kept as long as the answer is sent, and given up with it.
            let permit = streamed.permit
            defer { withExtendedLifetime(permit) {} }
            let deadline = Deadline(seconds: nil)
            do {
                if first.readableBytes > 0 { try await writer.write(first) }
                while !stream.isDone {
                    client?.watch(deadline)
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

/// How many may download at once: each reads a whole layer, and those who only look must not wait for them.
final class DownloadGate: Sendable {
    private let limit: Int
    private let count = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// A place, given back when nobody holds it any more.
    final class Permit: Sendable {
        private let gate: DownloadGate

        fileprivate init(_ gate: DownloadGate) {
            self.gate = gate
        }

        deinit { gate.count.withLock { $0 -= 1 } }
    }

    /// - Throws: `overloaded` when all places are taken.
    func enter() throws(Problem) -> Permit {
        let isFree = count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard isFree else {
            throw Problem(
                .overloaded, ja: "同時にダウンロードできるのは\(limit)件までです。少し待ってからもう一度送ってください。",
                en: "Up to \(limit) downloads go at once. Wait a moment and send it again.", headers: [.retryAfter: "10"])
        }
        return Permit(self)
    }
}
