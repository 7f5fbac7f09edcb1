import Access
public import Hummingbird
public import NIOCore

/// What is known of a request besides its own bytes: from where it came, for whom it is answered, where its links begin.
public struct APIContext: RequestContext, RemoteAddressRequestContext {
    public var coreContext: CoreRequestContextStorage
    public let remoteAddress: SocketAddress?
    /// Where this server was reached, for clients of HTTP/1.0 that name no host.
    let localHost: String?
    /// Set by `Admission`; until then nobody in particular.
    public var viewer = Viewer.publicViewer
    /// Set by `Admission`: whether the viewer's key is still good.
    var isLetIn: @Sendable () -> Bool = { true }
    /// Set by `Admission`.
    public var base: BaseURL?
    /// Set by `Admission`: whether the client is still there.
    var client: ClientWatch?
    let connection: ObjectIdentifier

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = ObjectIdentifier(source.channel)
        remoteAddress = source.channel.remoteAddress
        localHost = source.channel.localAddress.flatMap { address in
            address.ipAddress.map { ($0.contains(":") ? "[\($0)]" : $0) + ":\(address.port ?? 80)" }
        }
    }
}
