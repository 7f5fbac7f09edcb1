import Geo

/// The parameters of a request, decoded, each named once.
struct QueryString: Sendable, Equatable {
    /// In the order they came.
    private(set) var pairs: [(name: String, value: String)] = []

    /// Reads `a=1&b=2`; empty pieces are passed over.
    ///
    /// A parameter that comes twice with different values is refused: which of them is meant is anybody's guess, and caches and firewalls
    /// guess differently. The same twice is taken once; some clients add to a link what is in it already.
    init(_ text: String?) throws(Problem) {
        for piece in (text ?? "").split(separator: "&", omittingEmptySubsequences: true) {
            let halves = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(halves[0], plusIsSpace: true),
                let value = PercentCoding.decode(halves.count > 1 ? halves[1] : "", plusIsSpace: true)
            else {
                throw Problem(
                    .invalidParameter, ja: "クエリ文字列が正しいUTF-8のパーセントエンコーディングではありません。",
                    en: "The query string is not percent-encoded UTF-8.")
            }
            if let before = self[name] {
                if Array(before.utf8) == Array(value.utf8) { continue }
                throw Problem(
                    .invalidParameter, ja: "パラメーター「\(name)」が2回指定されています。", en: "The parameter “\(name)” is given twice.")
            }
            pairs.append((name, value))
        }
    }

    /// Parameters that came otherwise; each name is there once.
    init(pairs: [(name: String, value: String)]) {
        self.pairs = pairs
    }

    subscript(name: String) -> String? {
        pairs.first { Array($0.name.utf8) == Array(name.utf8) }?.value
    }

    /// Refuses any parameter that is not one of `names` (OGC 17-069r4, requirement 8): a misspelt filter must not answer as if it were not there.
    func allowOnly(_ names: [String]) throws(Problem) {
        // Swift's == holds canonically equivalent texts equal; parameter names are compared byte by byte.
        let known = Set(names.map { Array($0.utf8) })
        for pair in pairs where !known.contains(Array(pair.name.utf8)) {
            let list = names.prefix(60).joined(separator: ", ")
            throw Problem(
                .unknownParameter, ja: "パラメーター「\(pair.name)」は使えません。使えるもの: \(list)",
                en: "There is no parameter “\(pair.name)”. There are: \(list)")
        }
    }

    static func == (left: QueryString, right: QueryString) -> Bool {
        left.pairs.elementsEqual(right.pairs) { $0.name == $1.name && $0.value == $1.value }
    }
}
