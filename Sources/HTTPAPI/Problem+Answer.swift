import HTTPTypes
import Hummingbird
import LayerAtlas
import Query

extension Problem {
    /// Any error as a problem; one that nobody foresaw is a failure of ours.
    public init(any error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case is WorkPool.Full: self = .overloaded
        case let error as QueryError: self.init(error)
        case let error as AtlasError: self.init(error)
        case let error as HTTPError where error.status == .notFound: self = .notFound
        default: self = .failure
        }
    }

    init(_ error: QueryError) {
        switch error {
        case .unknownProperty(let name):
            let name = Problem.shown(name)
            self.init(.unknownProperty, ja: "属性「\(name)」はありません。", en: "There is no attribute “\(name)”.")
        case .invalidValue(let property, let value):
            self = .invalid(property, value, ja: "属性の型に合いません。", en: "The value is not of the attribute’s type.")
        case .invalidFilter(let message):
            self.init(.invalidParameter, ja: message.text("ja"), en: message.text("en"))
        case .notSortable(let name):
            self = .invalid("sortby", name, ja: "この属性では並べ替えられません。", en: "Features cannot be sorted by this attribute.")
        case .noTransform(let uri):
            self = .invalid("crs", uri, ja: "この座標系には変換できません。", en: "There is no way to this reference system.")
        case .noPlace(let uri):
            self = .invalid(
                "crs", uri, ja: "この座標系で表せる範囲の外にあります。", en: "It lies outside the area for which this reference system is made.")
        case .noEncoding:
            self = .invalid("encoding", "cp932", ja: "このサーバーにはCP932の変換表がありません。", en: "This server’s system cannot convert to CP932.")
        case .limitExceeded(let ja, let en): self.init(.limitExceeded, ja: ja, en: en)
        case .overdue, .cancelled: self = .overdue
        case .damaged(let layer, _):
            self.init(
                .damaged, ja: "レイヤー「\(layer)」のデータの一部が読めません。該当の有無はわかりません。",
                en: "A part of the layer “\(layer)” cannot be read. What it holds is unknown.")
        }
    }

    init(_ error: AtlasError) {
        switch error {
        case .noSuchLayer(let id): self = .noLayer(id)
        case .noSuchVersion:
            self.init(
                .expiredCursor, ja: "この続きの版はもう残っていません。初めから読み直してください。",
                en: "The version that this page belongs to is gone. Begin again.")
        case .unreadable(let layer, _):
            self.init(
                .damaged, ja: "レイヤー「\(layer)」は今読めません。該当の有無はわかりません。",
                en: "The layer “\(layer)” cannot be read now. What it holds is unknown.")
        case .catalogue: self = .failure
        }
    }

    /// The answer, as a page for browsers and as `application/problem+json` for all else.
    func response(to request: Request, home: String) -> Response {
        let language = Negotiation.language(request.headers[values: .acceptLanguage])
        let f = (try? QueryString(request.uri.query))?["f"]
        let offered = [Representation.json, .html]
        let form =
            (try? Negotiation.choose(offered, f: offered.contains { $0.name == f } ? f : nil, accept: request.headers[values: .accept]))
        var headers = headers
        if endsConnection { headers[.connection] = "close" }
        if form == .html {
            let page = PageLayout.problem(self, home: home)
            return Response(status: code.status, type: Representation.html.mediaType, bytes: Array(page.text.utf8), headers: headers)
        }
        headers[.contentLanguage] = language
        return Response(status: code.status, type: "application/problem+json", bytes: json(language: language).bytes, headers: headers)
    }
}
