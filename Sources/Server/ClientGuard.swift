import HTTPAPI
import NIOCore

/// Sees when a client has gone, so that the work for it ends.
///
/// A connection that is closed or reset ends its work at once. One whose client has only closed its own side may be a client that has asked everything and
/// still reads: what is quick is answered, and only work that goes on for longer than `patience` is ended.
final class ClientGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let clients: Clients
    private let connection: ObjectIdentifier
    private let watch: ClientWatch
    private var timer: Scheduled<Void>?
    /// The work that was at hand at the last look.
    private var seen: Int?

    private static let patience = TimeAmount.milliseconds(500)

    init(_ clients: Clients, channel: any Channel) {
        self.clients = clients
        connection = ObjectIdentifier(channel)
        watch = clients.arrived(connection)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    private func leave() {
        timer?.cancel()
        timer = nil
        clients.left(connection)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { look(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func look(_ context: ChannelHandlerContext) {
        let now = watch.current
        if let now, now == seen { watch.cancel(now) }
        seen = now
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: ClientGuard.patience) { [weak self] in
            guard context.channel.isActive else { return }
            self?.look(context)
        }
    }
}
