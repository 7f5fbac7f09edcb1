import Foundation
import HTTPAPI
import NIOCore
import NIOHTTP1

/// What the two guards of a connection know together; both run on its event loop.
final class ConnectionState {
    enum Phase {
        /// Between requests: the next byte begins a head.
        case idle
        case head
        /// After a head: the body, where one is taken, and the end are still to come.
        case body
        /// The request was refused: what else comes is thrown away until the connection ends.
        case refused
    }

    var phase = Phase.idle
    var headTimer: Scheduled<Void>?
    /// Requests passed on whose answer has not been written.
    var unanswered = 0
    /// When something last came or was answered.
    var lastUse = NIODeadline.now()
    /// Bytes of the request line so far, of the head being read.
    var requestLine = 0
    var requestLineEnded = false

    func enter(_ phase: Phase) {
        self.phase = phase
        if phase != .head { headTimer?.cancel() }
    }

    /// The last part of an answer was written.
    func answered() {
        unanswered -= 1
        lastUse = .now()
    }
}

/// Guards the bytes of a connection: how many there are from one address, how long a head may take, how long an answer may lie unread.
final class ByteGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limits: ConnectionLimits
    private let ledger: ConnectionLedger
    private let state: ConnectionState
    private var entered: [UInt8]?
    /// Bytes given to be sent since the connection began.
    private var given = 0
    /// When the client was last seen to take enough, and bytes that had arrived then.
    private var lastProgress = NIODeadline.now()
    private var sent = 0
    private var watch: Scheduled<Void>?
    private var idleWatch: Scheduled<Void>?

    init(limits: ConnectionLimits, ledger: ConnectionLedger, state: ConnectionState) {
        self.limits = limits
        self.ledger = ledger
        self.state = state
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { enter(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    private func enter(_ context: ChannelHandlerContext) {
        guard entered == nil else { return }
        let address = ConnectionLedger.key(of: context.remoteAddress)
        if ledger.enter(address) {
            entered = address
            state.lastUse = .now()
            scheduleIdleWatch(context)
        } else {
            state.enter(.refused)
            context.close(promise: nil)
        }
    }

    /// Ends a connection that nobody uses: soon when others wait for its place, and some time in any case. One that is used soon again costs its client a
    /// round trip.
    private func makeRoom(_ context: ChannelHandlerContext) {
        let isIdle = state.phase == .idle && state.unanswered == 0
        let time = NIODeadline.now() - state.lastUse
        if isIdle, time >= limits.idleTime || (ledger.isPressed && time >= limits.pressedIdleTime) {
            context.close(promise: nil)
        } else {
            scheduleIdleWatch(context)
        }
    }

    private func scheduleIdleWatch(_ context: ChannelHandlerContext) {
        let left = limits.idleTime - (NIODeadline.now() - state.lastUse)
        let pause = min(limits.pressedIdleTime, left > .zero ? left : limits.idleTime)
        idleWatch = context.eventLoop.assumeIsolated().scheduleTask(in: pause) { [weak self] in self?.makeRoom(context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    private func leave() {
        state.headTimer?.cancel()
        watch?.cancel()
        watch = nil
        idleWatch?.cancel()
        idleWatch = nil
        if let address = entered { ledger.leave(address) }
        entered = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state.phase {
        case .refused: return
        case .idle:
            state.enter(.head)
            state.requestLine = 0
            state.requestLineEnded = false
            state.headTimer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.headTime) { [state] in
                if state.phase == .head { context.close(promise: nil) }
            }
        case .head, .body: break
        }
        if state.phase == .head, !state.requestLineEnded {
            let bytes = unwrapInboundIn(data).readableBytesView
            let end = bytes.firstIndex(of: UInt8(ascii: "\n"))
            state.requestLine += bytes.distance(from: bytes.startIndex, to: end ?? bytes.endIndex)
            state.requestLineEnded = end != nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        given += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        guard watch == nil, let unsent = unsent(context), unsent.here > 0 else { return }
        sent = given - unsent.here - unsent.inKernel
        lastProgress = .now()
        scheduleWatch(context)
    }

    /// What was given to be sent goes first: whoever closes after the last part of an answer means its end, and not its loss.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, let unsent = unsent(context), unsent.here > 0 else { return context.close(mode: mode, promise: promise) }
        state.enter(.refused)
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: .all, promise: promise) }
        // Nothing, which is sent when all before it is. A reader that takes nothing is seen to by the watch.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: sent)
    }

    /// Looks now and then whether the client has taken enough of what waits for it.
    private func scheduleWatch(_ context: ChannelHandlerContext) {
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(max(limits.stallTime.nanoseconds / 8, 1))) { [weak self] in
            self?.look(context)
        }
    }

    private func look(_ context: ChannelHandlerContext) {
        watch = nil
        guard let unsent = unsent(context), unsent.here > 0 else { return }
        let arrived = given - unsent.here - unsent.inKernel
        if arrived - sent > limits.answerRate * Int(limits.stallTime.nanoseconds) / 1_000_000_000 {
            sent = arrived
            lastProgress = .now()
        } else if NIODeadline.now() - lastProgress >= limits.stallTime {
            context.close(promise: nil)
            return
        }
        scheduleWatch(context)
    }

    /// Bytes that the client has not acknowledged: those still here, and those in the kernel's send queue. The queue is megabytes long and
    /// takes more only when a third of it is free, so without it a slow client would look like one that has stopped.
    private func unsent(_ context: ChannelHandlerContext) -> (here: Int, inKernel: Int)? {
        guard let here = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes) else { return nil }
        var queued: CInt = 0
        let isKnown = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            withUnsafeMutablePointer(to: &queued) { ioctl(socket, UInt(TIOCOUTQ), $0) == 0 }
        }
        return (here, isKnown == true ? Int(queued) : 0)
    }
}

/// Guards the requests of a connection: refuses what is too long, doubled, malformed or unwanted before anything is done with it.
///
/// A refused request is passed on as a `RefusedRequest`, so that its answer comes in its turn; then the connection ends. A request with a body is
/// passed on when the body is whole: nothing behind this guard waits for a client.
final class HeadGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: ConnectionLimits
    private let state: ConnectionState
    /// The request whose body is on its way.
    private var held: HeldRequest?

    private struct HeldRequest {
        var head: HTTPRequestHead
        var body: ByteBuffer
        /// Bytes that the body may have.
        var limit: Int
        /// Bytes that were there at the last look.
        var seen = 0
        var watch: Scheduled<Void>?
    }

    init(limits: ConnectionLimits, state: ConnectionState) {
        self.limits = limits
        self.state = state
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state.phase != .refused else { return }
        switch unwrapInboundIn(data) {
        case .head(var head):
            let bodyLimit = RequestBodies.limit(method: head.method.rawValue, address: head.uri)
            if let code = refusal(of: head, bodyLimit) {
                refuse(context, code, method: head.method)
            } else if HeadGuard.hasBody(head) {
                state.enter(.body)
                hold(head, bodyLimit, context)
            } else {
                state.enter(.body)
                state.unanswered += 1
                normalise(&head)
                context.fireChannelRead(wrapInboundOut(.head(head)))
            }
        case .body(var bytes):
            guard let request = held else {
                // A request whose body is not wanted was refused by its head; whatever this is, it is not to be trusted.
                state.enter(.refused)
                context.close(promise: nil)
                return
            }
            if request.body.readableBytes + bytes.readableBytes > request.limit {
                release()
                refuse(context, .bodyTooLarge, method: request.head.method)
            } else {
                held?.body.writeBuffer(&bytes)
            }
        case .end:
            state.enter(.idle)
            if var request = held {
                release()
                state.unanswered += 1
                normalise(&request.head)
                context.fireChannelRead(wrapInboundOut(.head(request.head)))
                context.fireChannelRead(wrapInboundOut(.body(request.body)))
            }
            context.fireChannelRead(data)
        }
    }

    private static func hasBody(_ head: HTTPRequestHead) -> Bool {
        head.headers.contains(name: "transfer-encoding") || head.headers["content-length"].contains { $0 != "0" }
    }

    /// Keeps a request until its body is there, and looks now and then whether it still comes.
    private func hold(_ head: HTTPRequestHead, _ limit: Int, _ context: ChannelHandlerContext) {
        held = HeldRequest(head: head, body: context.channel.allocator.buffer(capacity: 1024), limit: limit)
        scheduleBodyWatch(context)
        // RFC 9110, 10.1.1. Behind answers that are still to come it would be out of turn; the client then sends without it.
        if state.unanswered == 0, head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
        }
    }

    private func scheduleBodyWatch(_ context: ChannelHandlerContext) {
        held?.watch = context.eventLoop.assumeIsolated().scheduleTask(in: limits.bodyTime) { [weak self] in self?.lookAtBody(context) }
    }

    private func lookAtBody(_ context: ChannelHandlerContext) {
        guard let request = held else { return }
        let least = limits.bodyRate * Int(limits.bodyTime.nanoseconds) / 1_000_000_000
        if request.body.readableBytes - request.seen < least {
            release()
            state.enter(.refused)
            context.close(promise: nil)
        } else {
            held?.seen = request.body.readableBytes
            scheduleBodyWatch(context)
        }
    }

    private func release() {
        held?.watch?.cancel()
        held = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        release()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        release()
    }

    /// Why a request is not served, from its head alone.
    private func refusal(of head: HTTPRequestHead, _ bodyLimit: Int) -> Problem.Code? {
        guard head.uri.utf8.count <= limits.address else { return .addressTooLong }
        let size = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard head.headers.count <= limits.headerFields, size <= limits.headers else { return .headersTooLarge }
        // RFC 9112, 3.2: exactly one Host; two of them are how requests are smuggled.
        let hosts = head.headers["host"]
        guard hosts.count == 1 || (hosts.isEmpty && head.version.major == 1 && head.version.minor == 0),
            hosts.allSatisfy({ BaseURL.isHost($0) })
        else { return .badRequest }
        let hasLength = head.headers.contains(name: "content-length")
        let isChunked = head.headers.contains(name: "transfer-encoding")
        guard !(hasLength && isChunked) else { return .badRequest }
        guard head.headers["content-encoding"].allSatisfy({ $0.lowercased() == "identity" || $0.isEmpty }) else {
            return .unsupportedEncoding
        }
        if head.method == .CONNECT { return .methodNotAllowed }
        guard HeadGuard.hasBody(head) else { return nil }
        if bodyLimit > 0 {
            let length = head.headers.first(name: "content-length").map { Int($0) ?? .max } ?? 0
            return length > bodyLimit ? .bodyTooLarge : nil
        }
        // The route takes no body, so none is read: not even to find the next request behind it.
        switch head.method {
        case .POST, .PUT, .PATCH, .DELETE: return .methodNotAllowed
        default: return .bodyTooLarge
        }
    }

    /// Makes plain what the part behind looks at: `Connection: close` when the connection is to end after the answer.
    private func normalise(_ head: inout HTTPRequestHead) {
        let isUpgrade = head.headers.contains(name: "upgrade")
        if !head.isKeepAlive || isUpgrade {
            head.headers.replaceOrAdd(name: "connection", value: "close")
        } else {
            head.headers.remove(name: "connection")
        }
        head.headers.remove(name: "upgrade")
    }

    private func refuse(_ context: ChannelHandlerContext, _ code: Problem.Code, method: HTTPMethod) {
        state.enter(.refused)
        state.unanswered += 1
        let head = HTTPRequestHead(
            version: .http1_1, method: method == .HEAD ? .HEAD : .GET, uri: RefusedRequest.path(code), headers: ["connection": "close"])
        context.fireChannelRead(wrapInboundOut(.head(head)))
        context.fireChannelRead(wrapInboundOut(.end(nil)))
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.fireErrorCaught(error) }
        switch state.phase {
        case .idle, .head:
            let isTooLarge = (error as? HTTPParserError) == .headerOverflow
            // A method and a version are beside the address.
            let isAddress = state.requestLine > limits.address + 24
            refuse(context, isTooLarge ? (isAddress ? .addressTooLong : .headersTooLarge) : .badRequest, method: .GET)
        case .body:
            // In the middle of a body there is nothing to answer to any more.
            state.enter(.refused)
            context.close(promise: nil)
        case .refused: break
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        context.write(data, promise: promise)
        guard case .end = part else { return }
        state.answered()
        if state.phase == .refused, state.unanswered == 0 {
            context.eventLoop.assumeIsolated().scheduleTask(in: limits.lingerTime) { context.close(promise: nil) }
        }
    }
}
