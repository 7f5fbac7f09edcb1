import Descriptions
import Geo

/// What can happen at a place: one entry for each layer, river and scenario, the gravest first.
public struct HazardReport: Sendable {
    public var point: Point
    public var hazards: [HazardEntry]
    /// The nearest first; none that its layer says is not for a hazard which the place lies in.
    public var shelters: [NearbyShelter]
}

/// Whether a hazard reaches a place.
public enum HazardStatus: String, Sendable, CaseIterable {
    /// 該当: the place lies in the hazard's area, or on its border.
    case inside
    /// 想定区域外: the place was surveyed, and lies outside.
    case outside
    /// 未整備・判定不能. Never to be shown as safe.
    case unknown
}

/// Why an answer is `unknown`; raw values are stable.
public enum UnknownReason: String, Sendable, CaseIterable {
    /// The town expects the hazard, and no layer of it is there for this viewer.
    case notLoaded = "not-loaded"
    /// The layer is there and cannot be read.
    case unreadable
    /// Nobody said where the hazard was surveyed.
    case noCoverage = "no-coverage"
    /// The place lies outside of what was surveyed.
    case notSurveyed = "not-surveyed"
    /// Features of the layer are missing that may have lain here.
    case incomplete
}

/// One hazard of one river and scenario at a place.
public struct HazardEntry: Sendable {
    /// Nil for a hazard that the town answers for and no layer holds.
    public var layer: String?
    public var title: LocalizedText?
    public var kind: String
    public var scenario: String?
    public var river: LocalizedText?
    public var status: HazardStatus
    public var reason: UnknownReason?
    /// Inside only; nil too where the class is not known, which is not a lesser class.
    public var found: FoundClass?
    /// Inside, the class as the data have it, where no scheme explains it.
    public var value: String?
    /// Identifiers of the features that the place lies in, at most `HazardFinder.featureLimit`.
    public var features: [String] = []
    public var baseDate: Day?
    public var attribution: LocalizedText?

    /// The kind of a layer of which not even that can be read.
    public static let unknownKind = "unknown"

    /// 0 to 100 for what is inside; a class that is not known weighs as the gravest.
    var gravity: Int { found?.hazardClass.gravity ?? 100 }

    /// Inside before unknown before outside; the graver first; then in an order that does not change.
    static func precedes(_ left: HazardEntry, _ right: HazardEntry) -> Bool {
        func rank(_ entry: HazardEntry) -> Int { entry.status == .inside ? 0 : entry.status == .unknown ? 1 : 2 }
        if rank(left) != rank(right) { return rank(left) < rank(right) }
        if left.status == .inside, left.gravity != right.gravity { return left.gravity > right.gravity }
        func key(_ entry: HazardEntry) -> [String] {
            [entry.kind, entry.scenario ?? "", entry.river?.text("ja") ?? "", entry.layer ?? ""]
        }
        return key(left).lexicographicallyPrecedes(key(right))
    }
}

/// A class and the scheme it is of.
public struct FoundClass: Sendable, Equatable {
    public var scheme: ClassScheme
    public var hazardClass: HazardClass
}

/// A shelter near a place.
public struct NearbyShelter: Sendable {
    public var layer: String
    public var identifier: String
    public var name: LocalizedText?
    /// In a straight line over the ellipsoid, in metres; roads are longer.
    public var distance: Double
    public var location: Point
    public var address: String?
    /// For which kinds of hazard the shelter is designated, by kind; kinds that the layer says nothing about are not in it.
    public var designated: [(kind: String, isDesignated: Bool)]
}
