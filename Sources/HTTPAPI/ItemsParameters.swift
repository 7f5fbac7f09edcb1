import CQL2
import Geo
import Query

/// The parameters of `/collections/{layer}/items`, of `…/search` and of `…/download`, read into what the engine is asked and how it answers.
struct ItemsParameters: Sendable, Equatable {
    var request: ItemsRequest
    var form: FeatureForm
    /// How a table is written in bytes.
    var encoding = TableEncoding.utf8
    /// Where a `cursor` says to go on, still to be compared with the layer.
    var cursor: CursorToken?

    /// Which features.
    static let selectionNames = ["bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs"]
    /// What of them.
    static let formNames = ["crs", "properties", "skipGeometry", "encoding", "f"]
    /// In which order, and which page.
    static let pageNames = ["sortby", "limit", "offset", "cursor"]
    static let names = selectionNames + formNames + pageNames
    static let defaultLimit = 100
    static let greatestLimit = 10_000
    static let greatestOffset = 100_000
    static let greatestKeys = 16

    /// - Parameters:
    ///   - attributes: the names that the viewer sees; each is a parameter, except one that is also a name above.
    ///   - filter: one that was read already, with its places in degrees.
    ///   - hasPages: false where everything is answered at once.
    init(
        _ query: QueryString, attributes: [String], filter: Expression? = nil, hasPages: Bool = true, engine: QueryEngine,
        cursorKey: CursorToken.Key
    ) throws {
        let names = ItemsParameters.selectionNames + ItemsParameters.formNames + (hasPages ? ItemsParameters.pageNames : [])
        try query.allowOnly(names + attributes)
        request = ItemsRequest(filter: filter, limit: try ItemsParameters.limit(query["limit"]))
        form = FeatureForm(system: try ItemsParameters.system("crs", query["crs"]))
        if let properties = query["properties"] { form.attributes = try ItemsParameters.attributes(properties, attributes) }
        if let skip = query["skipGeometry"] { form.hasGeometry = try !ItemsParameters.flag("skipGeometry", skip) }
        if let text = query["encoding"] {
            guard let encoding = TableEncoding(rawValue: text) else {
                let known = TableEncoding.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.invalid("encoding", text, ja: "使えるもの: \(known)", en: "There are: \(known)")
            }
            self.encoding = encoding
        }
        let boxSystem = try ItemsParameters.system("bbox-crs", query["bbox-crs"])
        if let bbox = query["bbox"] {
            switch try ItemsParameters.area(bbox, boxSystem, engine) {
            case .box(let box): request.area = box
            case .outline(let outline): request.outline = outline
            }
        }
        if let datetime = query["datetime"] { request.time = try ItemsParameters.time(datetime) }
        for pair in query.pairs where !ItemsParameters.names.contains(pair.name) {
            request.equals.append(ItemsRequest.Equality(attribute: pair.name, value: pair.value))
        }
        guard hasPages else { return }
        if let sortby = query["sortby"] { request.sort = try ItemsParameters.keys(sortby) }
        if let offset = query["offset"] { request.position = .offset(try ItemsParameters.offset(offset)) }
        if let cursor = query["cursor"] {
            guard query["offset"] == nil else {
                throw Problem.invalid(
                    "cursor", cursor, ja: "cursorとoffsetは同時に使えません。", en: "A cursor and an offset cannot be used together.")
            }
            guard let token = CursorToken(cursor, key: cursorKey), token.filter == filterTag else {
                throw Problem.invalid(
                    "cursor", cursor, ja: "「next」のリンクをそのまま使ってください。", en: "Use the “next” link as it was given.")
            }
            self.cursor = token
            request.position = .row(token.row)
            request.counts = token.matched == nil
        }
    }

    /// Names which features and in which order, not the page: the same on every page of one walk.
    var filterTag: String {
        var parts = ["2"]
        for box in request.area?.boxes ?? [] { parts += ["bbox", "\(box.minX),\(box.minY),\(box.maxX),\(box.maxY)"] }
        if let time = request.time {
            parts += ["datetime", time.start.map(String.init) ?? "..", time.end.map(String.init) ?? ".."]
        }
        if let outline = request.outline { parts += ["outline"] + outline.coordinates.map { "\($0)" } }
        if let filter = request.filter { parts += ["filter", filter.text] }
        for equality in request.equals { parts += ["equal", equality.attribute, equality.value] }
        for key in request.sort { parts += [key.isDescending ? "-" : "+", key.attribute] }
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

    /// `minx,miny,maxx,maxy` in the order of the system's axes, or with a lowest and highest height, which are read and then left aside because the layers
    /// have none.
    static func area(_ text: String, _ system: MapSystem = .crs84, _ engine: QueryEngine) throws -> SystemArea {
        let pieces = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = pieces.compactMap { number($0) }
        guard numbers.count == pieces.count, numbers.count == 4 || numbers.count == 6 else {
            throw Problem.invalid("bbox", text, ja: "4つまたは6つの数をコンマで区切ります。", en: "It is four or six numbers with commas between them.")
        }
        let upper = numbers.count / 2
        let area: SystemArea?
        do {
            guard numbers.count == 4 || numbers[2] <= numbers[5] else { throw QueryError.noPlace(system.uri) }
            area = try engine.area(first: (numbers[0], numbers[1]), second: (numbers[upper], numbers[upper + 1]), in: system)
        } catch QueryError.noPlace {
            area = nil
        }
        if let area { return area }
        guard system.isStored else {
            throw Problem.invalid(
                "bbox", text, ja: "bbox-crsの座標系で表せる範囲の中の、南西と北東の角です。軸の順は座標系の定めどおりです。",
                en:
                    "It is the south-western and the north-eastern corner, within the area of the system of bbox-crs, in the order of its axes."
            )
        }
        throw Problem.invalid(
            "bbox", text, ja: "経度は±180、緯度は±90の範囲で、南≦北です。西＞東は180度線をまたぐ範囲です。",
            en:
                "Longitudes lie within ±180 and latitudes within ±90, the south not above the north. West of more than east crosses the antimeridian."
        )
    }

    /// A reference system by its address; CRS84 where none is named.
    static func system(_ parameter: String, _ text: String?) throws(Problem) -> MapSystem {
        guard let text else { return .crs84 }
        guard let system = MapSystem(text) else {
            throw .invalid(
                parameter, text, ja: "使えるものはレイヤーの情報の「crs」にあります。", en: "Those that there are stand in the collection’s “crs”.")
        }
        return system
    }

    /// `+name,-year`; a plus that was not encoded comes as a space.
    static func keys(_ text: String) throws(Problem) -> [ItemsRequest.SortKey] {
        let pieces = text.split(separator: ",", omittingEmptySubsequences: false)
        guard pieces.count <= greatestKeys else {
            throw Problem(.limitExceeded, ja: "並べ替えは\(greatestKeys)項目までです。", en: "There are up to \(greatestKeys) keys to sort by.")
        }
        var keys: [ItemsRequest.SortKey] = []
        for piece in pieces {
            let hasSign = ["+", "-", " "].contains(piece.prefix(1))
            let name = String(hasSign ? piece.dropFirst() : piece)
            guard !name.isEmpty else {
                throw .invalid("sortby", text, ja: "例: name,-year", en: "For example: name,-year")
            }
            keys.append(ItemsRequest.SortKey(attribute: name, isDescending: piece.hasPrefix("-")))
        }
        return keys
    }

    private static func attributes(_ text: String, _ known: [String]) throws(Problem) -> [String] {
        // Compared byte by byte: Swift's == holds canonically equivalent texts equal.
        let names = Set(known.map { Array($0.utf8) })
        let wanted = text.split(separator: ",").map(String.init)
        for name in wanted where !names.contains(Array(name.utf8)) { throw Problem(QueryError.unknownProperty(name)) }
        return wanted
    }

    private static func flag(_ parameter: String, _ text: String) throws(Problem) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw .invalid(parameter, text, ja: "trueかfalseです。", en: "It is true or false.")
        }
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
