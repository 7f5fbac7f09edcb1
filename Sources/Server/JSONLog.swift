import Foundation
public import Logging

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
        var members: [(String, Logger.Metadata.Value)] = [
            ("time", .string(JSONLog.now())), ("level", .string(event.level.rawValue)), ("event", .string(event.message.description)),
        ]
        // An access line has its fields in the order given by name, and nothing of the framework’s.
        let all = metadata.filter { !$0.key.hasPrefix("hb.") }.merging(event.metadata ?? [:]) { $1 }
        members += all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONLog.write(member.0, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            JSONLog.write(member.1, to: &bytes)
        }
        bytes += [UInt8(ascii: "}"), UInt8(ascii: "\n")]
        write(bytes)
    }

    /// One call for the whole line, so that lines of several threads do not mix.
    public static let standardError: @Sendable ([UInt8]) -> Void = { bytes in
        bytes.withUnsafeBytes { buffer in
            // A log that cannot be written has nowhere to be reported.
            _ = Foundation.write(2, buffer.baseAddress, buffer.count)
        }
    }

    private static func now() -> String {
        Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    private static func write(_ value: Logger.Metadata.Value, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text): write(text, to: &bytes)
        case .stringConvertible(let value):
            switch value {
            case let number as Int: bytes += Array(String(number).utf8)
            case let number as Double where number.isFinite: bytes += Array(String(number).utf8)
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
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(scalar.value)]
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                bytes += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            default: bytes += Array(String(scalar).utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
