import Foundation
import Glibc
import Synchronization

/// Sends every path of a list once, over connections that are kept open, and prints how long the answers took.
///
/// Each connection has a thread that sends a request, reads the whole answer and takes the next path, so as many requests are under way as
/// there are connections, until the list ends. Every target does the same work however fast it is, and no path is asked twice.
/// One line of JSON comes out: requests, errors (a status other than 200, an empty body), seconds from the first request to the last answer,
/// bytes of bodies, and percentiles of the answers' times in milliseconds.
struct RequestGenerator {
    let port: UInt16
    let connections: Int
    let paths: [String]

    private struct Answer: Sendable {
        var seconds: Double
        var bytes: Int
        var isGood: Bool
    }

    private final class Work: Sendable {
        let next = Atomic<Int>(0)
        let answers = Mutex<[Answer]>([])
        let failure = Mutex<(any Error)?>(nil)
    }

    func run() throws {
        let work = Work()
        let done = DispatchGroup()
        let clock = ContinuousClock()
        // Connecting is not measured.
        let open = try (0..<connections).map { _ in try HTTPConnection(port: port) }
        let start = clock.now
        for connection in open {
            done.enter()
            let thread = Thread { [paths] in
                defer { done.leave() }
                var answers: [Answer] = []
                do {
                    while true {
                        let number = work.next.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard number < paths.count else { break }
                        let begin = clock.now
                        let (status, bytes) = try connection.get(paths[number])
                        answers.append(
                            Answer(seconds: (clock.now - begin) / .seconds(1), bytes: bytes, isGood: status == 200 && bytes > 0))
                    }
                } catch {
                    work.failure.withLock { $0 = error }
                }
                work.answers.withLock { $0 += answers }
            }
            thread.stackSize = 1 << 20
            thread.start()
        }
        done.wait()
        let seconds = (clock.now - start) / .seconds(1)
        if let failure = work.failure.withLock({ $0 }) { throw failure }
        let answers = work.answers.withLock { $0 }.sorted { $0.seconds < $1.seconds }
        func percentile(_ part: Double) -> Double { 1000 * answers[min(answers.count - 1, Int(part * Double(answers.count)))].seconds }
        let bytes = answers.reduce(0) { $0 + $1.bytes }
        let errors = answers.count { !$0.isGood }
        print(
            """
            {"requests": \(answers.count), "errors": \(errors), "seconds": \(seconds), "bytes": \(bytes), \
            "p50": \(percentile(0.5)), "p95": \(percentile(0.95)), "max": \(percentile(1))}
            """)
    }
}

/// A connection to a server on this machine that speaks HTTP/1.1 (RFC 9112), just enough of it to read whole answers.
///
/// One thread at a time. Bodies are read and thrown away.
final class HTTPConnection: @unchecked Sendable {
    private let port: UInt16
    private var descriptor: Int32 = -1
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    private var start = 0
    private var end = 0

    struct Failure: Error {
        var what: String
    }

    init(port: UInt16) throws {
        self.port = port
        try connect()
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// Asks for a path as it is, with no compression.
    func get(_ path: String) throws -> (status: Int, bytes: Int) {
        if descriptor < 0 { try connect() }
        let request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAccept-Encoding: identity\r\n\r\n"
        try send(Array(request.utf8))
        let line = try line()
        guard line.hasPrefix("HTTP/1."), let status = Int(line.dropFirst(9).prefix(3)) else { throw Failure(what: "no HTTP: \(line)") }
        var length: Int?
        var isChunked = false
        var isLast = false
        while true {
            let field = try self.line().lowercased()
            if field.isEmpty { break }
            if field.hasPrefix("content-length:") { length = Int(field.dropFirst(15).drop { $0 == " " }) }
            if field.hasPrefix("transfer-encoding:") { isChunked = field.hasSuffix("chunked") }
            if field.hasPrefix("connection:") { isLast = field.hasSuffix("close") }
        }
        var bytes = 0
        if isChunked {
            while true {
                let size = try self.line()
                guard let size = Int(size.prefix { $0 != ";" }, radix: 16) else { throw Failure(what: "no chunk size: \(size)") }
                if size == 0 { break }
                try pass(size)
                bytes += size
                _ = try self.line()
            }
            while !(try self.line().isEmpty) {}
        } else if let length {
            try pass(length)
            bytes = length
        } else {
            throw Failure(what: "an answer without a length")
        }
        if isLast {
            close(descriptor)
            descriptor = -1
        }
        return (status, bytes)
    }

    private func connect() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard descriptor >= 0, result == 0 else {
            throw Failure(what: "no connection to port \(port): \(String(cString: strerror(errno)))")
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        (start, end) = (0, 0)
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(what: "the connection was closed") }
            sent += count
        }
    }

    private func fill() throws {
        (start, end) = (0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
        guard end > 0 else { throw Failure(what: "the answer was cut off") }
    }

    /// A line without its end.
    private func line() throws -> String {
        var bytes: [UInt8] = []
        while true {
            if start == end { try fill() }
            let byte = buffer[start]
            start += 1
            if byte == 10 { break }
            if byte != 13 { bytes.append(byte) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads so many bytes of a body.
    private func pass(_ count: Int) throws {
        var left = count
        while left > 0 {
            if start == end { try fill() }
            let part = min(left, end - start)
            start += part
            left -= part
        }
    }
}
