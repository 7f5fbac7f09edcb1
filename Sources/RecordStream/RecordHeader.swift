public import Geo

/// What a source is, said once before its features.
public struct RecordHeader: Sendable, Codable, Equatable {
    /// The format's name as GDAL has it: `ESRI Shapefile`, `GPKG`, `GeoJSON`, …
    public var driver: String
    /// Every layer of the source.
    public var layers: [String]
    /// The one whose features follow.
    public var layer: String
    /// The coordinate reference system the file names; nil when it names none, or none that can be told.
    public var crs: SourceCRS?
    /// How bytes became text; nil where the format has only UTF-8 and nothing was to be decided.
    public var encoding: SourceEncoding?
    /// The attributes, in the order of the values of every feature.
    public var fields: [RecordField]
    /// As the file declares it (`Polygon`, `Point`, `Unknown`, …); features may be otherwise.
    public var geometryType: String
    /// As the file declares it, not counted.
    public var featureCount: Int?
    /// As the file declares it, in the source's own coordinates, x east and y north.
    public var extent: Envelope?
    /// Things about the whole source that a person should know.
    public var notes: [RecordNote]

    public init(
        driver: String, layers: [String], layer: String, crs: SourceCRS? = nil, encoding: SourceEncoding? = nil, fields: [RecordField],
        geometryType: String = "Unknown", featureCount: Int? = nil, extent: Envelope? = nil, notes: [RecordNote] = []
    ) {
        self.driver = driver
        self.layers = layers
        self.layer = layer
        self.crs = crs
        self.encoding = encoding
        self.fields = fields
        self.geometryType = geometryType
        self.featureCount = featureCount
        self.extent = extent
        self.notes = notes
    }
}

/// One attribute as the source has it.
public struct RecordField: Sendable, Codable, Equatable {
    public var name: String
    public var type: AttributeType
    /// The width the source declares, in its own measure (bytes in a DBF); nil when it declares none.
    public var width: Int?

    public init(name: String, type: AttributeType, width: Int? = nil) {
        self.name = name
        self.type = type
        self.width = width
    }
}

/// A coordinate reference system as well-known text, with its registered name where that is certain.
public struct SourceCRS: Sendable, Codable, Equatable {
    public var wkt: String
    /// `EPSG`, `OGC`, …; nil when the text matches nothing registered.
    public var authority: String?
    public var code: String?
    public var name: String
    /// Coordinates are metres on a plane, not degrees.
    public var projected: Bool

    public init(wkt: String, authority: String? = nil, code: String? = nil, name: String, projected: Bool) {
        self.wkt = wkt
        self.authority = authority
        self.code = code
        self.name = name
        self.projected = projected
    }
}

/// The encoding text was read with, and who said so.
public struct SourceEncoding: Sendable, Codable, Equatable {
    public enum Origin: String, Sendable, Codable {
        /// The person who loads said so.
        case given
        /// A file beside the data (`.cpg`) said so.
        case companion
        /// The format or a byte order mark said so.
        case format
        /// Every byte was looked at.
        case detected
    }

    /// `UTF-8`, `CP932`, `EUC-JP`, …
    public var name: String
    public var how: Origin

    public init(name: String, how: Origin) {
        self.name = name
        self.how = how
    }
}

/// Something about the whole source, under a stable code.
public struct RecordNote: Sendable, Codable, Equatable {
    public var code: String
    public var detail: String

    public init(code: String, detail: String) {
        self.code = code
        self.detail = detail
    }
}

/// Something wrong with one value or one row, found while reading, under a stable code.
public struct RecordProblem: Sendable, Codable, Equatable {
    public var code: String
    /// The row as in the batches; nil when it is not about one row.
    public var row: UInt64?
    public var field: String?
    /// In words, without the value itself.
    public var detail: String
    /// How many there were, when this one stands for several that were not sent one by one.
    public var count: UInt64?

    public init(code: String, row: UInt64? = nil, field: String? = nil, detail: String, count: UInt64? = nil) {
        self.code = code
        self.row = row
        self.field = field
        self.detail = detail
        self.count = count
    }
}

/// Why a source was not read (to its end); nothing follows it.
public struct RecordFailure: Error, Sendable, Codable, Equatable {
    public var code: String
    public var message: String
    /// What the code asks about, such as the layers to choose from.
    public var names: [String]?

    public init(code: String, message: String, names: [String]? = nil) {
        self.code = code
        self.message = message
        self.names = names
    }
}
