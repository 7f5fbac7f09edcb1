import Descriptions
import Geo
import HTTPTypes

/// Why a request was refused, in the terms of RFC 9457. The table of codes and statuses is here and nowhere else.
public struct Problem: Error, Sendable, Equatable {
    public var code: Code
    /// What is wrong with this request, in every language that we write.
    public var detail: LocalizedText
    /// Fields that the answer must carry, like `Retry-After`.
    public var headers: HTTPFields

    public init(_ code: Code, ja: String, en: String, headers: HTTPFields = [:]) {
        self.code = code
        detail = LocalizedText(ja: ja, en: en)
        self.headers = headers
    }

    /// A stable name for each kind of problem.
    public enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad-request"
        case syntax
        case unknownProperty = "unknown-property"
        case unknownParameter = "unknown-parameter"
        case invalidParameter = "invalid-parameter"
        case limitExceeded = "limit-exceeded"
        case expiredCursor = "expired-cursor"
        case invalidKey = "invalid-key"
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case bodyTooLarge = "body-too-large"
        case addressTooLong = "address-too-long"
        case unsupportedEncoding = "unsupported-encoding"
        case headersTooLarge = "headers-too-large"
        case damaged
        case failure
        case notAvailable = "not-available"
        case deadline
        case overloaded
        case notReady = "not-ready"

        public var status: HTTPResponse.Status {
            switch self {
            case .badRequest, .syntax, .unknownProperty, .unknownParameter, .invalidParameter, .limitExceeded: .badRequest
            case .expiredCursor: .gone
            case .invalidKey: .unauthorized
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .bodyTooLarge: .contentTooLarge
            case .addressTooLong: .uriTooLong
            case .unsupportedEncoding: .unsupportedMediaType
            case .headersTooLarge: .requestHeaderFieldsTooLarge
            case .damaged, .failure: .internalServerError
            case .notAvailable: .notImplemented
            case .deadline, .overloaded, .notReady: .serviceUnavailable
            }
        }

        public var title: LocalizedText {
            switch self {
            case .badRequest: LocalizedText(ja: "要求の形式が正しくありません", en: "Malformed request")
            case .syntax: LocalizedText(ja: "構文が正しくありません", en: "Syntax error")
            case .unknownProperty: LocalizedText(ja: "その属性はありません", en: "No such attribute")
            case .unknownParameter: LocalizedText(ja: "使えないパラメーターです", en: "Unknown parameter")
            case .invalidParameter: LocalizedText(ja: "パラメーターの値が正しくありません", en: "Invalid parameter value")
            case .limitExceeded: LocalizedText(ja: "上限を超えています", en: "Beyond a limit")
            case .expiredCursor: LocalizedText(ja: "続きはもう読めません", en: "The place to go on from is gone")
            case .invalidKey: LocalizedText(ja: "キーが正しくありません", en: "Key not accepted")
            case .notFound: LocalizedText(ja: "見つかりません", en: "Not found")
            case .methodNotAllowed: LocalizedText(ja: "そのメソッドは使えません", en: "Method not allowed")
            case .bodyTooLarge: LocalizedText(ja: "本文は受け付けません", en: "Body not accepted")
            case .addressTooLong: LocalizedText(ja: "アドレスが長すぎます", en: "Address too long")
            case .unsupportedEncoding: LocalizedText(ja: "圧縮された本文は受け付けません", en: "Compressed bodies are not accepted")
            case .headersTooLarge: LocalizedText(ja: "ヘッダーが大きすぎます", en: "Header fields too large")
            case .damaged: LocalizedText(ja: "データが壊れています", en: "Stored data is damaged")
            case .failure: LocalizedText(ja: "サーバーの内部で失敗しました", en: "The server failed")
            case .notAvailable: LocalizedText(ja: "このサーバーでは使えません", en: "Not available on this server")
            case .deadline: LocalizedText(ja: "時間内に終わりませんでした", en: "Not finished in time")
            case .overloaded: LocalizedText(ja: "混み合っています", en: "Too busy")
            case .notReady: LocalizedText(ja: "準備中です", en: "Not ready yet")
            }
        }

        /// RFC 9457, 3.1.1: an address for the kind of problem, relative and stable.
        var type: String { "/problems/\(rawValue)" }
    }

    /// Whether the connection should end with this answer: what follows on it cannot be trusted or is not wanted.
    var endsConnection: Bool {
        switch code {
        case .bodyTooLarge, .addressTooLong, .unsupportedEncoding, .headersTooLarge, .badRequest: true
        default: false
        }
    }

    /// The body in JSON: in `language`, with the other languages beside it, because who reads a log may read another one.
    func json(language: String) -> JSONTree {
        let other = language == "ja" ? "en" : "ja"
        return [
            "type": .text(code.type),
            "title": .text(code.title.text(language)),
            "status": .count(code.status.code),
            "detail": .text(detail.text(language)),
            "code": .text(code.rawValue),
            "translations": [other: ["title": .text(code.title.text(other)), "detail": .text(detail.text(other))]],
        ]
    }
}

extension Problem {
    static let notFound = Problem(
        .notFound, ja: "このアドレスには何もありません。", en: "There is nothing at this address.")

    /// The same for a layer that is not there and one that this viewer may not see.
    static func noLayer(_ id: String) -> Problem {
        Problem(.notFound, ja: "レイヤー「\(id)」はありません。", en: "There is no layer “\(id)”.")
    }

    static func noFeature(_ id: String, layer: String) -> Problem {
        Problem(
            .notFound, ja: "レイヤー「\(layer)」に地物「\(id)」はありません。", en: "The layer “\(layer)” has no feature “\(id)”.")
    }

    static func invalid(_ parameter: String, _ value: String, ja: String, en: String) -> Problem {
        let shown = shown(value)
        return Problem(
            .invalidParameter, ja: "\(parameter)=\(shown) は使えません。\(ja)", en: "\(parameter)=\(shown) cannot be used. \(en)")
    }

    /// The beginning of what somebody sent, for a message: it may be long, the answer must not be.
    static func shown(_ text: String) -> Substring { text.count > 80 ? text.prefix(80) + "…" : text[...] }

    static let overdue = Problem(
        .deadline, ja: "時間内に答えを出せませんでした。範囲か件数を小さくしてください。",
        en: "The answer could not be made in time. Ask for a smaller area or fewer features.", headers: [.retryAfter: "5"])

    static let overloaded = Problem(
        .overloaded, ja: "要求が多すぎます。少し待ってからもう一度送ってください。", en: "There are too many requests. Wait a moment and send it again.",
        headers: [.retryAfter: "1"])

    static let failure = Problem(
        .failure, ja: "要求に答えられませんでした。記録（ログ）に理由があります。", en: "The request could not be answered. The log says why.")
}
