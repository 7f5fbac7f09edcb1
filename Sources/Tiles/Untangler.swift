/// Makes valid polygons of rings that touch, cross or overlap on the grid, without a repair library and without losing area.
///
/// What is inside is where the rings wind around at least once: shells count one, holes count minus one. So holes never become shells,
/// what two polygons both cover is covered once, and the bridges a clipped ring has along the tile's edge cancel.
///
/// 1. *Segments*: the rings' edges; what runs to and fro along the same edge cancels.
/// 2. *Snap rounding*: every vertex and every crossing makes its grid cell hot; each segment is bent to the centres of the hot cells it
///    passes. Then segments have at most their ends in common, and nothing moved by more than half a grid unit along an axis.
///    Rule: Guibas, Marimont, “Rounding arrangements dynamically”, 1995; J. Hobby, “Practical segment intersection with finite
///    precision output”, 1999. Exact, because everything is a whole number of 13 bits. Where every crossing lies on the grid, as with
///    mere contacts and bridges, segments are only divided there and nothing moves at all.
/// 3. *Sweep* (`Untangler+Faces.swift`): the winding number on both sides of each segment; those with inside on just one side are border.
/// 4. *Rings*: follow the border so that the same piece of inside stays on the right, and cut where a vertex repeats.
struct Untangler: ~Copyable {
    /// A piece of the arrangement from its north end to its south end (ordered by y, then x).
    struct Edge: LineSegment {
        var upper: GridPoint
        var lower: GridPoint
        /// How many times more the rings run down it than up.
        var balance: Int32
        /// How often the rings wind around the area to its west, and to its east.
        var windingWest: Int32 = 0
        var windingEast: Int32 = 0
        /// The border's next edge, once known.
        var next: Int32 = -1
        var upperNode: Int32 = 0
        var lowerNode: Int32 = 0
        var cycle: Int32 = -1

        var north: FinePoint { FinePoint(x: Int64(upper.x), y: Int64(upper.y)) }
        var south: FinePoint { FinePoint(x: Int64(lower.x), y: Int64(lower.y)) }

        var isInsideWest: Bool { windingWest > 0 }
        var isInsideEast: Bool { windingEast > 0 }
        var isBorder: Bool { isInsideWest != isInsideEast }
    }

    /// Segments as numbers that sort by their north end, then their south end: 26 bits each, then one that is set when it runs up.
    var segments = Scratch<UInt64>(capacity: 256)
    var spare = Scratch<UInt64>(capacity: 256)
    var edges = Scratch<Edge>(capacity: 256)

    // For the rounding, see Untangler+Rounding.swift.

    var hot = HotCells()
    var pairs = NearPairs()
    /// Some crossing lies between the places of the grid.
    var needsBending = false
    /// The hot cells along one segment.
    var chain = Scratch<GridPoint>()

    // For the sweep and the rings, see Untangler+Faces.swift.
    var ends = Scratch<UInt64>(capacity: 256)
    var status = Scratch<Int32>()
    var fan = Scratch<Int32>()
    var spokes = Scratch<Spoke>()
    var sameFace = Scratch<(Int32, Int32)>()
    var stack = Scratch<PathVertex>()
    var heightOnStack = Scratch<Int32>()
    var loops = Scratch<Loop>()
    var faces = Scratch<Int32>()
    /// The vertices of `loops`.
    var points = Scratch<GridPoint>(capacity: 256)

    /// Replaces the rings by those of a valid polygon or multipolygon with the same inside; by none when the limit is reached.
    /// - Complexity: O(segments × log segments) plus the pairs of segments that lie beside each other, and the grid rows they pass.
    mutating func untangle(_ rings: inout GridRings, within limit: inout WorkLimit) {
        segments.removeAll()
        for number in 0..<rings.rings.count {
            let ring = rings.rings[number]
            var from = rings.points[ring.end - 1]
            for i in ring.start..<ring.end {
                let to = rings.points[i]
                addSegment(from, to)
                from = to
            }
        }
        collectEdges()
        heatCells(within: &limit)
        if !limit.isReached { bendSegments(within: &limit) }
        resolve(&rings, within: &limit)
    }

    /// Replaces the rings by those of the polygon or multipolygon that `segments`, which have at most their ends in common, wind around; by none when the
    /// limit is reached.
    mutating func resolve(_ rings: inout GridRings, within limit: inout WorkLimit) {
        rings.removeAll()
        if limit.isReached { return }
        collectEdges()
        var winding = Winding()
        sweep(&winding, within: &limit)
        if limit.isReached { return }
        traceRings()
        groupRings(into: &rings)
    }

    @inline(__always)
    mutating func addSegment(_ from: GridPoint, _ to: GridPoint) {
        let a = from.key
        let b = to.key
        if a < b {
            segments.append(a << 27 | b << 1)
        } else if b < a {
            segments.append(b << 27 | a << 1 | 1)
        }
    }

    /// Sorts the segments and makes one edge of those that are the same, unless they cancel.
    private mutating func collectEdges() {
        segments.sort(bits: 1..<53, spare: &spare)
        edges.removeAll()
        var i = 0
        while i < segments.count {
            let line = segments[i] >> 1
            var balance: Int32 = 0
            while i < segments.count && segments[i] >> 1 == line {
                balance += segments[i] & 1 == 0 ? 1 : -1
                i += 1
            }
            if balance != 0 {
                edges.append(Edge(upper: GridPoint(key: line >> 26), lower: GridPoint(key: line & 0x3FF_FFFF), balance: balance))
            }
        }
    }
}
