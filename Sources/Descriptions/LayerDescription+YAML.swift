import Geo

extension LayerDescription {
    /// Reads a `layer.yaml`.
    ///
    /// Everything wrong is gathered before it is thrown. A key that is not known is an error that names it and its line, and so are a
    /// value of the wrong type and a missing `id` or Japanese title; the rules are those of `DescriptionRule`.
    /// - Parameters:
    ///   - file: The name used in messages.
    ///   - town: The town's description, for class schemes of its own.
    public static func parse(yaml: String, file: String, town: TownDescription? = nil) throws(DescriptionError) -> LayerDescription {
        let problems = ProblemList()
        let known = [
            "id", "title", "description", "department", "theme", "source", "access", "base_date", "licence", "attribution",
            "survey_approval", "accept", "attributes", "hazard", "time", "style",
        ]
        let root = try YAMLMapping.root(of: yaml, file: file, known: known, problems: problems)
        root.require("id")
        root.require("title")
        let hazard = root.mapping("hazard", known: HazardDescription.knownKeys).flatMap {
            HazardDescription($0, schemes: town?.schemes ?? [])
        }
        let attributes = root.attributes("attributes", schemes: town?.schemes ?? [])
        let result = LayerDescription(
            id: root.identifier("id") ?? "", title: root.localized("title") ?? LocalizedText([:]),
            description: root.localized("description"), department: root.text("department"),
            theme: root.identifier("theme") ?? (root.has("hazard") ? "hazard" : "base"),
            source: root.mapping("source", known: ["file", "layer", "preset", "crs", "encoding", "id"]).flatMap(LayerSource.init),
            access: root.access("access"), baseDate: root.day("base_date"), licence: root.text("licence"),
            attribution: root.localized("attribution"), surveyApproval: root.text("survey_approval"),
            accept: root.texts("accept") ?? [], attributes: attributes,
            hazard: hazard, time: root.mapping("time", known: ["start", "end"]).flatMap(TimeDescription.init),
            style: root.mapping("style", known: StyleDescription.knownKeys).map { StyleDescription($0, attributes: attributes) }
                ?? StyleDescription())
        guard problems.problems.isEmpty else { throw DescriptionError(file: file, problems: problems.sorted) }
        return result
    }
}

extension TimeDescription {
    fileprivate init?(_ map: YAMLMapping) {
        map.require("start")
        guard let start = map.text("start") else { return nil }
        self.init(start: start, end: map.text("end"))
    }
}

extension LayerSource {
    fileprivate init?(_ map: YAMLMapping) {
        map.require("file")
        guard let file = map.text("file") else { return nil }
        if file.isEmpty { map.problem(.badPath, "file", ja: "ファイル名が空です。", en: "The name is empty.") }
        self.init(
            file: file, layer: map.text("layer"), preset: map.text("preset"), crs: map.text("crs"), encoding: map.text("encoding"),
            id: map.text("id"))
    }
}

extension HazardDescription {
    fileprivate static let knownKeys = [
        "kind", "scenario", "river", "river-attribute", "scheme", "class", "phenomenon", "coverage",
    ]

    fileprivate init?(_ map: YAMLMapping, schemes: [ClassScheme]) {
        map.require("kind")
        self.init(
            kind: map.identifier("kind") ?? "", scenario: map.text("scenario"), river: map.localized("river", allowsPlain: true),
            riverAttribute: map.text("river-attribute"), classAttribute: map.text("class"),
            phenomenonAttribute: map.text("phenomenon"), coverage: map.coverage("coverage"))
        if case .mapping? = map.node("scheme") {
            townScheme = map.mapping("scheme", known: ClassScheme.knownKeys).flatMap { ClassScheme($0, name: nil) }
            scheme = townScheme?.name
        } else if let name = map.text("scheme") {
            scheme = name
            townScheme = schemes.first { $0.name == name }
            if classScheme == nil {
                let all = (Array(ClassScheme.official.keys) + schemes.map(\.name)).sorted().joined(separator: ", ")
                map.problem(
                    .unknownScheme, "scheme", ja: "「\(name)」という区分はありません。次のどれかです: \(all)",
                    en: "There is no scheme “\(name)”: known are \(all).")
            }
        }
        if map.has("river") && map.has("river-attribute") {
            map.problem(.conflict, "river-attribute", ja: "river と river-attribute はどちらか一方だけです。", en: "Either river or river-attribute.")
        }
        if map.has("scheme") != map.has("class") {
            map.problem(
                .conflict, map.has("scheme") ? "scheme" : "class", ja: "scheme と class は両方を書いてください。",
                en: "scheme and class go together.")
        }
        if map.has("phenomenon") && scheme != ClassScheme.landslide.name {
            map.problem(
                .conflict, "phenomenon", ja: "phenomenon は scheme: landslide のときだけです。", en: "phenomenon belongs to scheme: landslide only.")
        }
    }
}

extension StyleDescription {
    fileprivate static let knownKeys = [
        "min-zoom", "max-zoom", "color", "outline", "width", "opacity", "label", "order", "importance", "by", "colors",
    ]

    fileprivate init(_ map: YAMLMapping, attributes: [AttributeDescription]) {
        self.init(
            minZoom: map.number("min-zoom", in: 0...Double(TileCoordinate.zoomLimit)), maxZoom: map.number("max-zoom", in: 0...24),
            color: map.color("color"),
            outline: map.color("outline"), width: map.number("width", in: 0...StyleDescription.widthLimit),
            opacity: map.number("opacity", in: 0...1),
            label: map.text("label"), order: map.integer("order", in: -1_000_000...1_000_000),
            importance: map.text("importance"), by: map.text("by"))
        if let colors = map.mapping("colors", known: nil) {
            self.colors = colors.keys.compactMap { value in colors.color(value).map { ValueColor(value: value, color: $0) } }
        }
        if map.has("colors") != map.has("by") {
            map.problem(.conflict, map.has("by") ? "by" : "colors", ja: "by と colors は両方を書いてください。", en: "by and colors go together.")
        }
        // Attributes that the file does not describe are looked for when the source is read.
        if let importance, let attribute = attributes.first(where: { $0.name == importance }) {
            if attribute.visibility != .public {
                map.problem(
                    .conflict, "importance", ja: "公開しない属性は使えません。何が残るかで値の大小が分かってしまいます。",
                    en: "An attribute that is not public cannot be used: what is left on the map would tell which values are greater.")
            }
            if let type = attribute.type, ![.integer, .real].contains(type) {
                map.problem(.wrongType, "importance", ja: "数（integer か real）の属性を書いてください。", en: "Must be an attribute of numbers.")
            }
        }
        if let minZoom, let maxZoom, minZoom > maxZoom {
            map.problem(.badNumber, "max-zoom", ja: "min-zoom より小さくできません。", en: "Must not be less than min-zoom.")
        }
    }
}

extension YAMLMapping {
    fileprivate func access(_ key: String) -> LayerAccess? {
        guard let node = node(key) else { return nil }
        if case .sequence = node {
            let departments = texts(key) ?? []
            if departments.isEmpty {
                problem(.badValue, key, ja: "課の一覧が空です。", en: "The list of departments is empty.")
            }
            return .departments(departments)
        }
        switch text(key) {
        case "public": return .public
        case "internal": return .internal
        case let other?:
            problem(
                .badValue, key, ja: "「\(other)」は使えません。public か internal か、課の一覧です。",
                en: "“\(other)” is neither public nor internal nor a list of departments.")
            return nil
        case nil: return nil
        }
    }

    fileprivate func day(_ key: String) -> Day? {
        guard let text = text(key) else { return nil }
        if let day = Day(text: text) { return day }
        problem(.badDate, key, ja: "日付は 2024-03-31 の形で書いてください。", en: "A date is written as 2024-03-31.")
        return nil
    }

    fileprivate func attributes(_ key: String, schemes: [ClassScheme]) -> [AttributeDescription] {
        guard let all = mapping(key, known: nil) else { return [] }
        var columns: Set<String> = []
        return all.keys.compactMap { name in
            if name.isEmpty || name.utf8.count > 200 {
                all.problem(.badValue, name, ja: "属性の名前は 1〜200 バイトです。", en: "An attribute's name has 1 to 200 bytes.")
            }
            let known = ["column", "title", "type", "unit", "codes", "visibility"]
            // A name with nothing after it takes everything from the source.
            guard let node = all.node(name), !YAMLMapping.isNull(node) else { return AttributeDescription(name: name) }
            guard let map = all.mapping(name, known: known) else { return nil }
            let attribute = AttributeDescription(
                name: name, column: map.text("column"), title: map.localized("title"), type: map.word("type", AttributeType.self),
                unit: map.text("unit"), codes: map.codes("codes", schemes: schemes),
                visibility: map.word("visibility", Visibility.self) ?? .public)
            if !columns.insert(attribute.column).inserted {
                map.problem(
                    .duplicateColumn, "column", ja: "列「\(attribute.column)」は別の属性でも使われています。",
                    en: "The column “\(attribute.column)” is already another attribute's.")
            }
            return attribute
        }
    }

    fileprivate func codes(_ key: String, schemes: [ClassScheme]) -> CodeList? {
        guard let node = node(key) else { return nil }
        guard case .mapping = node else {
            guard let name = text(key) else { return nil }
            if let list = CodeList.named(name, schemes: schemes) { return list }
            let all = (CodeList.names + schemes.map(\.name)).sorted().joined(separator: ", ")
            problem(
                .unknownCodes, key, ja: "「\(name)」というコード表はありません。次のどれかです: \(all)", en: "There is no code list “\(name)”: known are \(all).")
            return nil
        }
        guard let map = mapping(key, known: nil) else { return nil }
        return CodeList(
            name: nil,
            codes: map.keys.compactMap { value in
                map.localized(value, allowsPlain: true).map { CodeList.Code(value: value, label: $0) }
            })
    }

    fileprivate func coverage(_ key: String) -> HazardCoverage? {
        guard let node = node(key) else { return nil }
        if case .mapping = node {
            guard let map = mapping(key, known: ["bbox"]) else { return nil }
            map.require("bbox")
            guard let nodes = map.list("bbox") else { return nil }
            let numbers = nodes.compactMap(YAMLMapping.number)
            guard nodes.count == 4, numbers.count == 4, numbers[0] < numbers[2], numbers[1] < numbers[3],
                numbers[0] >= -180, numbers[2] <= 180, numbers[1] >= -90, numbers[3] <= 90
            else {
                map.problem(
                    .badNumber, "bbox", ja: "[西, 南, 東, 北] を度で、この順に書いてください。", en: "Must be [west, south, east, north] in degrees.")
                return nil
            }
            return .box(Envelope(minX: numbers[0], minY: numbers[1], maxX: numbers[2], maxY: numbers[3]))
        }
        guard let text = text(key) else { return nil }
        if Identifier.isValid(text) { return .layer(text) }
        if text.isEmpty || text.hasPrefix("/") || text.split(separator: "/").contains("..") {
            problem(
                .badPath, key, ja: "このファイルと同じ場所にあるファイルか、レイヤーの id を書いてください。", en: "Must be a file beside this one, or a layer's id.")
            return nil
        }
        return .file(text)
    }
}

extension Day {
    /// From `2024-03-31`; nil when it is written otherwise or there is no such day.
    public init?(text: String) {
        guard let parts = text.wholeMatch(of: /([0-9]{4})-([0-9]{2})-([0-9]{2})/) else { return nil }
        guard let year = Int(parts.1), let month = Int(parts.2), let day = Int(parts.3) else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// As `2024-03-31`.
    public var text: String {
        let (year, month, day) = civil
        func padded(_ number: Int, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}
