public import CQL2
public import Geo

/// What a client asks of a collection's items (OGC 17-069r4, 7.15), already parsed and within the limits.
public struct ItemsRequest: Sendable, Equatable {
    /// Only features whose geometry meets the area, and those without a geometry; nil asks for all.
    public var area: BoxArea?
    /// Only features whose time meets the span, and those without a time; nil asks for all.
    public var time: TimeSpan?
    /// Only features whose attribute has this value, given as the text of the query string. All must hold.
    public var equals: [Equality]
    /// Only features of which the filter is true; its coordinates are longitude and latitude in degrees. Nil asks for all.
    public var filter: Expression?
    /// Only features that meet this polygon, in degrees, and those without a geometry: a box of a plane zone is none in degrees. Nil asks for all.
    public var outline: Geometry?
    /// By which attributes the answer is ordered, the first before the others; empty for the order of the layer file.
    public var sort: [SortKey]
    /// The most features to answer, 1 to 10,000.
    public var limit: Int
    public var position: Position
    /// Whether all that hold are counted besides, as far as time allows; a walk by cursor knows from its first page.
    public var counts = true

    /// One `name=value` of the query string.
    public struct Equality: Sendable, Equatable {
        public var attribute: String
        public var value: String

        public init(attribute: String, value: String) {
            self.attribute = attribute
            self.value = value
        }
    }

    /// One key of `sortby`.
    public struct SortKey: Sendable, Equatable {
        public var attribute: String
        public var isDescending: Bool

        public init(attribute: String, isDescending: Bool = false) {
            self.attribute = attribute
            self.isDescending = isDescending
        }
    }

    /// Where the page begins.
    public enum Position: Sendable, Equatable {
        case start
        /// So many matching features are passed over.
        case offset(Int)
        /// The row with which the page begins, in whichever order. Cheap at any depth.
        case row(Int)
    }

    public init(
        area: BoxArea? = nil, time: TimeSpan? = nil, equals: [Equality] = [], filter: Expression? = nil, outline: Geometry? = nil,
        sort: [SortKey] = [], limit: Int = 10, position: Position = .start
    ) {
        self.area = area
        self.time = time
        self.equals = equals
        self.filter = filter
        self.outline = outline
        self.sort = sort
        self.limit = limit
        self.position = position
    }
}

/// A `bbox` (OGC 17-069r4, 7.15.3): one box in degrees, or two where it crosses the antimeridian (its west edge lies east of its east edge).
public struct BoxArea: Sendable, Equatable {
    /// One or two boxes, each with west ≤ east.
    public let boxes: [Envelope]

    /// Nil unless all four numbers are finite, longitudes within ±180, latitudes within ±90, and south ≤ north.
    public init?(west: Double, south: Double, east: Double, north: Double) {
        guard [west, south, east, north].allSatisfy(\.isFinite), abs(west) <= 180, abs(east) <= 180 else { return nil }
        guard abs(south) <= 90, abs(north) <= 90, south <= north else { return nil }
        if west <= east {
            boxes = [Envelope(minX: west, minY: south, maxX: east, maxY: north)]
        } else {
            boxes = [
                Envelope(minX: -180, minY: south, maxX: east, maxY: north),
                Envelope(minX: west, minY: south, maxX: 180, maxY: north),
            ]
        }
    }
}

/// A `datetime` (OGC 17-069r4, 7.15.4): an instant or an interval, ends included, either end open.
public struct TimeSpan: Sendable, Equatable {
    /// Microseconds since 1970-01-01T00:00:00Z; nil is open.
    public var start: Int64?
    public var end: Int64?

    public init(start: Int64?, end: Int64?) {
        self.start = start
        self.end = end
    }
}
