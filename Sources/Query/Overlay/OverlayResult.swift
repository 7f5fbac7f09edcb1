public import Geo

/// The table that an overlay gives: one row a group, in ascending order of the groups' values, nulls last.
///
/// Without grouping there is exactly one row, whatever was found.
public struct OverlayResult: Sendable, Equatable {
    public struct Column: Sendable, Equatable {
        public var name: String
        public var type: AttributeType
        /// `m2` or `m`; nil for counts and attributes.
        public var unit: String?
    }

    public var columns: [Column]
    public var rows: [[AttributeValue]]
    /// Target features that passed the filter and have a geometry.
    public var targetCount: Int
    /// Those of them that belong to no overlay feature.
    public var unmatchedCount: Int
    /// Why figures may be too small or are not there; empty when all that was asked is known.
    public var notes: [Note]

    /// Something that is not known. It is never to be read as “none”.
    public struct Note: Sendable, Equatable {
        public enum Code: String, Sendable, CaseIterable {
            /// Features could not be loaded; where they lie nothing is known.
            case incomplete
            /// Nobody said where the hazard was surveyed.
            case noCoverage = "no-coverage"
            /// Target features that no overlay feature meets lie outside of what was surveyed.
            case notSurveyed = "not-surveyed"
            /// Target features that overlay features meet lie partly outside of what was surveyed.
            case partlySurveyed = "partly-surveyed"
            /// The class of overlay features is not known, and the filter chooses by class.
            case unknownClass = "unknown-class"
            /// Features without a geometry were left out.
            case noGeometry = "no-geometry"
            /// A sum or a mean is larger than a number can be, and is left empty.
            case tooLarge = "too-large"
        }

        public var code: Code
        public var side: OverlayRequest.Side
        /// How many features it concerns, where that is known.
        public var features: Int?
        public var text: LocalizedText
    }
}
