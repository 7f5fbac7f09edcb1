public import CQL2

/// What is asked across two layers: which target features meet which overlay features, in groups, and figures for each group.
///
/// A parsed `/processes/overlay`: the process's inputs, within the limits.
public struct OverlayRequest: Sendable, Equatable {
    public enum Side: String, Sendable, CaseIterable {
        case target
        case overlay
    }

    /// When a target and an overlay feature belong together. Borders count as the simple features standard (OGC 06-103r4, 6.1.15) has it.
    public enum Relation: Sendable, Equatable {
        /// They have a place in common.
        case intersects
        /// The target lies in the overlay.
        case within
        /// The overlay lies in the target.
        case contains
        /// They are at most so many metres apart over the ellipsoid.
        case distance(Double)
        /// The overlay is one of so many nearest to the target, and at most so many metres away; equally near ones in the order of their ids.
        case nearest(Int, within: Double?)
    }

    /// An attribute of one of the two layers.
    public struct Property: Sendable, Hashable {
        public var side: Side
        public var name: String

        public init(_ side: Side, _ name: String) {
            (self.side, self.name) = (side, name)
        }
    }

    /// A figure of a group. Each feature counts once in a group, on either side, however many features of the other side it meets there; null values do not count.
    public enum Aggregate: Sendable, Equatable {
        /// Target features.
        case count
        /// Different values.
        case distinct(Property)
        case sum(Property)
        case mean(Property)
        case min(Property)
        case max(Property)
        /// Square metres of the target polygons that lie in the union of the group's overlay polygons: where overlay features of a group lie
        /// one over another, the place counts once for a target feature.
        case area
        /// Metres of the target lines in the union of the group's overlay polygons and lines, or of the overlay lines in target polygons.
        case length
    }

    public var targetFilter: Expression?
    public var overlayFilter: Expression?
    public var relation: Relation
    public var groupBy: [Property]
    public var aggregates: [Aggregate]

    public init(
        targetFilter: Expression? = nil, overlayFilter: Expression? = nil, relation: Relation, groupBy: [Property] = [],
        aggregates: [Aggregate] = [.count]
    ) {
        (self.targetFilter, self.overlayFilter, self.relation) = (targetFilter, overlayFilter, relation)
        (self.groupBy, self.aggregates) = (groupBy, aggregates)
    }
}

/// How much one overlay may take.
public struct OverlayLimits: Sendable, Equatable {
    /// Groups in the result.
    public var groups = 100_000
    /// Groups times columns.
    public var values = 600_000
    /// Vertices of overlay features that are held in memory (those of more than 32), some 50 bytes each.
    public var overlayVertices = 16 << 20
    /// Pairs of a group and a value, or of a group and an overlay feature, that `distinct` and figures of overlay attributes remember; 16 bytes each.
    public var remembered = 8 << 20
    /// Threads; each has a GEOS context of its own. The result does not depend on it.
    public var threads = 2

    public init() {}
}
