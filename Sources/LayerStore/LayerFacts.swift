public import FoundationEssentials
public import Geo

/// What is known about a layer version besides its rows: where it came from, and, for a hazard, where it was surveyed.
///
/// Kept inside the layer file, so that a version is whole without the catalogue.
public struct LayerFacts: Codable, Sendable, Equatable {
    /// The source's coordinate reference system, like `EPSG:6677`.
    public var crs: String?
    /// The same as well-known text, as the source gave it.
    public var crsText: String?
    /// The operation that took the source's coordinates to longitude and latitude; nil where they already were.
    public var pipeline: String?
    /// The name of the file that was loaded.
    public var sourceName: String?
    /// SHA-256 of that file, hexadecimal.
    public var sourceHash: String?
    /// When it was loaded, RFC 3339 in UTC.
    public var loadedAt: String?
    /// Where a hazard was surveyed. Empty: nowhere that is known of, so outside the features nothing is known.
    public var coverage: [CoverageArea] = []
    /// The id of a layer that holds the coverage instead.
    public var coverageLayer: String?
    /// Where features lie that could not be loaded, in degrees: inside, nothing is known.
    public var unknownAreas: [Envelope] = []
    /// A feature could not be loaded and not even its envelope is known: outside the features nothing is known.
    public var unknownEverywhere = false
    /// Features in the source.
    public var sourceCount: Int?
    /// Features of the source that are not in the layer.
    public var rejectedCount = 0

    public init() {}
}

/// An area that a hazard survey covered.
public struct CoverageArea: Codable, Sendable, Equatable {
    /// The river surveyed; nil where the layer has one only.
    public var river: String?
    public var scenario: String?
    /// Polygons in longitude and latitude as well-known binary.
    public var wkb: Data

    public init(river: String? = nil, scenario: String? = nil, wkb: Data) {
        self.river = river
        self.scenario = scenario
        self.wkb = wkb
    }
}
