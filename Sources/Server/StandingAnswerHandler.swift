import Foundation
import HTTPAPI
import NIOCore
import NIOHTTP1

/// Answers on the connection's own loop what stands ready, and passes on everything else.
///
/// A tile that was just sent is sent again for the price of looking up its address: no task, no router, no copy of its bytes. Only plain questions are
/// answered here: GET over HTTP/1.1, from a client without a key that has nothing yet, on a connection that goes on, and in its turn. All else goes
/// through `Answering`, where these answers come from.
final class StandingAnswerHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// Told of every answer, for log and metrics.
    typealias Note = @Sendable (_ answer: StandingAnswers.Answer, _ address: String, _ duration: Duration) -> Void

    private let answers: StandingAnswers
    private let state: ConnectionState
    private let note: Note
    /// The answer to the request whose end is still to come, and when its head came.
    private var pending: (answer: StandingAnswers.Answer, begin: ContinuousClock.Instant)?
    /// Where bytes go that need no encoder.
    private var outlet: ChannelHandlerContext?
    private var mustFlush = false
    /// Clients take the same codings with every request.
    private var coding: (field: String, coding: StandingAnswers.Coding)?
    private var address = "-"
    private var date = DateLine()

    init(_ answers: StandingAnswers, state: ConnectionState, note: @escaping Note) {
        self.answers = answers
        self.state = state
        self.note = note
    }

    func handlerAdded(context: ChannelHandlerContext) {
        outlet = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        address = context.remoteAddress?.ipAddress ?? "-"
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        outlet = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard let answer = answer(to: head) else { return context.fireChannelRead(data) }
            pending = (answer, .now)
        case .body:
            context.fireChannelRead(data)
        case .end:
            guard let (answer, begin) = pending, let outlet else { return context.fireChannelRead(data) }
            pending = nil
            var head = context.channel.allocator.buffer(capacity: answer.head.readableBytes + DateLine.length + 2)
            head.writeImmutableBuffer(answer.head)
            date.write(to: &head)
            head.writeStaticString("\r\n")
            outlet.write(NIOAny(head), promise: nil)
            outlet.write(NIOAny(answer.body), promise: nil)
            mustFlush = true
            state.answered()
            note(answer, address, .now - begin)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mustFlush {
            mustFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    private func answer(to head: HTTPRequestHead) -> StandingAnswers.Answer? {
        // With one request unanswered, which is this one, nothing else is on its way that has to come before.
        guard head.method == .GET, head.version == .http1_1, state.phase == .body, state.unanswered == 1, outlet != nil else { return nil }
        var encoding: String?
        for (name, value) in head.headers {
            switch name.utf8.count {
            // Any field that another answer might come of, and that is all that is looked at: connection, authorization, x-api-key, cookie, if-none-match.
            case 10 where name.isSame(as: "connection"), 13 where name.isSame(as: "authorization"), 9 where name.isSame(as: "x-api-key"),
                6 where name.isSame(as: "cookie"), 13 where name.isSame(as: "if-none-match"):
                return nil
            case 15 where name.isSame(as: "accept-encoding"):
                if encoding != nil { return nil }
                encoding = value
            default: break
            }
        }
        return answers.answer(head.uri, coding(encoding ?? ""))
    }

    private func coding(_ field: String) -> StandingAnswers.Coding {
        if let coding, coding.field == field { return coding.coding }
        let found = StandingAnswers.coding(field.isEmpty ? [] : [field])
        coding = (field, found)
        return found
    }
}

extension String {
    /// Equal but for the case of ASCII letters.
    /// - Parameter name: in small letters.
    fileprivate func isSame(as name: StaticString) -> Bool {
        var text = self
        return text.withUTF8 { bytes in
            bytes.count == name.utf8CodeUnitCount
                && bytes.indices.allSatisfy { bytes[$0] | (bytes[$0] != UInt8(ascii: "-") ? 0x20 : 0) == name.utf8Start[$0] }
        }
    }
}

/// `Date: …`, written anew once a second (RFC 9110, 6.6.1).
struct DateLine {
    static let length = 37
    private var second = 0
    private var line = ByteBuffer()

    mutating func write(to buffer: inout ByteBuffer) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        if now.tv_sec != second || line.readableBytes == 0 {
            second = now.tv_sec
            line.clear()
            line.writeString("Date: " + DateLine.text(second) + "\r\n")
        }
        buffer.writeImmutableBuffer(line)
    }

    /// IMF-fixdate (RFC 9110, 5.6.7), for seconds since 1970.
    static func text(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][Int(parts.tm_wday)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return
            "\(day), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
