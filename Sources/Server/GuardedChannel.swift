import HTTPAPI
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Synchronization

/// HTTP/1.1 connections with our guards in them: `ByteGuard` before the parser, `HeadGuard` right after it, then what answers again what stands ready.
///
/// Hummingbird’s own channel takes additional handlers only behind its conversion, where the HTTP version, doubled fields and the raw bytes are
/// gone already. Requests are then handled by Hummingbird as ever.
struct GuardedChannel: ServerChildChannel, HTTPChannelHandler {
    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits
    let ledger: ConnectionLedger
    let clients: Clients
    let standing: StandingAnswers
    let note: StandingAnswerHandler.Note

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let state = ConnectionState()
            // The parser’s own limits lie a little beyond ours, so that what it still reads can be answered with the right status.
            var parserLimits = NIOHTTPDecoderLimitConfiguration()
            parserLimits.maxHeaderFieldSize = max(2 * limits.address, limits.headers)
            parserLimits.maxHeaderListSize = 2 * limits.address + limits.headers
            parserLimits.maxHeaderFieldCount = limits.headerFields + 16
            try pipeline.addHandler(ByteGuard(limits: limits, ledger: ledger, state: state))
            try pipeline.addHandler(ClientGuard(clients, channel: channel))
            try pipeline.configureHTTPServerPipeline(
                // Requests are taken one after another by the loop that answers them, and errors of the parser are `HeadGuard`’s.
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: HTTPResponseEncoder.Configuration(), withDecoderLimitConfiguration: parserLimits)
            try pipeline.addHandlers([
                HeadGuard(limits: limits, state: state), StandingAnswerHandler(standing, state: state, note: note),
                // `ByteGuard` ends idle connections: it sees the standing answers too.
                HTTP1ToHTTPServerCodec(secure: false), HTTPConnectionStateHandler(logger: logger),
            ])
            return Connection(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel, configuration: NIOAsyncChannel.Configuration(isOutboundHalfClosureEnabled: true))
            )
        }
    }

    func handle(value: Connection, logger: Logger) async {
        await handleHTTP(asyncChannel: value.take(), logger: logger)
    }
}

/// An accepted connection that waits to be handled.
///
/// One that comes in the moment the server stops may never be: it is then closed here, because NIO ends the whole process over an async channel
/// that is dropped open.
final class Connection: ServerChildChannelValue {
    private let inner: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    private let isTaken = Atomic<Bool>(false)

    init(_ inner: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>) {
        self.inner = inner
    }

    var channel: any Channel { inner.channel }

    func take() -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        isTaken.store(true, ordering: .relaxed)
        return inner
    }

    deinit {
        guard !isTaken.load(ordering: .relaxed) else { return }
        let inner = inner
        Task {
            // It fails when the client has gone already, and then there is nothing left to close.
            try? await inner.executeThenClose { _, _ in }
        }
    }
}
