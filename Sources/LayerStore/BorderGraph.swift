import Geo

/// The borders of a layer: its places, and the *arcs* between the places where borders meet.
///
/// A place is a *node* where other than two edges meet, where one of the outlines along its two edges is not along the other, or where a line ends; of a ring
/// without nodes the least place is one. Between nodes run arcs. Every outline that has a vertex of an arc runs along all of the arc, so whatever is
/// left out of the arc is left out of all its outlines alike.
final class BorderGraph {
    /// A place on an arc between its two neighbours, which change as places go.
    struct Link: BitwiseCopyable {
        /// In the order of the arc.
        var neighbours: (UInt32, UInt32) = (.max, .max)
        /// World units: no outline is farther than this from the edges to the neighbours.
        var bounds: (UInt32, UInt32) = (0, 0)
        /// The bound of the edge between its neighbours, if the place goes.
        var key: UInt32 = .max
        var arc: UInt32 = .max
    }

    struct Arc: BitwiseCopyable {
        var from: UInt32
        var to: UInt32
        /// Places between its ends.
        var count: UInt32 = 0
        /// It was found from its greater end to its lesser.
        var isReversed = false
        /// Square world units, twice: what its left side has lost to its right side.
        var drift: Int64 = 0
        /// The smallest and the largest ring along it.
        var smallest = RingShare(area: .infinity, limit: .max)
        var largest = RingShare(area: 0, limit: .max)

        /// How much it may drift either way when rings below an area are not drawn by themselves.
        func driftLimit(leastArea: Double) -> Int64 {
            if smallest.area >= leastArea { return smallest.limit }
            return largest.area >= leastArea ? largest.limit : .max
        }
    }

    /// Of a ring, in square world units, twice: its area, and its arc's share of what that may change by.
    struct RingShare: BitwiseCopyable {
        var area: Double
        var limit: Int64
    }

    struct State: BitwiseCopyable {
        var rawValue: UInt8 = 0

        /// Places where borders meet stay for ever.
        var isNode: Bool {
            get { rawValue & 0x80 != 0 }
            set { rawValue = rawValue & 0x7F | (newValue ? 0x80 : 0) }
        }
        /// It could not go; it may when others have gone.
        var isBlocked: Bool {
            get { rawValue & 0x40 != 0 }
            set { rawValue = rawValue & 0xBF | (newValue ? 0x40 : 0) }
        }
        /// The lowest zoom at which it is drawn; 0 while it stays.
        var zoom: Int {
            get { Int(rawValue & 0x1F) }
            set { rawValue = rawValue & 0xE0 | UInt8(newValue) }
        }
        var isGone: Bool { rawValue & 0x1F != 0 }
    }

    /// Which way the line may be straightened at a place without taking from a graver class: the triangle that changes sides lies to the right, or left,
    /// going from the first neighbour to the second.
    struct Freedom: OptionSet, BitwiseCopyable {
        var rawValue: UInt8
        static let right = Freedom(rawValue: 1)
        static let left = Freedom(rawValue: 2)
    }

    /// Web Mercator world units.
    let places: WorkingRun<SIMD2<Int32>>
    let placeCount: Int
    let states: WorkingRun<State>
    let links: WorkingRun<Link>
    let arcs: WorkingRun<Arc>
    /// Edges between two nodes; arcs without places between them too.
    let straight: EdgeTable
    /// Only where classes are.
    let freedoms: WorkingRun<Freedom>?

    private let outlines: WorkingRun<Outline>
    /// For each vertex of the layer its place.
    private let placeOfVertex: WorkingRun<UInt32>
    private let edges: EdgeTable?

    /// - Parameters:
    ///   - vertices: of the whole layer, x and y in turn; at most `Simplification.vertexLimit`.
    ///   - hasRanks: what one area loses to another counts.
    ///   - scratch: makes memory that is given back at the end of this.
    init(
        _ vertices: UnsafeBufferPointer<Int32>, _ outlines: WorkingRun<Outline>, hasRanks: Bool, memory: WorkingMemory,
        passing: () -> WorkingMemory
    ) throws(LayerFileError) {
        self.outlines = outlines
        let count = vertices.count / 2
        let placeOfVertex = try memory.run(of: UInt32.self, count: count)
        self.placeOfVertex = placeOfVertex
        do {
            let ownPassing = passing()
            var table = try PlaceTable(capacity: count, places: memory, slots: ownPassing)
            for i in 0..<count { placeOfVertex[i] = UInt32(table.number(SIMD2(vertices[2 * i], vertices[2 * i + 1]))) }
            (places, placeCount) = (table.places, table.count)
            withExtendedLifetime(ownPassing) {}
        }
        states = try memory.run(of: State.self, count: placeCount)
        links = try memory.run(of: Link.self, count: placeCount)
        for i in 0..<placeCount { links[i] = Link() }
        let ownPassing = passing()
        let flows = try ownPassing.run(of: Flow.self, count: placeCount)
        BorderGraph.findNodes(outlines, placeOfVertex, places, links, states, flows)
        withExtendedLifetime(ownPassing) {}

        let (arcCount, straightCount, edgeCount) = BorderGraph.count(outlines, placeOfVertex, placeCount, links, states)
        arcs = try memory.run(of: Arc.self, count: arcCount)
        straight = try EdgeTable(capacity: straightCount + arcCount, hasSides: false, in: memory)
        edges = hasRanks ? try EdgeTable(capacity: edgeCount, hasSides: true, in: memory) : nil
        freedoms = hasRanks ? try memory.run(of: Freedom.self, count: placeCount) : nil
        findArcs()
        limitDrift(vertices)
        if let edges, let freedoms { findFreedoms(vertices, edges, freedoms) }
    }

    // MARK: Nodes

    /// What outlines bring to a place along one edge and do not take away along the other; zero on an arc.
    private struct Flow: BitwiseCopyable {
        var forward: UInt64 = 0
        var backward: UInt64 = 0
    }

    /// The places of an outline one after another, repeated ones left out: `body` gets each edge.
    @inline(__always)
    private static func forEachEdge(
        _ range: Range<Int>, _ placeOfVertex: WorkingRun<UInt32>, _ body: (_ vertex: Int, _ from: Int, _ to: Int) -> Void
    ) {
        var from = Int(placeOfVertex[range.lowerBound])
        for vertex in range.dropFirst() {
            let to = Int(placeOfVertex[vertex])
            if to != from { body(vertex - 1, from, to) }
            from = to
        }
    }

    private static func forEachOutline(_ outlines: WorkingRun<Outline>, _ body: (Outline, Range<Int>) -> Void) {
        var start = 0
        for i in 0..<outlines.count {
            let outline = outlines[i]
            let end = Int(outline.end)
            if outline.role != .point && end > start { body(outline, start..<end) }
            start = end
        }
    }

    private static func findNodes(
        _ outlines: WorkingRun<Outline>, _ placeOfVertex: WorkingRun<UInt32>, _ places: WorkingRun<SIMD2<Int32>>,
        _ links: WorkingRun<Link>, _ states: WorkingRun<State>, _ flows: WorkingRun<Flow>
    ) {
        /// An outline goes from one place to another: it leaves the one (or comes to it), by the neighbour it leaves to.
        func pass(_ place: Int, by neighbour: Int, _ signature: UInt64, leaves: Bool) {
            let other = UInt32(neighbour)
            let (first, second) = links[place].neighbours
            if first == .max || first == other {
                links[place].neighbours.0 = other
                if leaves { flows[place].backward &+= signature } else { flows[place].forward &+= signature }
            } else if second == .max || second == other {
                links[place].neighbours.1 = other
                if leaves { flows[place].forward &-= signature } else { flows[place].backward &-= signature }
            } else {
                states[place].isNode = true
            }
        }
        forEachOutline(outlines) { outline, range in
            let signature = LevelOfDetail.hash(UInt64(outline.feature))
            forEachEdge(range, placeOfVertex) { _, from, to in
                pass(from, by: to, signature, leaves: true)
                pass(to, by: from, signature, leaves: false)
            }
            if outline.role == .line {
                states[Int(placeOfVertex[range.lowerBound])].isNode = true
                states[Int(placeOfVertex[range.upperBound - 1])].isNode = true
            }
        }
        for place in 0..<flows.count {
            let flow = flows[place]
            if links[place].neighbours.1 == .max || flow.forward != 0 || flow.backward != 0 { states[place].isNode = true }
        }
        // A ring alone. Others along it meet it nowhere, so they are the same ring and find this node.
        forEachOutline(outlines) { outline, range in
            if outline.role == .line { return }
            var least = Int(placeOfVertex[range.lowerBound])
            for vertex in range {
                let place = Int(placeOfVertex[vertex])
                if states[place].isNode { return }
                let (a, b) = (places[place], places[least])
                if (a.x, a.y) < (b.x, b.y) { least = place }
            }
            states[least].isNode = true
        }
    }

    // MARK: Arcs

    private static func count(
        _ outlines: WorkingRun<Outline>, _ placeOfVertex: WorkingRun<UInt32>, _ placeCount: Int, _ links: WorkingRun<Link>,
        _ states: WorkingRun<State>
    ) -> (arcs: Int, straight: Int, edges: Int) {
        var ends = 0
        for place in 0..<placeCount where !states[place].isNode {
            let (first, second) = links[place].neighbours
            ends += (states[Int(first)].isNode ? 1 : 0) + (states[Int(second)].isNode ? 1 : 0)
        }
        var (straight, edges) = (0, 0)
        forEachOutline(outlines) { outline, range in
            forEachEdge(range, placeOfVertex) { _, from, to in
                edges += 1
                if states[from].isNode && states[to].isNode { straight += 1 }
            }
        }
        return (ends / 2, straight, edges)
    }

    private func findArcs() {
        var count = 0
        BorderGraph.forEachOutline(outlines) { outline, range in
            BorderGraph.forEachEdge(range, placeOfVertex) { _, from, to in
                guard states[from].isNode else { return }
                if states[to].isNode {
                    _ = straight.insert(UInt32(from), UInt32(to))
                    return
                }
                if links[to].arc != .max { return }
                var arc = Arc(from: UInt32(from), to: 0)
                var (previous, place) = (from, to)
                while !states[place].isNode {
                    let (first, second) = links[place].neighbours
                    let next = Int(first) == previous ? second : first
                    links[place].neighbours = (UInt32(previous), next)
                    links[place].arc = UInt32(count)
                    arc.count += 1
                    (previous, place) = (place, Int(next))
                }
                arc.to = UInt32(place)
                // A loop's ends are one; the places beside it are not.
                arc.isReversed = place == from ? isLess(previous, to) : isLess(place, from)
                arcs[count] = arc
                count += 1
            }
        }
    }

    /// The area of a ring may change by this share of it, so that the area drawn stays within 5 % when rounding has had its part.
    private static let driftShare = 1.0 / 32

    /// Divides what a ring may gain or lose among its arcs, by their edges.
    private func limitDrift(_ vertices: UnsafeBufferPointer<Int32>) {
        BorderGraph.forEachOutline(outlines) { outline, range in
            if outline.role == .line { return }
            let ring = UnsafeBufferPointer(rebasing: vertices[2 * range.lowerBound..<2 * range.upperBound])
            let area = abs(RingSafety.doubledArea(ring))
            var edges = 0
            BorderGraph.forEachEdge(range, placeOfVertex) { _, _, _ in edges += 1 }
            BorderGraph.forEachEdge(range, placeOfVertex) { _, from, to in
                // Each arc begins, or ends, at a node.
                guard states[from].isNode, !states[to].isNode else { return }
                let arc = Int(links[to].arc)
                let share = area * BorderGraph.driftShare * Double(arcs[arc].count + 1) / Double(edges)
                let own = RingShare(area: area, limit: Int64(min(share, 1e18)))
                if own.area < arcs[arc].smallest.area { arcs[arc].smallest = own }
                if own.area > arcs[arc].largest.area { arcs[arc].largest = own }
            }
        }
    }

    private func isLess(_ a: Int, _ b: Int) -> Bool {
        let (p, q) = (places[a], places[b])
        return (p.x, p.y) < (q.x, q.y)
    }

    // MARK: Classes

    private func findFreedoms(
        _ vertices: UnsafeBufferPointer<Int32>, _ edges: EdgeTable, _ freedoms: WorkingRun<Freedom>
    ) {
        BorderGraph.forEachOutline(outlines) { outline, range in
            if outline.role == .line { return }
            let isRight = isInsideRight(outline, range, vertices)
            BorderGraph.forEachEdge(range, placeOfVertex) { _, from, to in
                edges.add(UInt32(from), UInt32(to), rank: outline.rank, isRight: isRight)
            }
        }
        for place in 0..<placeCount where !states[place].isNode {
            let first = links[place].neighbours.0
            let sides = edges.sides(first, UInt32(place))
            var freedom: Freedom = []
            if sides.left >= sides.right { freedom.insert(.right) }
            if sides.right >= sides.left { freedom.insert(.left) }
            freedoms[place] = freedom
        }
    }

    /// Whether the area lies to the right going along the ring: that of a shell that runs clockwise, and of a hole that does not.
    private func isInsideRight(_ outline: Outline, _ range: Range<Int>, _ vertices: UnsafeBufferPointer<Int32>) -> Bool {
        let ring = UnsafeBufferPointer(rebasing: vertices[2 * range.lowerBound..<2 * range.upperBound])
        return (RingSafety.doubledArea(ring) > 0) == (outline.role == .shell)
    }

    // MARK: What came of it

    /// Notes for each vertex of the layer whether the edge that begins at it grows. Before places go: afterwards nobody knows which way an arc ran.
    /// - Parameter levels: one a vertex.
    func markGrowing(_ vertices: UnsafeBufferPointer<Int32>, _ levels: WorkingRun<VertexLevel>) {
        guard let edges else { return }
        BorderGraph.forEachOutline(outlines) { outline, range in
            if outline.role == .line { return }
            let isRight = isInsideRight(outline, range, vertices)
            BorderGraph.forEachEdge(range, placeOfVertex) { vertex, from, to in
                let sides = edges.sides(UInt32(from), UInt32(to))
                let (own, other) = isRight ? (sides.right, sides.left) : (sides.left, sides.right)
                let grows = own == other ? runsUp(from, to) == isRight : own > other
                levels[vertex] = VertexLevel(zoom: 0, grows: grows)
            }
        }
    }

    /// Whether an edge runs along its arc from the lesser end to the greater: all edges of an arc say the same.
    private func runsUp(_ from: Int, _ to: Int) -> Bool {
        let along: Bool
        let arc: UInt32
        if !states[from].isNode {
            along = links[from].neighbours.1 == UInt32(to)
            arc = links[from].arc
        } else if !states[to].isNode {
            along = links[to].neighbours.0 == UInt32(from)
            arc = links[to].arc
        } else {
            return isLess(from, to)
        }
        return along != arcs[Int(arc)].isReversed
    }

    /// Notes for each vertex of the layer the lowest zoom at which it is drawn.
    func noteZooms(_ levels: WorkingRun<VertexLevel>) {
        var start = 0
        for i in 0..<outlines.count {
            let outline = outlines[i]
            let end = Int(outline.end)
            for vertex in start..<end where outline.role != .point {
                levels[vertex] = VertexLevel(zoom: states[Int(placeOfVertex[vertex])].zoom, grows: levels[vertex].grows)
            }
            start = end
        }
    }
}
