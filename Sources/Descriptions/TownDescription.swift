import Geo

/// What a `town.yaml` says: the town's name and the hazards it answers for.
public struct TownDescription: Sendable, Codable, Equatable {
    public var name: LocalizedText?
    /// A layer's id, or a file beside the town.yaml.
    public var boundary: String?
    /// Language tags, the first one the default.
    public var languages: [String]
    /// What the town answers for; what of it is not loaded or not readable answers “unknown”.
    public var hazards: [ExpectedHazard]
    /// Class schemes of the town's own.
    public var schemes: [ClassScheme]

    public init(
        name: LocalizedText? = nil, boundary: String? = nil, languages: [String] = ["ja"], hazards: [ExpectedHazard] = [],
        schemes: [ClassScheme] = []
    ) {
        self.name = name
        self.boundary = boundary
        self.languages = languages
        self.hazards = hazards
        self.schemes = schemes
    }
}

/// A hazard the town answers for, of one river and scenario.
public struct ExpectedHazard: Sendable, Codable, Equatable {
    public var kind: String
    /// Nil where the town names none; every scenario of the kind then fulfils it.
    public var scenario: String?
    /// Nil where the town names none; every river then fulfils it.
    public var river: LocalizedText?

    public init(kind: String, scenario: String? = nil, river: LocalizedText? = nil) {
        self.kind = kind
        self.scenario = scenario
        self.river = river
    }

    /// A layer of this hazard, scenario and river fulfils the expectation. Rivers are the same when a name of theirs in one language is.
    public func isFulfilled(kind: String, scenario: String?, river: LocalizedText?) -> Bool {
        guard kind == self.kind, self.scenario == nil || scenario == self.scenario else { return false }
        guard let expected = self.river else { return true }
        guard let river else { return false }
        return expected.isSameName(as: river)
    }
}

extension LocalizedText {
    /// Some language has the same text in both.
    public func isSameName(as other: LocalizedText) -> Bool {
        texts.contains { other.texts[$0.key] == $0.value }
    }
}

extension TownDescription {
    /// Reads a `town.yaml`, as strictly as a `layer.yaml`.
    ///
    /// An entry of `hazards` names a `kind`, a `scenario` or a list of `scenarios`, and a `river` or a list of `rivers`; lists stand for
    /// every combination. A river may be a plain text, which is then its Japanese name.
    public static func parse(yaml: String, file: String) throws(DescriptionError) -> TownDescription {
        let problems = ProblemList()
        let root = try YAMLMapping.root(
            of: yaml, file: file, known: ["name", "boundary", "languages", "hazards", "schemes"], problems: problems)
        root.require("name")
        var result = TownDescription(
            name: root.localized("name", allowsPlain: true), boundary: root.text("boundary"), languages: root.texts("languages") ?? ["ja"])
        for tag in result.languages where !YAMLMapping.isLanguage(tag) {
            root.problem(.badLanguage, "languages", ja: "「\(tag)」は言語タグではありません。", en: "“\(tag)” is no language tag.")
        }
        for (index, node) in (root.list("hazards") ?? []).enumerated() {
            result.hazards += ExpectedHazard.read(node, path: "hazards[\(index)]", problems: problems)
        }
        if let schemes = root.mapping("schemes", known: nil) {
            result.schemes = schemes.keys.compactMap { name in
                guard schemes.mappingIsNamed(name) else { return nil }
                return schemes.mapping(name, known: ["title", "unit", "classes"]).flatMap { ClassScheme($0, name: name) }
            }
        }
        guard problems.problems.isEmpty else { throw DescriptionError(file: file, problems: problems.sorted) }
        return result
    }
}

extension YAMLMapping {
    fileprivate func mappingIsNamed(_ name: String) -> Bool {
        if Identifier.isValid(name) { return true }
        problem(.badIdentifier, name, ja: "名前は半角の英数字と - と _ だけです。", en: "A name has only letters, digits, - and _.")
        return false
    }
}

extension ExpectedHazard {
    fileprivate static func read(_ node: YAMLNode, path: String, problems: ProblemList) -> [ExpectedHazard] {
        let known = ["kind", "scenario", "scenarios", "river", "rivers"]
        guard let map = YAMLMapping(node, path: path, known: known, problems: problems) else { return [] }
        map.require("kind")
        for (one, many) in [("scenario", "scenarios"), ("river", "rivers")] where map.has(one) && map.has(many) {
            map.problem(.conflict, many, ja: "\(one) と \(many) はどちらか一方だけです。", en: "Either \(one) or \(many).")
        }
        guard let kind = map.identifier("kind") else { return [] }
        let scenarios = map.texts("scenarios") ?? map.text("scenario").map { [$0] } ?? []
        let rivers =
            map.list("rivers")?.compactMap {
                YAMLMapping.localized($0, path: map.path(of: "rivers"), allowsPlain: true, problems: problems)
            } ?? map.localized("river", allowsPlain: true).map { [$0] } ?? []
        let everyScenario: [String?] = scenarios.isEmpty ? [nil] : scenarios
        let everyRiver: [LocalizedText?] = rivers.isEmpty ? [nil] : rivers
        return everyScenario.flatMap { scenario in
            everyRiver.map { ExpectedHazard(kind: kind, scenario: scenario, river: $0) }
        }
    }
}
