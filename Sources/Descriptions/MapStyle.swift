import Geo

/// How one layer is drawn, as MapLibre style JSON (https://maplibre.org/maplibre-style-spec), and its legend.
///
/// Both come from the same list of items, so a colour on the map is always in the legend.
public struct MapStyle: Sendable {
    /// What the geometries of a layer are; a layer may have several.
    public struct GeometryKinds: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }
        public static let points = GeometryKinds(rawValue: 1)
        public static let lines = GeometryKinds(rawValue: 2)
        public static let areas = GeometryKinds(rawValue: 4)
        public static let all: GeometryKinds = [.points, .lines, .areas]

        /// A collection may hold anything.
        public init(_ kind: GeometryKind) {
            switch kind.dimension {
            case 0: self = .points
            case 1: self = .lines
            case 2: self = .areas
            default: self = .all
            }
        }
    }

    /// One colour and what it means.
    public struct LegendItem: Sendable, Equatable {
        /// The value of the attribute, as a text; nil for the single item of a layer of one colour and for values not named.
        public var value: String?
        /// Landslides: the phenomenon besides.
        public var phenomenon: Int?
        public var label: LocalizedText
        public var color: Color
        public var pattern: FillPattern
        /// Of a hazard's class; nil for what is no class of a hazard.
        public var gravity: Int?
    }

    public let description: LayerDescription
    public let kinds: GeometryKinds
    /// The attributes the viewer sees; a colour or label by any other is left out.
    public let visibleAttributes: Set<String>

    public init(_ description: LayerDescription, kinds: GeometryKinds, visibleAttributes: Set<String>) {
        self.description = description
        self.kinds = kinds
        self.visibleAttributes = visibleAttributes
    }

    /// What chooses the colour: the style's own attribute, else the hazard's class.
    private enum Rule {
        case single
        case values(attribute: String, [LegendItem])
        case landslide(zone: String, phenomenon: String?, [LegendItem])
    }

    private var rule: Rule {
        let style = description.style
        if let by = style.by, visibleAttributes.contains(by) {
            let codes = description.attribute(by)?.codes
            // Patterns tell classes of hazards apart without colour; on buildings they would only be noise.
            let patterns = description.hazard == nil ? [.plain] : FillPattern.allCases
            return .values(
                attribute: by,
                style.colors.enumerated().map { index, entry in
                    LegendItem(
                        value: entry.value,
                        label: codes?.codes.first { $0.value == entry.value }?.label ?? LocalizedText(ja: entry.value),
                        color: entry.color, pattern: patterns[index % patterns.count])
                })
        }
        guard let hazard = description.hazard, let scheme = hazard.classScheme, let attribute = hazard.classAttribute,
            visibleAttributes.contains(attribute)
        else { return .single }
        let items = scheme.classes.map {
            LegendItem(
                value: $0.value, phenomenon: $0.phenomenon, label: $0.label, color: $0.color, pattern: $0.pattern, gravity: $0.gravity)
        }
        guard scheme.name == ClassScheme.landslide.name else { return .values(attribute: attribute, items) }
        let phenomenon = hazard.phenomenonAttribute.flatMap { visibleAttributes.contains($0) ? $0 : nil }
        return .landslide(
            zone: attribute, phenomenon: phenomenon, phenomenon == nil ? items.filter { $0.phenomenon == nil } : items)
    }

    private var isSingle: Bool {
        if case .single = rule { true } else { false }
    }

    /// The item of values that are not named; never drawn as the least grave of the others.
    private var other: LegendItem {
        let isHazard = description.hazard != nil
        return LegendItem(
            value: nil, label: isHazard ? LocalizedText(ja: "区分不明", en: "class not known") : LocalizedText(ja: "その他", en: "other"),
            color: isHazard ? Color("#7F7F7F")! : color, pattern: isHazard ? .linesDense : .plain,
            gravity: isHazard ? 101 : nil)
    }

    private var color: Color { description.style.color ?? MapStyle.themeColor(description.theme) }

    /// The colour of a layer that names none.
    public static func themeColor(_ theme: String) -> Color {
        switch theme {
        case "hazard": Color("#B35806")!
        case "shelter": Color("#006B3C")!
        case "facility": Color("#1F5FA8")!
        case "planning": Color("#6A3D9A")!
        case "place": Color("#444444")!
        default: Color("#767676")!
        }
    }

    public var legend: [LegendItem] {
        switch rule {
        case .single: [LegendItem(value: nil, label: description.title, color: color, pattern: .plain)]
        case .values(_, let items): items + [other]
        case .landslide(_, let phenomenon, let items):
            items.filter { phenomenon == nil || $0.phenomenon != nil } + [other]
        }
    }

    /// `{"title": …, "items": [{"value", "label", "color", "pattern"}]}`; landslides have `"phenomenon"` besides, hazards a `"blank"`: what a place
    /// without colour means.
    public var legendJSON: JSONTree {
        .object([
            "title": .localized(description.title),
            "unit": description.hazard?.classScheme?.unit.map { .text($0) },
            "items": .list(
                legend.map { item in
                    .object([
                        "value": MapStyle.value(item.value), "phenomenon": item.phenomenon.map { .integer(Int64($0)) },
                        "label": .localized(item.label), "color": .text(item.color.description), "pattern": .text(item.pattern.rawValue),
                    ])
                }),
            "blank": blank.map { .localized($0) },
        ])
    }

    private static func value(_ text: String?) -> JSONTree {
        guard let text else { return .null }
        return Int64(text).flatMap { String($0) == text ? .integer($0) : nil } ?? .text(text)
    }

    /// What `styleJSON` needs besides the description.
    public struct Surroundings: Sendable {
        /// Such as `https://host/collections/roads/tiles/WebMercatorQuad/{z}/{y}/{x}?f=mvt`.
        public var tiles: String
        /// West, south, east, north; nil when the layer is empty.
        public var bounds: Envelope?
        /// The largest zoom that tiles are made for; beyond, the map enlarges them.
        public var tileMaxZoom: Int
        /// The address template of fonts; without it no text is drawn.
        public var glyphs: String?
        /// Prefix of the image names of patterns (`kasane-` gives `kasane-dots`), which the page has to add; nil for plain areas.
        public var patternPrefix: String?
        /// The language of labels.
        public var language: String

        public init(
            tiles: String, bounds: Envelope? = nil, tileMaxZoom: Int = 16, glyphs: String? = nil, patternPrefix: String? = nil,
            language: String = "ja"
        ) {
            self.tiles = tiles
            self.bounds = bounds
            self.tileMaxZoom = tileMaxZoom
            self.glyphs = glyphs
            self.patternPrefix = patternPrefix
            self.language = language
        }
    }

    /// A whole style with one source, named as the layer; the tile layer inside it has the same name.
    public func styleJSON(_ surroundings: Surroundings) -> JSONTree {
        let id = description.id
        let source = JSONTree.object([
            "type": .text("vector"), "tiles": .list([.text(surroundings.tiles)]),
            "minzoom": .integer(0), "maxzoom": .integer(Int64(surroundings.tileMaxZoom)),
            "bounds": surroundings.bounds.map { .list([.number($0.minX), .number($0.minY), .number($0.maxX), .number($0.maxY)]) },
            "attribution": description.attribution.map { .text(MapStyle.escaped($0.text(surroundings.language))) },
        ])
        return .object([
            "version": .integer(8), "name": .text(description.title.text(surroundings.language)),
            "metadata": .object([
                "kasane:layer": .text(id), "kasane:theme": .text(description.theme),
                "kasane:order": .integer(Int64(description.style.order ?? 0)), "kasane:legend": legendJSON,
            ]),
            "glyphs": surroundings.glyphs.map { .text($0) },
            "sources": .object([JSONTree.Member(id, source)]),
            "layers": .list(layers(surroundings)),
        ])
    }

    private func layers(_ surroundings: Surroundings) -> [JSONTree] {
        let style = description.style
        let fill = expression { .text($0.color.description) }
        let border = style.outline.map { JSONTree.text($0.description) } ?? expression { .text($0.color.outline.description) }
        var result: [JSONTree] = []
        // Tiles let the graver class reach a little over the lesser one, so that nothing grave is lost between them: it lies on top.
        var order: [JSONTree.Member] = []
        if description.hazard != nil, description.style.by == nil, !isSingle {
            order = [.init("fill-sort-key", expression { .integer(Int64($0.gravity ?? 0)) })]
        }
        if kinds.contains(.areas) {
            result.append(
                layer(
                    "fill", "fill", geometry: "Polygon",
                    paint: [
                        .init("fill-color", fill), .init("fill-opacity", .number(style.opacity ?? 0.7)),
                        .init("fill-antialias", .boolean(false)),
                    ], layout: order))
            if let prefix = surroundings.patternPrefix, description.hazard != nil, !isSingle {
                result.append(
                    layer(
                        "pattern", "fill", geometry: "Polygon",
                        paint: [
                            .init("fill-pattern", expression { .text(prefix + $0.pattern.rawValue) }),
                            .init("fill-opacity", MapStyle.near(8, .number(0.3), 11, .number(1))),
                        ], layout: order))
            }
            var paint: [JSONTree.Member] = [
                .init("line-color", border), .init("line-width", .number(strokeWidth ?? 1)),
            ]
            if style.opacity != 0 {
                // Far out an area may be less than a pixel: a border in the colour of the area leaves its mark, a dark one would hide it.
                paint[0].value = MapStyle.near(10, fill, 13, border)
                paint.append(.init("line-opacity", MapStyle.near(10, .number(style.opacity ?? 0.7), 13, .number(1))))
            }
            result.append(layer("border", "line", geometry: "Polygon", paint: paint))
        }
        if kinds.contains(.lines) {
            result.append(
                layer(
                    "line", "line", geometry: "LineString",
                    paint: [
                        .init("line-color", fill), .init("line-width", .number(strokeWidth ?? 1.5)),
                        .init("line-opacity", .number(style.opacity ?? 1)),
                    ], layout: [.init("line-cap", .text("round")), .init("line-join", .text("round"))]))
        }
        if kinds.contains(.points) {
            result.append(
                layer(
                    "circle", "circle", geometry: "Point",
                    paint: [
                        .init("circle-color", fill), .init("circle-radius", .number(style.width ?? 6)),
                        .init("circle-opacity", .number(style.opacity ?? 1)), .init("circle-stroke-color", border),
                        .init("circle-stroke-width", .number(1.5)),
                    ]))
        }
        if surroundings.glyphs != nil, let label = style.label, visibleAttributes.contains(label) {
            result.append(
                layer(
                    "label", "symbol", geometry: nil,
                    paint: [
                        .init("text-color", .text("#222222")), .init("text-halo-color", .text("#FFFFFF")),
                        .init("text-halo-width", .number(1.5)),
                    ],
                    layout: [
                        .init("text-field", .list([.text("to-string"), MapStyle.get(label)])), .init("text-size", .number(12)),
                        .init("text-offset", .list([.number(0), .number(1.2)])),
                    ]))
        }
        return result
    }

    /// Pixels; see `StyleDescription.widthLimit`.
    private var strokeWidth: Double? { description.style.width.map { min($0, StyleDescription.widthLimit) } }

    /// From one value at a zoom to another at a closer one.
    private static func near(_ far: Double, _ value: JSONTree, _ close: Double, _ closeValue: JSONTree) -> JSONTree {
        .list([
            .text("interpolate"), .list([.text("linear")]), .list([.text("zoom")]), .number(far), value, .number(close), closeValue,
        ])
    }

    /// In MapLibre the first zoom at which a layer is drawn no more; in the description the last at which it is. A zone of a hazard is drawn at every zoom: one
    /// that vanished while the houses stay would say that they are safe.
    private var maxZoom: Double? {
        guard description.hazard == nil, let last = description.style.maxZoom, last < 24 else { return nil }
        return min(24, last + 1)
    }

    private func layer(
        _ part: String, _ type: String, geometry: String?, paint: [JSONTree.Member], layout: [JSONTree.Member] = []
    ) -> JSONTree {
        let style = description.style
        return .object([
            "id": .text(description.id + "-" + part), "type": .text(type), "source": .text(description.id),
            "source-layer": .text(description.id),
            "minzoom": style.minZoom.map { .number($0) }, "maxzoom": maxZoom.map { .number($0) },
            "filter": geometry.map { MapStyle.filter($0) },
            "layout": layout.isEmpty ? nil : .object(layout), "paint": .object(paint),
        ])
    }

    /// From MapLibre's style 20 on `geometry-type` tells multiple geometries from single ones, before it did not.
    private static func filter(_ geometry: String) -> JSONTree {
        .list([
            .text("match"), .list([.text("geometry-type")]), .list([.text(geometry), .text("Multi" + geometry)]), .boolean(true),
            .boolean(false),
        ])
    }

    /// `["match", the value as a text, value, output, …, output of values not named]`, or just the output for a layer of one colour.
    private func expression(_ output: (LegendItem) -> JSONTree) -> JSONTree {
        func match(_ input: JSONTree, _ cases: [(String, LegendItem)]) -> JSONTree {
            guard !cases.isEmpty else { return output(other) }
            return .list([.text("match"), input] + cases.flatMap { [.text($0.0), output($0.1)] } + [output(other)])
        }
        switch rule {
        case .single:
            return output(LegendItem(value: nil, label: description.title, color: color, pattern: .plain))
        case .values(let attribute, let items):
            return match(MapStyle.string(attribute), items.map { ($0.value ?? "", $0) })
        case .landslide(let zone, nil, let items):
            return match(MapStyle.string(zone), items.map { ($0.value ?? "", $0) })
        case .landslide(let zone, let phenomenon?, let items):
            let input = JSONTree.list([.text("concat"), MapStyle.string(phenomenon), .text("-"), MapStyle.string(zone)])
            // What has no phenomenon, as what stands for features too small to see, is still a zone: "-1" and so on.
            return match(input, items.map { ("\($0.phenomenon.map(String.init) ?? "")-\($0.value ?? "")", $0) })
        }
    }

    private static func get(_ attribute: String) -> JSONTree { .list([.text("get"), .text(attribute)]) }

    private static func string(_ attribute: String) -> JSONTree { .list([.text("to-string"), get(attribute)]) }

    /// MapLibre shows attributions as HTML.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
