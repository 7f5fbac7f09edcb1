/// Decides quickly that snapped rings form a valid polygon or multipolygon, so that only the few that do not are taken apart.
///
/// A yes is certain: no ring touches itself or another, shells lie outside everything and holes inside their own shell. A no may be
/// harmless (two rings that share one vertex are allowed), since `Untangler` gives back the same area then.
struct SimpleCheck: ~Copyable {
    /// An edge from its north end to its south end (ordered by y, then x); its number is that of the vertex it starts from.
    struct Edge: BitwiseCopyable {
        var upper: GridPoint
        var lower: GridPoint
        /// The ring runs along it from `upper` to `lower`, hence has its inside to the west.
        var runsDown: Bool
        var ring: Int32
        /// The number of the edge before it in its ring.
        var previous: Int32
    }

    private var edges = Scratch<Edge>(capacity: 256)
    private var events = Scratch<UInt64>(capacity: 256)
    private var spare = Scratch<UInt64>(capacity: 256)
    /// The edges under the sweep line from west to east.
    private var status = Scratch<Int32>()
    private var met = Scratch<Bool>()

    /// For one ring of a few vertices: every pair of edges.
    /// - Complexity: O(vertices²)
    func isSimple(_ rings: borrowing GridRings) -> Bool {
        let count = rings.points.count
        let start = rings.rings[0].start
        var i = start
        while i + 2 < count {
            let a = rings.points[i]
            let b = rings.points[i + 1]
            var c = rings.points[i + 2]
            var j = i + 2
            while j < count {
                let isLast = j + 1 == count
                if isLast && i == start { break }
                let d = rings.points[isLast ? start : j + 1]
                if segmentsMeet(a, b, c, d) { return false }
                c = d
                j += 1
            }
            i += 1
        }
        return true
    }

    /// For any number of rings: one sweep from north to south that stops at the first contact.
    ///
    /// Rule: Shamos, Hoey, “Geometric intersection problems”, 1976: neighbours along the sweep line are compared when they become so.
    /// - Complexity: O(vertices × log vertices)
    mutating func isValid(_ rings: borrowing GridRings) -> Bool {
        prepare(rings)
        status.removeAll()
        met.fill(false, count: rings.rings.count)
        var lastKey = UInt64.max
        for event in 0..<events.count {
            let key = events[event] >> 32
            if key == lastKey { return false }
            lastKey = key
            let point = GridPoint(key: key)
            let leaving = Int(truncatingIfNeeded: events[event] & 0xFFFF_FFFF)
            let arriving = Int(edges[leaving].previous)
            let place = place(of: point)
            let leavingStarts = edges[leaving].upper == point
            let arrivingStarts = edges[arriving].upper == point
            let passes: Bool
            if leavingStarts && arrivingStarts {
                passes = open(arriving, leaving, at: place, point, rings)
            } else if leavingStarts || arrivingStarts {
                passes = follow(leavingStarts ? (arriving, leaving) : (leaving, arriving), at: place)
            } else {
                passes = close(arriving, leaving, at: place)
            }
            if !passes { return false }
        }
        return true
    }

    private mutating func prepare(_ rings: borrowing GridRings) {
        edges.removeAll()
        events.removeAll()
        for number in 0..<rings.rings.count {
            let ring = rings.rings[number]
            var from = rings.points[ring.start]
            let firstEdge = edges.count
            let length = ring.end - ring.start
            for i in 0..<length {
                let to = rings.points[i + 1 == length ? ring.start : ring.start + i + 1]
                let runsDown = from.key < to.key
                events.append(from.key << 32 | UInt64(truncatingIfNeeded: edges.count))
                edges.append(
                    Edge(
                        upper: runsDown ? from : to, lower: runsDown ? to : from, runsDown: runsDown, ring: Int32(number),
                        previous: Int32(i == 0 ? firstEdge + length - 1 : firstEdge + i - 1)))
                from = to
            }
        }
        events.sort(bits: 32..<58, spare: &spare)
    }

    /// How many edges of the status lie strictly west of the point.
    private func place(of point: GridPoint) -> Int {
        var low = 0
        var high = status.count
        while low < high {
            let middle = (low + high) / 2
            let edge = edges[Int(status[middle])]
            if turn(edge.upper, edge.lower, point) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Two edges begin: the sides must be out and in, and where a ring is met first it must lie where its role says.
    private mutating func open(_ a: Int, _ b: Int, at place: Int, _ point: GridPoint, _ rings: borrowing GridRings) -> Bool {
        if place < status.count {
            let next = edges[Int(status[place])]
            if turn(next.upper, next.lower, point) == 0 { return false }
        }
        let turned = turn(point, edges[a].lower, edges[b].lower)
        if turned == 0 { return false }
        // Going clockwise on the map from a direction south-west to one south-east is turning left, which is negative.
        let (west, east) = turned < 0 ? (a, b) : (b, a)
        let inside = place > 0 && !edges[Int(status[place - 1])].runsDown
        if edges[west].runsDown != inside || edges[east].runsDown == inside { return false }
        let ring = Int(edges[west].ring)
        if !met[ring] {
            met[ring] = true
            let facts = rings.rings[ring]
            if facts.isHole != inside { return false }
            if inside && rings.rings[Int(edges[Int(status[place - 1])].ring)].part != facts.part { return false }
        }
        status.insert(Int32(west), Int32(east), at: place)
        return !meets(place - 1) && !meets(place + 1)
    }

    /// One edge ends where the next of its ring begins.
    private mutating func follow(_ pair: (ending: Int, starting: Int), at place: Int) -> Bool {
        guard place < status.count, status[place] == Int32(pair.ending) else { return false }
        status[place] = Int32(pair.starting)
        return !meets(place - 1) && !meets(place)
    }

    private mutating func close(_ a: Int, _ b: Int, at place: Int) -> Bool {
        guard place + 1 < status.count else { return false }
        let first = Int(status[place])
        let second = Int(status[place + 1])
        guard (first == a && second == b) || (first == b && second == a) else { return false }
        status.remove(2, at: place)
        return !meets(place - 1)
    }

    /// Whether the edge at `index` of the status and the one after it have a point in common that is not an end of both.
    private func meets(_ index: Int) -> Bool {
        guard index >= 0, index + 1 < status.count else { return false }
        let a = edges[Int(status[index])]
        let b = edges[Int(status[index + 1])]
        // Edges that begin together were compared then; had edges that end together overlapped, they would have met when the shorter began.
        if a.upper == b.upper || a.lower == b.lower { return false }
        return segmentsMeet(a.upper, a.lower, b.upper, b.lower)
    }
}
