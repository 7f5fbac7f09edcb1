import Foundation
import NIOCore
import Synchronization

/// What one connection, and all of them together, may cost. Shared documents call these promises; each has a test.
public struct ConnectionLimits: Sendable {
    /// Bytes of the address in a request line.
    public var address = 8 << 10
    /// Bytes of all header fields together, names and values.
    public var headers = 16 << 10
    public var headerFields = 100
    /// From the first byte of a request until its head is there.
    public var headTime = TimeAmount.seconds(10)
    /// How long a client may take nothing of an answer.
    public var stallTime = TimeAmount.seconds(20)
    /// Bytes of an answer that a client must take each second while there are some for it, over `stallTime`.
    public var answerRate = 1 << 10
    /// How long a connection may lie idle between requests.
    public var idleTime = TimeAmount.seconds(15)
    /// How long it may lie idle when four fifths of all connections are taken.
    public var pressedIdleTime = TimeAmount.seconds(2)
    /// Bytes of a body that must come each second, looked at every `bodyTime`.
    public var bodyRate = 1 << 10
    public var bodyTime = TimeAmount.seconds(10)
    /// How long a refused connection stays open, so that the answer arrives before the end.
    public var lingerTime = TimeAmount.seconds(1)
    public var connectionsPerAddress = 256
    public var connections = 20_000
    /// File descriptors kept free of connections: for layer files, the catalogue and the log.
    public var descriptorReserve = 200

    public init() {}

    /// Lets the process have as many open files as the system grants it, and takes back the promise of connections where that is too few.
    ///
    /// - Returns: the number of connections that can be.
    mutating func fitToDescriptors() -> Int {
        var files = rlimit()
        guard getrlimit(ConnectionLimits.openFiles, &files) == 0 else { return connections }
        let wanted = rlim_t(connections + descriptorReserve)
        if files.rlim_cur < wanted {
            files.rlim_cur = min(wanted, files.rlim_max)
            // When it is refused the old limit stays, and is read again here.
            if setrlimit(ConnectionLimits.openFiles, &files) != 0 { getrlimit(ConnectionLimits.openFiles, &files) }
        }
        fit(descriptors: Int(clamping: files.rlim_cur))
        return connections
    }

    mutating func fit(descriptors: Int) {
        connections = max(1, min(connections, descriptors - descriptorReserve))
    }

    private static let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
}

/// Counts open connections, in all and for each address.
final class ConnectionLedger: Sendable {
    private let limits: ConnectionLimits
    private let open = Mutex<(total: Int, byAddress: [[UInt8]: Int])>((0, [:]))

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    /// False when there are too many already; nothing is then counted.
    func enter(_ address: [UInt8]) -> Bool {
        open.withLock { open in
            let here = open.byAddress[address, default: 0]
            guard open.total < limits.connections, here < limits.connectionsPerAddress else { return false }
            open.total += 1
            open.byAddress[address] = here + 1
            return true
        }
    }

    func leave(_ address: [UInt8]) {
        open.withLock { open in
            open.total -= 1
            let here = open.byAddress[address, default: 1] - 1
            open.byAddress[address] = here == 0 ? nil : here
        }
    }

    var count: Int { open.withLock { $0.total } }

    /// Four fifths of all connections are taken.
    var isPressed: Bool { count >= max(1, limits.connections / 5 * 4) }

    /// What counts as one address: all of IPv4, the first 64 bits of IPv6, of which one subscriber has the rest to himself.
    static func key(of address: SocketAddress?) -> [UInt8] {
        switch address {
        case .v4(let address):
            return withUnsafeBytes(of: address.address.sin_addr) { Array($0) }
        case .v6(let address):
            let bytes = withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
            let isMappedIPv4 = bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return isMappedIPv4 ? Array(bytes[12...]) : Array(bytes[..<8])
        default: return []
        }
    }
}
