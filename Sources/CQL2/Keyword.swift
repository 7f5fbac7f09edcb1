import Geo

/// The words of the text form that mean more than a name, in any case of their (ASCII) letters.
///
/// The grammar reserves none. Here `AND`, `OR`, `NOT`, `NULL`, `TRUE` and `FALSE` are never names without quotation marks, as what is
/// wrong with `a = NULL` could not be said otherwise; all others are names wherever their own syntax does not follow.
enum Keyword: Equatable {
    case and, or, not, null, like, between, isIn, isNull, div
    case boolean(Bool)
    case casei, accenti
    case date, timestamp, interval
    case bbox
    /// `POINT`, and `POINTZ` as the grammar needs no space before its `Z`.
    case geometry(GeometryKind)
    case spatial(SpatialRelation)
    case temporal(TemporalRelation)
    case array(ArrayRelation)

    init?(_ word: some Collection<UInt8>) {
        // No keyword is longer; a name of kilobytes is not worth a copy.
        guard word.count <= 19 else { return nil }
        // ASCII only: the Kelvin sign is no K.
        let lower = String(decoding: word.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 32 : $0 }, as: UTF8.self)
        guard let keyword = Keyword.all[lower] else { return nil }
        self = keyword
    }

    private static let all: [String: Keyword] = {
        var result: [String: Keyword] = [
            "and": .and, "or": .or, "not": .not, "null": .null, "like": .like, "between": .between, "in": .isIn, "is": .isNull, "div": .div,
            "true": .boolean(true), "false": .boolean(false), "casei": .casei, "accenti": .accenti, "date": .date, "timestamp": .timestamp,
            "interval": .interval, "bbox": .bbox,
        ]
        for kind in GeometryKind.allCases {
            result[kind.name.lowercased()] = .geometry(kind)
            result[kind.name.lowercased() + "z"] = .geometry(kind)
        }
        for relation in SpatialRelation.allCases { result[relation.rawValue] = .spatial(relation) }
        for relation in TemporalRelation.allCases { result[relation.rawValue.lowercased()] = .temporal(relation) }
        for relation in ArrayRelation.allCases { result[relation.rawValue.lowercased()] = .array(relation) }
        return result
    }()
}
