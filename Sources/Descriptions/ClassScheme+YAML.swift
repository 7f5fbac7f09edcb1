import Geo

extension ClassScheme {
    static let knownKeys = ["name", "title", "unit", "classes"]

    /// A scheme of the town: classes least grave first, each with its code, bounds, label and colour.
    ///
    /// ```yaml
    /// title: {ja: ため池の浸水深}
    /// unit: m
    /// classes:
    ///   - {rank: 1, min: 0, max: 0.5, label: {ja: 0.5m未満}, color: "#F7F5A9"}
    /// ```
    /// - Parameter name: Nil where the mapping itself says it.
    init?(_ map: YAMLMapping, name: String?) {
        if name == nil { map.require("name") }
        map.require("title")
        map.require("classes")
        let nodes = map.list("classes") ?? []
        let patterns = FillPattern.allCases
        var ranks: Set<Int> = []
        let classes = nodes.enumerated().compactMap { index, node -> HazardClass? in
            let path = map.path(of: "classes") + "[\(index)]"
            guard
                let item = YAMLMapping(
                    node, path: path, known: ["rank", "min", "max", "label", "color", "pattern"], problems: map.problems)
            else { return nil }
            for key in ["rank", "label", "color"] { item.require(key) }
            guard let rank = item.integer("rank", in: 0...1_000_000), let label = item.localized("label"), let color = item.color("color")
            else { return nil }
            if !ranks.insert(rank).inserted { item.problem(.conflict, "rank", ja: "同じ値が 2 度あります。", en: "Given twice.") }
            return HazardClass(
                rank: rank, min: item.number("min", in: 0...1e9), max: item.number("max", in: 0...1e9), label: label, color: color,
                pattern: item.word("pattern", FillPattern.self) ?? patterns[index % patterns.count],
                gravity: 100 * (index + 1) / nodes.count)
        }
        guard let name = name ?? map.identifier("name"), let title = map.localized("title"), !classes.isEmpty else { return nil }
        if ClassScheme.official[name] != nil {
            map.problem(
                .conflict, "name", ja: "「\(name)」は公式の区分の名前です。別の名前にしてください。", en: "“\(name)” is the name of an official scheme.")
        }
        self.init(name: name, title: title, unit: map.text("unit"), classes: classes)
    }
}
