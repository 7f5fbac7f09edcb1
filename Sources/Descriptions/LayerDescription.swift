import Geo

/// Everything a `layer.yaml` says: what a layer is, where it comes from, who may see it, what its attributes and classes mean.
///
/// Made by `parse(yaml:file:town:)`; kept as JSON in the catalogue, with each version's own copy, so that a version is whole.
public struct LayerDescription: Sendable, Codable, Equatable {
    /// The collection's id (see `Identifier`).
    public var id: String
    public var title: LocalizedText
    public var description: LocalizedText?
    /// The department that answers for the layer, such as 危機管理課.
    public var department: String?
    /// `base`, `hazard`, `shelter`, `facility`, `planning`, `place` or another word.
    public var theme: String
    public var source: LayerSource?
    /// Nil where the file does not say: a new layer is then internal, and one that exists keeps what it has.
    public var access: LayerAccess?
    /// 基準日, the day whose state the data show.
    public var baseDate: Day?
    public var licence: String?
    public var attribution: LocalizedText?
    /// The approval number under the Survey Act (測量法), shown where the law asks for it.
    public var surveyApproval: String?
    /// Codes of findings that are accepted for this source.
    public var accept: [String]
    /// In the order of the file; attributes of the source that are not among them keep their name.
    public var attributes: [AttributeDescription]
    public var hazard: HazardDescription?
    /// When a feature is from; nil where the first attribute of times, or else of days, says so.
    public var time: TimeDescription?
    public var style: StyleDescription

    public init(
        id: String, title: LocalizedText, description: LocalizedText? = nil, department: String? = nil, theme: String = "base",
        source: LayerSource? = nil, access: LayerAccess? = nil, baseDate: Day? = nil, licence: String? = nil,
        attribution: LocalizedText? = nil, surveyApproval: String? = nil, accept: [String] = [],
        attributes: [AttributeDescription] = [], hazard: HazardDescription? = nil, time: TimeDescription? = nil,
        style: StyleDescription = StyleDescription()
    ) {
        self.id = id
        self.title = title
        self.description = description
        self.department = department
        self.theme = theme
        self.source = source
        self.access = access
        self.baseDate = baseDate
        self.licence = licence
        self.attribution = attribution
        self.surveyApproval = surveyApproval
        self.accept = accept
        self.attributes = attributes
        self.hazard = hazard
        self.time = time
        self.style = style
    }

    /// Everybody may see the layer.
    public var isPublic: Bool { access == .public }

    public func attribute(_ name: String) -> AttributeDescription? {
        attributes.first { $0.name == name }
    }
}

/// The attributes that say when a feature is from: one, or the two ends of an interval. A feature without an end is from then on.
public struct TimeDescription: Sendable, Codable, Equatable {
    /// The name of an attribute of days or times.
    public var start: String
    public var end: String?

    public init(start: String, end: String? = nil) {
        self.start = start
        self.end = end
    }
}

/// Who may see a layer.
public enum LayerAccess: Sendable, Equatable, Codable {
    /// Everybody.
    case `public`
    /// Every viewer with a key.
    case `internal`
    /// Viewers with a key of one of these departments.
    case departments([String])

    /// As in the file: a word, or a list of departments.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let departments = try? container.decode([String].self) {
            self = .departments(departments)
            return
        }
        switch try container.decode(String.self) {
        case "public": self = .public
        case "internal": self = .internal
        default: throw DecodingError.dataCorruptedError(in: container, debugDescription: "neither public nor internal nor a list")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .public: try container.encode("public")
        case .internal: try container.encode("internal")
        case .departments(let departments): try container.encode(departments)
        }
    }
}

/// Where a layer's rows come from.
public struct LayerSource: Sendable, Codable, Equatable {
    /// Beside the layer.yaml, or an absolute path.
    public var file: String
    /// The layer in a source with several.
    public var layer: String?
    public var preset: String?
    /// Such as `EPSG:6677`; nil to take what the file says.
    public var crs: String?
    public var encoding: String?
    /// The column that holds the features' ids.
    public var id: String?

    public init(
        file: String, layer: String? = nil, preset: String? = nil, crs: String? = nil, encoding: String? = nil, id: String? = nil
    ) {
        self.file = file
        self.layer = layer
        self.preset = preset
        self.crs = crs
        self.encoding = encoding
        self.id = id
    }
}

/// One attribute: its public name, the column it is made of and what its values mean.
public struct AttributeDescription: Sendable, Codable, Equatable {
    /// The name in answers and tiles.
    public var name: String
    /// The column of the source.
    public var column: String
    public var title: LocalizedText?
    /// Nil to take the type of the source.
    public var type: AttributeType?
    public var unit: String?
    public var codes: CodeList?
    public var visibility: Visibility

    public init(
        name: String, column: String? = nil, title: LocalizedText? = nil, type: AttributeType? = nil, unit: String? = nil,
        codes: CodeList? = nil, visibility: Visibility = .public
    ) {
        self.name = name
        self.column = column ?? name
        self.title = title
        self.type = type
        self.unit = unit
        self.codes = codes
        self.visibility = visibility
    }
}

/// What a hazard layer warns of.
public struct HazardDescription: Sendable, Codable, Equatable {
    /// `flood`, `inland-flood`, `storm-surge`, `tsunami`, `landslide` or another word.
    public var kind: String
    /// `L1`, `L2` or the town's own word.
    public var scenario: String?
    /// The river of the whole layer.
    public var river: LocalizedText?
    /// The attribute that names each feature's river.
    public var riverAttribute: String?
    /// The name of the class scheme.
    public var scheme: String?
    /// The scheme itself where it is the town's own.
    public var townScheme: ClassScheme?
    /// The attribute that holds the class.
    public var classAttribute: String?
    /// Landslides: the attribute that says 急傾斜地の崩壊 (1), 土石流 (2) or 地滑り (3).
    public var phenomenonAttribute: String?
    public var coverage: HazardCoverage?

    public init(
        kind: String, scenario: String? = nil, river: LocalizedText? = nil, riverAttribute: String? = nil, scheme: String? = nil,
        townScheme: ClassScheme? = nil, classAttribute: String? = nil, phenomenonAttribute: String? = nil,
        coverage: HazardCoverage? = nil
    ) {
        self.kind = kind
        self.scenario = scenario
        self.river = river
        self.riverAttribute = riverAttribute
        self.scheme = scheme
        self.townScheme = townScheme
        self.classAttribute = classAttribute
        self.phenomenonAttribute = phenomenonAttribute
        self.coverage = coverage
    }

    /// Whether an area that was surveyed for some river and scenario (nil for all that the layer holds) says something of one of the layer's rivers.
    ///
    /// One of another river or scenario says nothing. Neither does one that is more particular than the layer, nor, for a layer of several rivers, one
    /// that names none: nobody knows which of them was surveyed there.
    public func isSurveyed(forRiver name: String?, scenario: String?, of river: LocalizedText?) -> Bool {
        if let scenario, scenario != self.scenario { return false }
        guard let name else { return riverAttribute == nil }
        return river?.texts.values.contains(name) ?? false
    }

    /// The attribute in which a layer of surveyed areas names the river of each.
    public var coverageRiverAttribute: String { riverAttribute ?? "river" }

    /// The scheme by its name: the town's own, or an official one.
    public var classScheme: ClassScheme? {
        townScheme ?? scheme.flatMap { ClassScheme.official[$0] }
    }
}

/// Where a hazard was surveyed. Outside of it, and wherever it is not given, the answer is “unknown”.
public enum HazardCoverage: Sendable, Equatable, Codable {
    /// A file beside the layer.yaml.
    case file(String)
    /// Another layer.
    case layer(String)
    /// A box, longitude and latitude in degrees; only where the finding `coverage-bbox` is accepted.
    case box(Envelope)
}

/// How a layer is drawn.
public struct StyleDescription: Sendable, Codable, Equatable {
    /// The first zoom at which the layer is drawn, 0 to 22.
    public var minZoom: Double?
    /// The last one, 0 to 24; hazards are drawn beyond it too.
    public var maxZoom: Double?
    public var color: Color?
    public var outline: Color?
    /// Of lines, borders and the radius of points, in pixels; `widthLimit` at most.
    public var width: Double?
    /// Tiles hold what lies up to 8 pixels beyond their edge (64 units of 4,096 on 512 pixels): a wider stroke would end there.
    public static let widthLimit = 16.0
    /// 0 to 1.
    public var opacity: Double?
    /// The attribute written on the map.
    public var label: String?
    /// Layers of a higher number are drawn over those of a lower one.
    public var order: Int?
    /// The attribute of numbers that says which features matter more, where a tile far out cannot hold all; nil: the larger and longer do. It decides when the
    /// layer is loaded, so that a change of it takes a new version; and everybody sees what it decides, so it is never a hidden one.
    public var importance: String?
    /// The attribute that chooses the colour.
    public var by: String?
    /// The colours by the values of `by`, in the order of the file.
    public var colors: [ValueColor]

    public init(
        minZoom: Double? = nil, maxZoom: Double? = nil, color: Color? = nil, outline: Color? = nil, width: Double? = nil,
        opacity: Double? = nil, label: String? = nil, order: Int? = nil, importance: String? = nil, by: String? = nil,
        colors: [ValueColor] = []
    ) {
        self.minZoom = minZoom
        self.maxZoom = maxZoom
        self.color = color
        self.outline = outline
        self.width = width
        self.opacity = opacity
        self.label = label
        self.order = order
        self.importance = importance
        self.by = by
        self.colors = colors
    }

    public struct ValueColor: Sendable, Codable, Equatable {
        public var value: String
        public var color: Color

        public init(value: String, color: Color) {
            self.value = value
            self.color = color
        }
    }
}
