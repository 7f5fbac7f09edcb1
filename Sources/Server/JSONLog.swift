import Foundation
public import Logging
import Synchronization

/// Writes each log entry as one line of JSON to standard error, for whatever gathers logs.
public struct JSONLog: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]

    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: takes one line, its end included.
    public init(level: Logger.Level = .info, write: @escaping @Sendable ([UInt8]) -> Void = JSONLog.standardError) {
        logLevel = level
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(320)
        bytes += "{\"time\":\"".utf8
        JSONLog.now(to: &bytes)
        bytes += "\",\"level\":\"".utf8
        bytes += event.level.rawValue.utf8
        bytes += "\",\"event\":".utf8
        JSONLog.write(event.message.description, to: &bytes)
        // An access line has its fields in the order given by name, and nothing of the framework’s.
        var members: [(key: String, value: Logger.Metadata.Value)] = []
        for (key, value) in metadata where !key.hasPrefix("hb.") && event.metadata?[key] == nil { members.append((key, value)) }
        if let own = event.metadata { members += own }
        members.sort { $0.key < $1.key }
        for (key, value) in members {
            bytes.append(UInt8(ascii: ","))
            JSONLog.write(key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            JSONLog.write(value, to: &bytes)
        }
        bytes += "}\n".utf8
        write(bytes)
    }

    /// One call for the whole line, so that lines of several threads do not mix.
    public static let standardError: @Sendable ([UInt8]) -> Void = { bytes in
        bytes.withUnsafeBytes { buffer in
            // A log that cannot be written has nowhere to be reported.
            _ = Foundation.write(2, buffer.baseAddress, buffer.count)
        }
    }

    /// ISO 8601 with milliseconds, in UTC; the date is made anew once a second only.
    private static func now(to bytes: inout [UInt8]) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let second = now.tv_sec
        let text = lastSecond.withLock { last in
            if last.second != second {
                last = (second, Date(timeIntervalSince1970: Double(second)).formatted(Date.ISO8601FormatStyle()).dropLast() + ".")
            }
            return last.text
        }
        bytes += text.utf8
        let zero = UInt8(ascii: "0")
        let fraction = now.tv_nsec / 1_000_000
        for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] { bytes.append(zero + UInt8(digit)) }
        bytes.append(UInt8(ascii: "Z"))
    }

    private static let lastSecond = Mutex((second: -1, text: ""))

    private static func write(_ value: Logger.Metadata.Value, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text): write(text, to: &bytes)
        case .stringConvertible(let value):
            switch value {
            case let number as Int: bytes += String(number).utf8
            case let number as Double where number.isFinite: bytes += String(number).utf8
            default: write(value.description, to: &bytes)
            }
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .dictionary(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                write(member.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A JSON string; control characters, of which a hostile path may hold any, are escaped.
    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            bytes += text.utf8
        } else {
            writeEscaped(text, to: &bytes)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func writeEscaped(_ text: String, to bytes: inout [UInt8]) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(scalar.value)]
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                bytes += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
            default: bytes += String(scalar).utf8
            }
        }
    }
}
