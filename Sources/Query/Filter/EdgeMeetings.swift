import Geo

/// How often the edges of geometries meet: cross, touch or run along each other, but for neighbours on one line.
///
/// Relations that GEOS has not prepared cut every edge at every such place, each time anew: some 10 µs and 2 KB a place. A few kilobytes of lines
/// across each other make a million of them, so they are counted before.
struct EdgeMeetings {
    /// The most that the edges of a filter's geometries may meet: a tenth of a second for a feature, and 20 MB.
    static let ofLiteral = 10_000
    /// The most that a stored feature and a geometry of the filter may meet together.
    static let withFeature = 50_000

    /// From the lesser x to the greater.
    private struct Edge {
        var (ax, ay, bx, by): (Double, Double, Double, Double)
        /// Numbers of the edge that comes before on the same line, and after; -1 for none.
        var before: Int32
        var after: Int32
        var number: Int32

        init(_ a: Point, _ b: Point, number: Int) {
            (ax, ay, bx, by) = a.x <= b.x ? (a.x, a.y, b.x, b.y) : (b.x, b.y, a.x, a.y)
            (before, after, self.number) = (-1, -1, Int32(truncatingIfNeeded: number))
        }

        /// With x and y changed.
        var turned: Edge {
            var edge = self
            (edge.ax, edge.ay, edge.bx, edge.by) = ay <= by ? (ay, ax, by, bx) : (by, bx, ay, ax)
            return edge
        }

        @inline(__always)
        func meets(_ other: Edge) -> Bool {
            guard max(ay, by) >= min(other.ay, other.by), min(ay, by) <= max(other.ay, other.by) else { return false }
            guard other.number != before, other.number != after else { return false }
            // Where both ends of one lie on one side of the other they are apart. Rounding may miss a touch: this is a bound, no answer.
            return !isBeside(other) && !other.isBeside(self)
        }

        @inline(__always)
        private func isBeside(_ other: Edge) -> Bool {
            let first = (bx - ax) * (other.ay - ay) - (by - ay) * (other.ax - ax)
            let last = (bx - ax) * (other.by - ay) - (by - ay) * (other.bx - ax)
            return (first > 0 && last > 0) || (first < 0 && last < 0)
        }
    }

    private var edges: [Edge] = []

    init() {}

    init(_ geometry: borrowing Geometry) { add(geometry, within: nil) }

    /// - Parameter box: what lies beyond can meet nothing; nil takes all edges.
    mutating func add(_ geometry: borrowing Geometry, within box: Envelope?) {
        for ring in geometry.ringEnds.indices {
            let vertices = geometry.vertices(ofRing: ring)
            let start = edges.count
            // Numbers count the edges that are left out too, so that only true neighbours are taken for such.
            var number = Int(edges.last?.number ?? -1) + 2
            let firstNumber = number
            var isWhole = true
            for i in vertices.dropFirst() {
                let (a, b) = (geometry.vertex(i - 1), geometry.vertex(i))
                if a == b { continue }
                defer { number += 1 }
                if let box, max(a.x, b.x) < box.minX || min(a.x, b.x) > box.maxX || max(a.y, b.y) < box.minY || min(a.y, b.y) > box.maxY {
                    isWhole = false
                    continue
                }
                var edge = Edge(a, b, number: number)
                edge.before = Int32(truncatingIfNeeded: number - 1)
                edge.after = Int32(truncatingIfNeeded: number + 1)
                edges.append(edge)
            }
            guard isWhole, edges.count - start > 1, geometry.vertex(vertices.lowerBound) == geometry.vertex(vertices.upperBound - 1) else {
                continue
            }
            edges[start].before = Int32(truncatingIfNeeded: number - 1)
            edges[edges.count - 1].after = Int32(truncatingIfNeeded: firstNumber)
        }
    }

    /// - Throws: `overdue`
    /// - Complexity: O(n log n + pairs that lie side by side along x, or along y, whichever are fewer)
    func areMore(than limit: Int, _ deadline: Deadline) throws(QueryError) -> Bool {
        guard edges.count > 1 else { return false }
        let turned = edges.map(\.turned)
        var swept = EdgeMeetings.sideBySide(turned) < EdgeMeetings.sideBySide(edges) ? turned : edges
        swept.sort { $0.ax < $1.ax }
        try deadline.check()
        var (met, looks) = (0, 0)
        for i in swept.indices {
            let edge = swept[i]
            var j = i + 1
            while j < swept.count && swept[j].ax <= edge.bx {
                if edge.meets(swept[j]) {
                    met += 1
                    if met > limit { return true }
                }
                j += 1
            }
            looks += j - i
            if looks > 1 << 20 {
                looks = 0
                try deadline.check()
            }
        }
        return false
    }

    /// Grows with the pairs of edges that share an x: for each edge, those that begin before it ends.
    private static func sideBySide(_ edges: [Edge]) -> Int {
        let starts = edges.map(\.ax).sorted()
        var (total, begun) = (0, 0)
        for end in edges.map(\.bx).sorted() {
            while begun < starts.count && starts[begun] <= end { begun += 1 }
            total += begun
        }
        return total
    }
}
