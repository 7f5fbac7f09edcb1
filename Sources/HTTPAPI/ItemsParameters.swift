import Geo
import Query

/// The parameters of `/collections/{layer}/items`, read into an `ItemsRequest`.
struct ItemsParameters: Sendable, Equatable {
    var request: ItemsRequest
    /// Where a `cursor` says to go on, still to be compared with the layer.
    var cursor: CursorToken?

    static let names = ["bbox", "datetime", "limit", "offset", "cursor", "f"]
    static let defaultLimit = 100
    static let greatestLimit = 10_000
    static let greatestOffset = 100_000

    /// - Parameter attributes: the names that the viewer sees; each is a parameter, except one that is also a name above.
    init(_ query: QueryString, attributes: [String], cursorKey: CursorToken.Key) throws(Problem) {
        try query.allowOnly(ItemsParameters.names + attributes)
        request = ItemsRequest(limit: try ItemsParameters.limit(query["limit"]))
        if let bbox = query["bbox"] { request.area = try ItemsParameters.area(bbox) }
        if let datetime = query["datetime"] { request.time = try ItemsParameters.time(datetime) }
        for pair in query.pairs where !ItemsParameters.names.contains(pair.name) {
            request.equals.append(ItemsRequest.Equality(attribute: pair.name, value: pair.value))
        }
        if let offset = query["offset"] { request.position = .offset(try ItemsParameters.offset(offset)) }
        if let cursor = query["cursor"] {
            guard query["offset"] == nil else {
                throw .invalid(
                    "cursor", cursor, ja: "cursorとoffsetは同時に使えません。", en: "A cursor and an offset cannot be used together.")
            }
            guard let token = CursorToken(cursor, key: cursorKey), token.filter == filterTag else {
                throw .invalid(
                    "cursor", cursor, ja: "「next」のリンクをそのまま使ってください。", en: "Use the “next” link as it was given.")
            }
            self.cursor = token
            request.position = .row(token.row)
        }
    }

    /// Names the filter, not the page: the same on every page of one walk.
    var filterTag: String {
        var parts = ["1"]
        for box in request.area?.boxes ?? [] { parts += ["bbox", "\(box.minX),\(box.minY),\(box.maxX),\(box.maxY)"] }
        if let time = request.time {
            parts += ["datetime", time.start.map(String.init) ?? "..", time.end.map(String.init) ?? ".."]
        }
        for equality in request.equals { parts += [equality.attribute, equality.value] }
        return String(EntityTag(from: parts).text.dropFirst().prefix(16))
    }

    /// 1 to 10,000. A greater whole number counts as 10,000, as OGC 17-069r4 has it (requirement 21, permission 14).
    static func limit(_ text: String?) throws(Problem) -> Int {
        guard let text else { return defaultLimit }
        guard let value = wholeNumber(text), value >= 1 else {
            throw .invalid("limit", text, ja: "1以上\(greatestLimit)以下の整数です。", en: "It is a whole number from 1 to \(greatestLimit).")
        }
        return min(value, greatestLimit)
    }

    static func offset(_ text: String) throws(Problem) -> Int {
        guard let value = wholeNumber(text) else {
            throw .invalid("offset", text, ja: "0以上\(greatestOffset)以下の整数です。", en: "It is a whole number from 0 to \(greatestOffset).")
        }
        guard value <= greatestOffset else {
            throw Problem(
                .limitExceeded, ja: "offsetは\(greatestOffset)までです。その先は「next」のリンクで読めます。",
                en: "An offset goes up to \(greatestOffset). Beyond that, follow the “next” links.")
        }
        return value
    }

    /// ASCII digits without a sign or leading zeros; what is too great for an `Int` is the greatest `Int`.
    private static func wholeNumber(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        guard text == "0" || !text.hasPrefix("0") else { return nil }
        return Int(text) ?? Int.max
    }

    /// `minx,miny,maxx,maxy`, or with a lowest and highest height, which are read and then left aside because the layers have none.
    static func area(_ text: String) throws(Problem) -> BoxArea {
        let pieces = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = pieces.compactMap { number($0) }
        guard numbers.count == pieces.count, numbers.count == 4 || numbers.count == 6 else {
            throw .invalid("bbox", text, ja: "4つまたは6つの数をコンマで区切ります。", en: "It is four or six numbers with commas between them.")
        }
        let upper = numbers.count / 2
        guard numbers.count == 4 || numbers[2] <= numbers[5],
            let area = BoxArea(west: numbers[0], south: numbers[1], east: numbers[upper], north: numbers[upper + 1])
        else {
            throw .invalid(
                "bbox", text, ja: "経度は±180、緯度は±90の範囲で、南≦北です。西＞東は180度線をまたぐ範囲です。",
                en:
                    "Longitudes lie within ±180 and latitudes within ±90, the south not above the north. West of more than east crosses the antimeridian."
            )
        }
        return area
    }

    /// A decimal number as JSON and people write it: no hexadecimal, no `nan`, no `inf`, none too great for a double.
    static func number(_ text: some StringProtocol) -> Double? {
        guard !text.isEmpty, text.utf8.count <= 64,
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "+-.eE".utf8.contains($0) }),
            let value = Double(String(text)), value.isFinite
        else { return nil }
        return value
    }

    private static func time(_ text: String) throws(Problem) -> TimeSpan {
        guard let span = TimeSpan(datetime: text) else {
            throw .invalid(
                "datetime", text, ja: "例: 2024-03-31、2024-03-31T09:00:00+09:00、2024-01-01/2024-12-31、../2024-03-31",
                en: "For example: 2024-03-31, 2024-03-31T09:00:00+09:00, 2024-01-01/2024-12-31, ../2024-03-31")
        }
        return span
    }
}
