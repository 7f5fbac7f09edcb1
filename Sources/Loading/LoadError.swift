import Foundation
public import Geo

/// Why a load did not happen, in words for the person who asked for it.
public struct LoadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Stable, for programs.
    public var code: String
    /// Without attribute values.
    public var message: LocalizedText
    /// The command was asked wrongly; nothing is the matter with the data.
    public var isUsage: Bool

    public init(_ code: String, ja: String, en: String, isUsage: Bool = false) {
        self.code = code
        message = LocalizedText(ja: ja, en: en)
        self.isUsage = isUsage
    }

    public var description: String { "[\(code)] \(message.text("ja"))\n[\(code)] \(message.text("en"))" }

    /// A system call that failed; a full disk says so plainly.
    static func system(_ call: String, _ path: String, _ number: Int32) -> LoadError {
        if number == ENOSPC || number == EDQUOT {
            return LoadError(
                "disk-full", ja: "ディスクの空きがありません（\(path)）。前の版はそのまま残っています。",
                en: "No space left on the disk (\(path)). The version before is untouched.")
        }
        let reason = String(cString: strerror(number))
        return LoadError("system", ja: "\(call) に失敗しました（\(path): \(reason)）。", en: "\(call) failed (\(path): \(reason)).")
    }

    static let cancelled = LoadError("cancelled", ja: "中断しました。何も変わっていません。", en: "Interrupted. Nothing was changed.")
}
