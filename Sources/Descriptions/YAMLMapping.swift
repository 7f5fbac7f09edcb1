import Geo
import Yams

typealias YAMLNode = Yams.Node

/// The problems found while a description is read; shared by all readers of one file.
final class ProblemList {
    private(set) var problems: [DescriptionProblem] = []

    func add(_ rule: DescriptionRule, _ key: String, _ line: Int?, ja: String, en: String) {
        problems.append(DescriptionProblem(rule: rule, key: key, line: line, message: LocalizedText(ja: ja, en: en)))
    }

    /// In the order of their lines; those of the whole file first.
    var sorted: [DescriptionProblem] {
        problems.enumerated()
            .sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
            .map(\.element)
    }
}

/// One mapping of a YAML file, read strictly: the known keys are given at the start, every other one is a problem.
///
/// Only `null`, `~` and nothing at all are null, and a null key is as good as one left out. A plain or quoted scalar is a text as it is
/// written (`no`, `2024` and `1_000` stay texts); a number or a boolean is only what JSON would call one.
struct YAMLMapping {
    let path: String
    let line: Int?
    let problems: ProblemList
    /// Keys in the order of the file with those that are null left out.
    private(set) var keys: [String] = []
    private var values: [String: Node] = [:]
    private var lines: [String: Int] = [:]

    /// Reads the outermost mapping of a file. Throws what the YAML reader finds wrong.
    static func root(of yaml: String, file: String, known: [String]?, problems: ProblemList) throws(DescriptionError) -> YAMLMapping {
        let limit = 1 << 20
        guard yaml.utf8.count <= limit else {
            throw failure(file, .tooLarge, nil, ja: "1 MiB を超えています。", en: "Longer than 1 MiB.")
        }
        do {
            guard let node = try Yams.compose(yaml: yaml) else {
                throw failure(file, .syntax, nil, ja: "中身がありません。", en: "There is nothing in it.")
            }
            guard let mapping = YAMLMapping(node, path: "", known: known, problems: problems) else {
                throw DescriptionError(file: file, problems: problems.sorted)
            }
            return mapping
        } catch let error as DescriptionError {
            throw error
        } catch let error as YamlError {
            throw failure(of: error, file: file)
        } catch {
            throw failure(file, .syntax, nil, ja: "YAML として読めません。", en: "Not YAML: \(error).")
        }
    }

    /// Nil, with a problem added, when `node` is no mapping. With `known` nil every key is taken.
    init?(_ node: Node, path: String, known: [String]?, problems: ProblemList) {
        self.path = path
        self.problems = problems
        line = node.mark?.line
        guard case .mapping(let mapping) = node else {
            problems.add(
                .wrongType, path, node.mark?.line, ja: "「キー: 値」の並びを書いてください。", en: "Must be a mapping of keys to values.")
            return nil
        }
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                problems.add(.wrongType, path, key.mark?.line, ja: "キーは文字列にしてください。", en: "A key must be a text.")
                continue
            }
            let name = scalar.string
            if let known, !known.contains(name) {
                let near = YAMLMapping.nearest(to: name, among: known)
                problems.add(
                    .unknownKey, YAMLMapping.join(path, name), scalar.mark?.line,
                    ja: "「\(name)」というキーはありません。" + (near.map { "「\($0)」ではありませんか。" } ?? "使えるキー: \(known.joined(separator: ", "))"),
                    en: "There is no key “\(name)” here."
                        + (near.map { " Is “\($0)” meant?" } ?? " Known keys: \(known.joined(separator: ", "))."))
                continue
            }
            if YAMLMapping.isNull(value) && known != nil { continue }
            // To YAML `1` and `"1"` are two keys; here they are one text.
            guard values[name] == nil else {
                problems.add(
                    .duplicateKey, YAMLMapping.join(path, name), scalar.mark?.line, ja: "「\(name)」が 2 度あります。",
                    en: "“\(name)” is given twice.")
                continue
            }
            keys.append(name)
            values[name] = value
            lines[name] = value.mark?.line ?? scalar.mark?.line
        }
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    /// Where the value of `key` stands, or the mapping itself when there is none.
    func line(of key: String) -> Int? { lines[key] ?? line }

    func path(of key: String) -> String { YAMLMapping.join(path, key) }

    func problem(_ rule: DescriptionRule, _ key: String, ja: String, en: String) {
        problems.add(rule, path(of: key), line(of: key), ja: ja, en: en)
    }

    func require(_ key: String) {
        if !has(key) { problem(.missingKey, key, ja: "「\(key)」が必要です。", en: "“\(key)” is needed.") }
    }

    func node(_ key: String) -> Node? { values[key] }

    func mapping(_ key: String, known: [String]?) -> YAMLMapping? {
        values[key].flatMap { YAMLMapping($0, path: path(of: key), known: known, problems: problems) }
    }

    /// The scalar as it is written.
    func text(_ key: String) -> String? {
        guard let node = values[key] else { return nil }
        guard case .scalar(let scalar) = node else {
            problem(.wrongType, key, ja: "文字列を書いてください。", en: "Must be a text.")
            return nil
        }
        return scalar.string
    }

    func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
        guard let node = values[key] else { return nil }
        guard let number = YAMLMapping.number(node) else {
            problem(.wrongType, key, ja: "数を書いてください。", en: "Must be a number.")
            return nil
        }
        guard range.contains(number) else {
            let bounds = "\(range.lowerBound.shortText)–\(range.upperBound.shortText)"
            problem(.badNumber, key, ja: "\(bounds) の範囲で書いてください。", en: "Must be within \(bounds).")
            return nil
        }
        return number
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let number = number(key, in: Double(range.lowerBound)...Double(range.upperBound)) else { return nil }
        guard let whole = Int(exactly: number) else {
            problem(.wrongType, key, ja: "整数を書いてください。", en: "Must be a whole number.")
            return nil
        }
        return whole
    }

    func list(_ key: String) -> [Node]? {
        guard let node = values[key] else { return nil }
        guard case .sequence(let sequence) = node else {
            problem(.wrongType, key, ja: "一覧（[…]）を書いてください。", en: "Must be a list.")
            return nil
        }
        return Array(sequence)
    }

    func texts(_ key: String) -> [String]? {
        list(key)?.compactMap { node in
            guard case .scalar(let scalar) = node, !YAMLMapping.isNull(node) else {
                problems.add(.wrongType, path(of: key), node.mark?.line, ja: "文字列の一覧を書いてください。", en: "Must be a list of texts.")
                return nil
            }
            return scalar.string
        }
    }

    /// A text in several languages: a mapping of language tags with `ja` among them; where `allowsPlain`, a plain text is the Japanese.
    func localized(_ key: String, allowsPlain: Bool = false) -> LocalizedText? {
        values[key].flatMap { YAMLMapping.localized($0, path: path(of: key), allowsPlain: allowsPlain, problems: problems) }
    }

    static func localized(_ node: Node, path: String, allowsPlain: Bool, problems: ProblemList) -> LocalizedText? {
        if allowsPlain, case .scalar(let scalar) = node { return LocalizedText(ja: scalar.string) }
        guard let languages = YAMLMapping(node, path: path, known: nil, problems: problems) else { return nil }
        var texts: [String: String] = [:]
        var last: String?
        for tag in languages.keys {
            let isEmpty = languages.node(tag).map(isNull) ?? true
            // YAML takes {en: Flood, largest assumed} for two keys, the second without a value. Only one thing can be meant by it.
            if isEmpty, !isLanguage(tag), let last {
                texts[last]? += ", " + tag
                continue
            }
            guard isLanguage(tag) else {
                problems.add(
                    .badLanguage, languages.path(of: tag), languages.line(of: tag), ja: "「\(tag)」は言語タグではありません（ja, en など）。",
                    en: "“\(tag)” is no language tag such as ja or en.")
                continue
            }
            if !isEmpty, let text = languages.text(tag), !text.isEmpty {
                texts[tag] = text
                last = tag
            }
        }
        guard texts["ja"] != nil else {
            problems.add(
                .missingKey, join(path, "ja"), languages.line, ja: "日本語（ja）が必要です。", en: "The Japanese text (ja) is needed.")
            return nil
        }
        return LocalizedText(texts)
    }

    /// One of the words of an enumeration.
    func word<Word: RawRepresentable & CaseIterable>(_ key: String, _ type: Word.Type) -> Word? where Word.RawValue == String {
        guard let text = text(key) else { return nil }
        if let word = Word(rawValue: text) { return word }
        let all = Word.allCases.map(\.rawValue).joined(separator: ", ")
        problem(.badValue, key, ja: "「\(text)」は使えません。次のどれかです: \(all)", en: "“\(text)” is none of \(all).")
        return nil
    }

    /// `#RRGGBB`, in capitals.
    func color(_ key: String) -> Color? {
        guard let text = text(key) else { return nil }
        guard let color = Color(text) else {
            problem(.badColor, key, ja: "色は \"#RRGGBB\" の形で、引用符を付けて書いてください。", en: "A colour is written \"#RRGGBB\", in quotes.")
            return nil
        }
        return color
    }

    func identifier(_ key: String) -> String? {
        guard let text = text(key) else { return nil }
        guard Identifier.isValid(text) else {
            problem(
                .badIdentifier, key, ja: "半角の英数字と - と _ だけで、\(Identifier.lengthLimit) 文字までにしてください。",
                en: "Only ASCII letters, digits, - and _, at most \(Identifier.lengthLimit) of them.")
            return nil
        }
        return text
    }

    static func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node, isPlain(scalar) else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// A number as JSON writes one, not quoted.
    static func number(_ node: Node) -> Double? {
        guard case .scalar(let scalar) = node, isPlain(scalar), scalar.string.count <= 32 else { return nil }
        guard scalar.string.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil else { return nil }
        return Double(scalar.string).flatMap { $0.isFinite ? $0 : nil }
    }

    static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : path + "." + key }

    static func isLanguage(_ tag: String) -> Bool {
        tag.wholeMatch(of: /[a-z]{2,3}(-[A-Za-z0-9]{2,8})*/) != nil
    }

    private static func isPlain(_ scalar: Node.Scalar) -> Bool { scalar.style == .plain || scalar.style == .any }

    /// The known key that differs by two letters at the most, hyphen and underscore being alike.
    private static func nearest(to name: String, among known: [String]) -> String? {
        let best = known.map { (key: $0, steps: editSteps(fold(name), fold($0))) }.min { $0.steps < $1.steps }
        return best.flatMap { $0.steps <= 2 && $0.steps < $0.key.count ? $0.key : nil }
    }

    private static func fold(_ name: String) -> [Character] {
        Array(name.prefix(40).lowercased().map { $0 == "_" ? "-" : $0 })
    }

    /// Letters to insert, remove or change (Levenshtein's distance). O(a · b)
    private static func editSteps(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == b[j] ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }

    private static func failure(_ file: String, _ rule: DescriptionRule, _ line: Int?, ja: String, en: String) -> DescriptionError {
        let message = LocalizedText(ja: ja, en: en)
        return DescriptionError(file: file, problems: [DescriptionProblem(rule: rule, key: "", line: line, message: message)])
    }

    private static func failure(of error: YamlError, file: String) -> DescriptionError {
        switch error {
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.sorted().joined(separator: ", ")
            return failure(
                file, .duplicateKey, context.mark.line, ja: "同じキーが 2 度あります: \(names)", en: "A key is given twice: \(names).")
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return failure(file, .syntax, mark.line, ja: "YAML として読めません（\(problem)）。", en: "Not YAML: \(problem).")
        default:
            return failure(file, .syntax, nil, ja: "YAML として読めません。", en: "Not YAML: \(error).")
        }
    }
}

/// The ids of layers: they are folder names and parts of addresses.
public enum Identifier {
    public static let lengthLimit = 64

    /// ASCII letters, digits, `-` and `_`, 1 to 64 of them.
    public static func isValid(_ text: String) -> Bool {
        (1...lengthLimit).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension Double {
    /// Without the `.0` of a whole number.
    var shortText: String {
        self == rounded() && abs(self) < 1e15 ? String(Int64(self)) : description
    }
}
