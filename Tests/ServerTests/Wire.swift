import Foundation

/// A connection over a real socket, byte by byte, for requests that no HTTP library would send.
///
/// Calls block, so they run on a thread of their own: Swift's pool is for the server.
final class Wire: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "wire")

    struct Failure: Error {
        var what: String
    }

    /// What came back.
    struct Answer: Sendable {
        var status: Int
        var fields: [(name: String, value: String)]
        var body: [UInt8]

        subscript(name: String) -> String? {
            fields.first { $0.name.lowercased() == name.lowercased() }?.value
        }

        var text: String { String(decoding: body, as: UTF8.self) }

        /// The `code` of a problem.
        var code: String? { json["code"] as? String }

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
        }
    }

    init(port: Int, receiveBuffer: Int32? = nil, from address: String = "127.0.0.1") throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(what: "socket") }
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        func withAddress(_ host: String, _ port: Int, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = inet_addr(host)
            return withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
        }
        let descriptor = descriptor
        guard withAddress(address, 0, { bind(descriptor, $0, $1) }) == 0,
            withAddress("127.0.0.1", port, { connect(descriptor, $0, $1) }) == 0
        else {
            // The object is whole, so its deinit closes.
            throw Failure(what: "connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    private func blocking<Result: Sendable>(_ work: @escaping @Sendable (Int32) throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in continuation.resume(with: Swift.Result { try work(descriptor) }) }
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await blocking { descriptor in
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Failure(what: "send: \(String(cString: strerror(errno)))") }
                sent += count
            }
        }
    }

    /// The next answer on the connection.
    /// - Parameter hasBody: false for the answer to HEAD.
    func answer(hasBody: Bool = true) async throws -> Answer {
        try await blocking { descriptor in
            var head: [UInt8] = []
            while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
                guard let byte = try Wire.read(descriptor, 1).first else {
                    throw Failure(what: "closed after \(head.count) bytes of a head")
                }
                head.append(byte)
            }
            let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n").filter { !$0.isEmpty }
            guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
                throw Failure(what: "status line")
            }
            let fields = lines.dropFirst().map { line in
                let halves = line.split(separator: ":", maxSplits: 1)
                return (name: String(halves[0]), value: halves.count > 1 ? halves[1].trimmingCharacters(in: .whitespaces) : "")
            }
            var answer = Answer(status: status, fields: fields, body: [])
            let length = answer["content-length"].flatMap { Int($0) } ?? 0
            if hasBody, status != 304, status != 204 {
                while answer.body.count < length {
                    let more = try Wire.read(descriptor, min(65_536, length - answer.body.count))
                    guard !more.isEmpty else { throw Failure(what: "closed in a body") }
                    answer.body += more
                }
            }
            return answer
        }
    }

    /// Everything until the server ends the connection.
    func rest() async throws -> [UInt8] {
        try await blocking { descriptor in
            var result: [UInt8] = []
            while true {
                let more: [UInt8]
                do { more = try Wire.read(descriptor, 65_536) } catch let failure as Failure where failure.what.contains("reset") {
                    return result
                }
                if more.isEmpty { return result }
                result += more
            }
        }
    }

    /// As `rest`, while other tasks still send.
    func restInParallel() async throws -> [UInt8] {
        let descriptor = descriptor
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "reader").async { [self] in
                continuation.resume(
                    with: Swift.Result {
                        _ = self
                        var result: [UInt8] = []
                        while true {
                            let more = try Wire.read(descriptor, 65_536)
                            if more.isEmpty { return result }
                            result += more
                        }
                    })
            }
        }
    }

    /// Reads a little now and then.
    /// - Returns: the bytes read.
    func slowly(pieces: Int, pause: Duration) async throws -> Int {
        var count = 0
        for _ in 0..<pieces {
            count += try await blocking { try Wire.read($0, 65_536).count }
            try await Task.sleep(for: pause)
        }
        return count
    }

    private static func read(_ descriptor: Int32, _ count: Int) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = recv(descriptor, &buffer, count, 0)
        guard got >= 0 else { throw Failure(what: errno == ECONNRESET ? "reset" : "recv: \(String(cString: strerror(errno)))") }
        return Array(buffer.prefix(got))
    }
}
