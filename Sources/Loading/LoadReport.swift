public import Foundation
public import Geo

/// What a load did, for people and programs, whether it went well or not.
public struct LoadReport: Sendable, Codable {
    public struct Source: Sendable, Codable {
        public var name: String
        public var byteCount: Int?
        public var sha256: String?
        /// Every file, where there are several.
        public var files: [OriginalFile]
    }

    public struct Encoding: Sendable, Codable {
        public var name: String
        /// `given`, `companion`, `format` or `detected`.
        public var how: String
    }

    public struct ReferenceSystem: Sendable, Codable {
        /// `EPSG:6677`; nil for one known only by its text.
        public var id: String?
        public var name: String
        /// `given` by the person who loads, from the `file`, or `assumed`.
        public var how: String
        public var projected: Bool
        /// What PROJ ran to reach longitude and latitude on JGD2011, step by step; empty when nothing.
        public var pipeline: [String]
        /// How the datum was shifted, in a word: `none`, `grid`, `assumed-equal`, `three-parameter`, `found`.
        public var shift: String
        public var grids: [String]
    }

    public struct Counts: Sendable, Codable {
        /// Features in the source.
        public var source = 0
        public var loaded = 0
        public var rejected = 0
        /// Of those loaded: without geometry.
        public var withoutGeometry = 0
        public var repaired = 0
        /// Of those loaded: the layer had them before and they keep their numbers.
        public var kept = 0
        public var vertices = 0

        /// Every feature was either loaded or rejected.
        public var areConserved: Bool { source == loaded + rejected }
    }

    /// Areas of repaired features in square metres (on a sphere; for comparison).
    public struct Areas: Sendable, Codable {
        public var before = 0.0
        public var after = 0.0
    }

    public struct Column: Sendable, Codable {
        public var name: String
        public var source: String
        public var type: AttributeType
        public var visibility: Visibility
        public var nulls: Int
    }

    public struct Outcome: Sendable, Codable {
        /// `loaded`, `refused` or `checked`.
        public var status: String
        public var version: String?
        public var published: Bool
        /// Why it was refused.
        public var error: String?
        public var message: LocalizedText?
    }

    public var layer: String
    public var outcome: Outcome
    public var source: Source
    public var driver: String?
    public var sourceLayer: String?
    public var encoding: Encoding?
    public var crs: ReferenceSystem?
    public var jail: ImportJail.Kind?
    public var counts = Counts()
    public var repairedArea: Areas?
    public var findings: [Finding] = []
    public var columns: [Column] = []
    public var extent: Envelope?
    /// Of a degree, as stored.
    public var decimals: Int?
    /// Places of hazards that could not be loaded, where nothing is known.
    public var unknownAreas = 0
    public var unknownEverywhere = false
    /// Why codes were accepted, by code, where somebody said so.
    public var reasons: [String: String] = [:]
    public var startedAt: String
    public var seconds = 0.0
    public var featuresPerSecond: Double?
    /// Layer files that the catalogue has no record of, which lay in the layer's folder, where they are now; nil for none. See `LoadCleanup`.
    public internal(set) var setAside: [String]?
    /// Layer files that had been set aside and that the catalogue knows again, where they are now.
    public internal(set) var restored: [String]?
    /// The command was asked wrongly.
    var isUsageError: Bool?

    public init(layer: String, source: String, startedAt: Date) {
        self.layer = layer
        outcome = Outcome(status: "refused", version: nil, published: false, error: nil, message: nil)
        self.source = Source(name: source, byteCount: nil, sha256: nil, files: [])
        self.startedAt = startedAt.formatted(.iso8601)
    }

    /// Codes that stop the load.
    public var openFindings: [Finding] { findings.filter(\.isOpen) }

    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return try encoder.encode(self)
    }

    /// For the catalogue: the same with fewer places, so that it stays small, and without the files that others left.
    func brief(places: Int = 20) -> LoadReport {
        var result = self
        (result.setAside, result.restored) = (nil, nil)
        for index in result.findings.indices { result.findings[index].places = Array(findings[index].places.prefix(places)) }
        return result
    }
}
