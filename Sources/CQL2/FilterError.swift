public import Geo

/// Why a filter was refused: what is wrong, where, and what to do about it.
public struct FilterError: Error, Sendable, Equatable {
    public enum Code: String, Sendable {
        /// It is not CQL2.
        case syntax
        /// It is larger than `Limits` allow.
        case limitExceeded = "limit-exceeded"
    }

    public var code: Code
    /// For the person who wrote the filter. Names of the filter may appear, values never do.
    public var message: LocalizedText
    /// The byte of the text or JSON (UTF-8) where it shows, from 0.
    public var offset: Int

    public init(code: Code, message: LocalizedText, offset: Int) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    static func syntax(_ offset: Int, ja: String, en: String) -> FilterError {
        FilterError(code: .syntax, message: LocalizedText(ja: ja, en: en), offset: offset)
    }

    static func limit(_ offset: Int, ja: String, en: String) -> FilterError {
        FilterError(code: .limitExceeded, message: LocalizedText(ja: ja, en: en), offset: offset)
    }

    static func tooLong(_ bytes: Int) -> FilterError {
        limit(bytes, ja: "フィルターが長すぎます。\(bytes)バイト以内にしてください。", en: "The filter is too long; at most \(bytes) bytes are allowed.")
    }

    static func tooDeep(_ offset: Int, _ depth: Int) -> FilterError {
        limit(
            offset, ja: "フィルターの入れ子が深すぎます。\(depth)段以内にしてください。",
            en: "The filter is nested too deeply; at most \(depth) levels are allowed.")
    }
}
