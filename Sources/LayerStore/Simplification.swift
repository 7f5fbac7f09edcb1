import Geo

/// Finds for every vertex of a layer the lowest zoom at which it is drawn, for all lines and rings together.
///
/// From the closest zoom to the farthest, places go as long as the line without them stays within the zoom's tolerance, those that change least first. So
/// what is there at a zoom is there at all closer ones. A place goes only when
///
/// - no other place lies in the triangle of it and its neighbours, borders included: then nothing comes to lie on another side of the line, and what was
///   simple and apart before is so afterwards;
/// - the edge between its neighbours is not there yet, so that no area is closed up and every ring keeps three vertices;
/// - no ring that is drawn by itself gains or loses more than a small share of its area (`BorderGraph.Arc.drift`): small areas keep their corners, and a
///   layer its area;
/// - the area that grows is of no class less grave than the one that shrinks, where classes matter. Nothing at all is less than every class: the outer
///   edge of a hazard only ever moves outward.
///
/// Bounds of the error are whole numbers of world units, rounded up: the edge that replaces two is as far off as the worse of them, and the place that
/// goes from it, together. Visvalingam's and Whyatt's order (1993) with Douglas's and Peucker's measure (1973); the condition on triangles is that of
/// Saalfeld, “Topologically consistent line simplification with the Douglas–Peucker algorithm”, 1999.
struct Simplification {
    /// Of a layer with more vertices all are drawn: its graph would take more than about a gigabyte of the disk for a while.
    static let vertexLimit = 1 << 24

    /// World units that a line may be off at a zoom.
    ///
    /// A unit of the tile grid is 2^(20 − zoom), half a pixel of a tile 512 pixels wide four of them. Rounding to the grid takes half a unit along each axis,
    /// so 3½ are left; and 2 where classes count: there edges are drawn half a unit farther out before they are rounded (`TileEncoder`, `covers`), which
    /// takes one along each axis, not one and a half across.
    static func tolerance(zoom: Int, hasRanks: Bool) -> UInt32 {
        hasRanks ? 1 << UInt32(21 - zoom) : 7 << UInt32(19 - zoom)
    }

    /// Whether it is worth its time whatever the outlines are: buildings have too few vertices to lose any.
    static func pays(vertices: Int, features: Int, hasRanks: Bool) -> Bool {
        vertices > 0 && (hasRanks || vertices > 12 * features)
    }

    /// Whether polygons of few vertices fit together, as parcels, blocks and squares of a mesh do: then it is worth its time because what has levels is drawn
    /// with its borders shared at every zoom.
    ///
    /// Looks at runs of neighbouring rows from one end of the layer to the other. Of the edges of rings in them, a third must be edges of another ring of the
    /// run too.
    /// - Parameters:
    ///   - vertices: of the whole layer, x and y in turn.
    ///   - outlines: in the order of rows.
    /// - Complexity: O(1), at most some 4,000 rings
    static func fitsTogether(_ vertices: UnsafeBufferPointer<Int32>, _ outlines: UnsafeBufferPointer<Outline>) -> Bool {
        var (edges, shared) = (0, 0)
        let runs = min(sampledRuns, (outlines.count + sampledRings - 1) / sampledRings)
        for run in 0..<runs {
            // Runs are spread evenly, the last one at the end.
            let first = runs == 1 ? 0 : (outlines.count - sampledRings) * run / (runs - 1)
            let found = sharedEdges(vertices, outlines, first..<min(outlines.count, first + sampledRings))
            edges += found.edges
            shared += found.shared
        }
        return shared > 0 && 3 * shared >= edges
    }

    private static let sampledRuns = 64
    private static let sampledRings = 64
    /// Vertices of a ring that are looked at.
    private static let sampledVertices = 256

    /// The edges of polygons' rings, and how many of them another ring has too.
    static func sharedEdges(
        _ vertices: UnsafeBufferPointer<Int32>, _ outlines: UnsafeBufferPointer<Outline>, _ range: Range<Int>
    ) -> (edges: Int, shared: Int) {
        // For each edge the ring it was first seen in, and whether another has it.
        var seen: [SIMD4<Int32>: (ring: Int, again: Int)] = [:]
        var edges = 0
        for ring in range where outlines[ring].role == .shell || outlines[ring].role == .hole {
            let start = ring == 0 ? 0 : Int(outlines[ring - 1].end)
            let end = min(Int(outlines[ring].end), start + sampledVertices)
            for i in start..<max(start, end - 1) {
                let (a, b) = (SIMD2(vertices[2 * i], vertices[2 * i + 1]), SIMD2(vertices[2 * i + 2], vertices[2 * i + 3]))
                if a == b { continue }
                edges += 1
                let key = (a.x, a.y) < (b.x, b.y) ? SIMD4(lowHalf: a, highHalf: b) : SIMD4(lowHalf: b, highHalf: a)
                guard let first = seen[key] else {
                    seen[key] = (ring, 0)
                    continue
                }
                if first.ring != ring { seen[key] = (first.ring, first.again + 1) }
            }
        }
        // The first ring that has it counts too.
        return (edges, seen.values.reduce(0) { $0 + ($1.again > 0 ? $1.again + 1 : 0) })
    }

    private let graph: BorderGraph
    private let tree: VertexTree
    private var queue: VertexQueue
    private let hasRanks: Bool

    init(_ graph: BorderGraph, hasRanks: Bool, memory: WorkingMemory) throws(LayerFileError) {
        self.graph = graph
        self.hasRanks = hasRanks
        tree = try VertexTree(graph, in: memory)
        queue = try VertexQueue(graph, in: memory)
        for place in 0..<graph.placeCount where !graph.states[place].isNode { graph.links[place].key = key(place) }
    }

    /// Afterwards the graph's states say at which zoom each place is drawn.
    /// - Complexity: O(places × log places) where few lie in the way of each other.
    mutating func run() {
        for zoom in (0..<VertexLevel.wholeZoom).reversed() {
            let tolerance = Simplification.tolerance(zoom: zoom, hasRanks: hasRanks)
            for place in 0..<graph.placeCount where !graph.states[place].isNode && !graph.states[place].isGone {
                graph.states[place].isBlocked = false
                consider(place, tolerance)
            }
            // What was in the way of others may have gone.
            for _ in 0..<Simplification.rounds {
                if !round(zoom, tolerance) { break }
                for place in 0..<graph.placeCount where graph.states[place].isBlocked && !graph.states[place].isGone {
                    graph.states[place].isBlocked = false
                    consider(place, tolerance)
                }
            }
        }
    }

    private static let rounds = 8

    /// Queues a place that may be left out at a tolerance, or takes it from the queue.
    private mutating func consider(_ place: Int, _ tolerance: UInt32) {
        if graph.links[place].key <= tolerance && leavesClasses(place) { queue.update(place) } else { queue.remove(place) }
    }

    /// Square world units, twice, from which on the shape of a ring shows: less is shown by its share of area, hazards' parts of a quarter of that too.
    private func leastDoubledArea(zoom: Int) -> Double { Double(FeatureDetail.leastArea(zoom: zoom)) * (hasRanks ? 0.5 : 2) }

    /// - Returns: whether another may find more.
    private mutating func round(_ zoom: Int, _ tolerance: UInt32) -> Bool {
        var (gone, blocked) = (false, false)
        let leastArea = leastDoubledArea(zoom: zoom)
        while let place = queue.popFirst() {
            if mayGo(place, leastArea) {
                go(place, zoom: zoom, tolerance)
                gone = true
            } else {
                graph.states[place].isBlocked = true
                blocked = true
            }
        }
        return gone && blocked
    }

    /// No class loses to a less grave one when a place goes.
    private func leavesClasses(_ place: Int) -> Bool {
        guard let freedom = graph.freedoms?[place] else { return true }
        if freedom == [.left, .right] { return true }
        let (first, second) = graph.links[place].neighbours
        let turned = turn(graph.places[Int(first)], graph.places[place], graph.places[Int(second)])
        return turned == 0 || freedom.contains(turned > 0 ? .right : .left)
    }

    private func mayGo(_ place: Int, _ leastArea: Double) -> Bool {
        let link = graph.links[place]
        let (first, second) = (Int(link.neighbours.0), Int(link.neighbours.1))
        let arc = graph.arcs[Int(link.arc)]
        if arc.from == arc.to && arc.count <= 2 { return false }
        if abs(arc.drift &+ drift(place)) > arc.driftLimit(leastArea: leastArea) { return false }
        if tree.hasOther(first, place, second) { return false }
        return arc.count > 1 || graph.straight.insert(arc.from, arc.to)
    }

    /// Twice the area that changes sides when a place goes, positive where it lies to the left of the arc.
    private func drift(_ place: Int) -> Int64 {
        let (first, second) = graph.links[place].neighbours
        return turn(graph.places[Int(first)], graph.places[place], graph.places[Int(second)])
    }

    private mutating func go(_ place: Int, zoom: Int, _ tolerance: UInt32) {
        let link = graph.links[place]
        graph.states[place].zoom = zoom + 1
        graph.arcs[Int(link.arc)].drift += drift(place)
        graph.arcs[Int(link.arc)].count -= 1
        tree.shrink(place)
        let (first, second) = link.neighbours
        join(Int(first), place, to: second, bound: link.key, tolerance)
        join(Int(second), place, to: first, bound: link.key, tolerance)
    }

    /// Puts `other` where `gone` was beside a place.
    private mutating func join(_ place: Int, _ gone: Int, to other: UInt32, bound: UInt32, _ tolerance: UInt32) {
        if graph.states[place].isNode { return }
        if graph.links[place].neighbours.0 == UInt32(gone) {
            graph.links[place].neighbours.0 = other
            graph.links[place].bounds.0 = bound
        } else {
            graph.links[place].neighbours.1 = other
            graph.links[place].bounds.1 = bound
        }
        graph.links[place].key = key(place)
        graph.states[place].isBlocked = false
        consider(place, tolerance)
    }

    /// The bound of the edge between a place's neighbours, in world units; the greatest number where that edge would be longer than a quarter of the world.
    private func key(_ place: Int) -> UInt32 {
        let link = graph.links[place]
        let (a, b, p) = (graph.places[Int(link.neighbours.0)], graph.places[Int(link.neighbours.1)], graph.places[place])
        guard let distance = Simplification.distance(p, from: a, to: b) else { return .max }
        return UInt32(min(UInt64(UInt32.max), UInt64(max(link.bounds.0, link.bounds.1)) + UInt64(distance)))
    }

    /// How far a place is from a segment, rounded up; the same whichever way the segment runs. Nil where differences come to 2³⁰ or more.
    static func distance(_ p: SIMD2<Int32>, from first: SIMD2<Int32>, to second: SIMD2<Int32>) -> UInt32? {
        let (a, b) = (first.x, first.y) < (second.x, second.y) ? (first, second) : (second, first)
        let (dx, dy) = (Int64(b.x) - Int64(a.x), Int64(b.y) - Int64(a.y))
        let (px, py) = (Int64(p.x) - Int64(a.x), Int64(p.y) - Int64(a.y))
        let (qx, qy) = (px - dx, py - dy)
        let limit: Int64 = 1 << 30
        guard max(abs(dx), abs(dy), abs(px), abs(py)) < limit && max(abs(qx), abs(qy)) < limit else { return nil }
        let (along, square) = (px * dx + py * dy, dx * dx + dy * dy)
        let distance: Double
        if along <= 0 {
            distance = Double(px * px + py * py).squareRoot()
        } else if along >= square {
            distance = Double(qx * qx + qy * qy).squareRoot()
        } else {
            distance = Double(abs(dx * py - dy * px)) / Double(square).squareRoot()
        }
        // A hair more than what doubles may lose below 2³¹.
        return UInt32((distance * (1 + 1e-12)).rounded(.up))
    }
}
