/// What is counted of the faces of an arrangement.
protocol FaceRule: ~Copyable {
    /// What is counted are windings, and between inside and outside runs a border.
    static var hasBorder: Bool { get }
    /// The number of the face to the east of an edge, from that to its west; 0 is outside of everything.
    mutating func east(of edge: Int, balance: Int32, west: Int32) -> Int32
}

/// How often rings wind around a face.
struct Winding: FaceRule {
    static var hasBorder: Bool { true }

    @inline(__always)
    func east(of edge: Int, balance: Int32, west: Int32) -> Int32 { west - balance }
}

/// From an arrangement of edges that meet only at their ends to shells with their holes.
extension Untangler {
    /// A border edge at a node, and whether the wedge that follows it, counter-clockwise on the map, is inside.
    struct Spoke: BitwiseCopyable {
        var edge: Int32
        var opensInside: Bool
    }

    struct PathVertex: BitwiseCopyable {
        var node: Int32
        var point: GridPoint
    }

    /// A closed run of vertices without a repetition: a shell or a hole.
    struct Loop: BitwiseCopyable {
        var start: Int
        var end: Int
        var cycle: Int32
        var isHole: Bool
        /// The next hole of the same shell.
        var next: Int32 = -1
    }

    /// Goes over the nodes from north to south with the edges under the sweep line from west to east, and finds for each edge how often
    /// the rings wind around its west side, or what else the rule counts; at each node, which border edge follows which. Unfinished when the limit is reached.
    mutating func sweep<Rule: FaceRule & ~Copyable>(_ rule: inout Rule, within limit: inout WorkLimit) {
        ends.removeAll()
        for i in 0..<edges.count { ends.append(edges[i].lower.key << 32 | UInt64(truncatingIfNeeded: i)) }
        ends.sort(bits: 32..<58, spare: &spare)
        status.removeAll()
        sameFace.removeAll()
        var nextStart = 0
        var nextEnd = 0
        var node: Int32 = 0
        while nextEnd < ends.count {
            var key = ends[nextEnd] >> 32
            if nextStart < edges.count { key = min(key, edges[nextStart].upper.key) }
            let point = GridPoint(key: key)
            let first = firstNotWest(of: point)
            var last = first
            while last < status.count && edges[Int(status[last])].lower == point {
                edges[Int(status[last])].lowerNode = node
                last += 1
            }
            while nextEnd < ends.count && ends[nextEnd] >> 32 == key { nextEnd += 1 }
            fan.removeAll()
            while nextStart < edges.count && edges[nextStart].upper == point {
                edges[nextStart].upperNode = node
                addToFan(Int32(nextStart))
                nextStart += 1
            }
            var winding = first > 0 ? edges[Int(status[first - 1])].windingEast : 0
            for i in 0..<fan.count {
                let edge = Int(fan[i])
                edges[edge].windingWest = winding
                winding = rule.east(of: edge, balance: edges[edge].balance, west: winding)
                edges[edge].windingEast = winding
            }
            if Rule.hasBorder { linkBorder(ending: first..<last) }
            status.replace(first..<last, with: fan)
            node += 1
            // What was moved to make room, and compared to order the fan.
            if !limit.allows(1 + status.count >> 5 + fan.count * fan.count >> 2) { return }
        }
        heightOnStack.fill(-1, count: Int(node))
    }

    private func firstNotWest(of point: GridPoint) -> Int {
        var low = 0
        var high = status.count
        while low < high {
            let middle = (low + high) / 2
            let edge = edges[Int(status[middle])]
            if turn(edge.upper, edge.lower, point) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Keeps the edges that begin at a node in their order from west to east.
    private mutating func addToFan(_ edge: Int32) {
        let new = edges[Int(edge)]
        fan.append(edge)
        var i = fan.count - 1
        while i > 0 && turn(new.upper, edges[Int(fan[i - 1])].lower, new.lower) > 0 {
            fan[i] = fan[i - 1]
            i -= 1
        }
        fan[i] = edge
    }

    /// At one node: each border edge that arrives with a wedge of inside on its right is followed by the edge on the wedge's other side.
    private mutating func linkBorder(ending: Range<Int>) {
        spokes.removeAll()
        for i in 0..<fan.count {
            let edge = edges[Int(fan[i])]
            if edge.isBorder { spokes.append(Spoke(edge: fan[i], opensInside: edge.isInsideEast)) }
        }
        let starting = spokes.count
        for i in ending.reversed() {
            let edge = edges[Int(status[i])]
            if edge.isBorder { spokes.append(Spoke(edge: status[i], opensInside: edge.isInsideWest)) }
        }
        for i in 0..<spokes.count where spokes[i].opensInside {
            edges[Int(spokes[i].edge)].next = spokes[i + 1 == spokes.count ? 0 : i + 1].edge
        }
        // The north end of something that hangs inside: the border to the west bounds the same face.
        if starting > 0 && starting == spokes.count && edges[Int(spokes[0].edge)].isInsideWest {
            var west = ending.lowerBound - 1
            while west >= 0 && !edges[Int(status[west])].isBorder { west -= 1 }
            precondition(west >= 0)
            sameFace.append((status[west], spokes[0].edge))
        }
    }

    /// Follows the border with the inside on the right, which on the map turns shells clockwise and holes the other way, and cuts off a loop
    /// whenever a node comes a second time.
    mutating func traceRings() {
        loops.removeAll()
        points.removeAll()
        faces.removeAll()
        for start in 0..<edges.count where edges[start].isBorder && edges[start].cycle < 0 {
            let cycle = Int32(faces.count)
            faces.append(cycle)
            stack.removeAll()
            var current = start
            repeat {
                let edge = edges[current]
                // Edges that cross somewhere would lead round and round.
                precondition(edge.cycle < 0, "edges of an arrangement cross")
                edges[current].cycle = cycle
                // With inside to the east the border runs up, from the south end.
                let node = edge.isInsideEast ? edge.lowerNode : edge.upperNode
                let point = edge.isInsideEast ? edge.lower : edge.upper
                let height = Int(heightOnStack[Int(node)])
                if height >= 0 {
                    cutLoop(from: height, cycle: cycle)
                    stack.truncate(to: height)
                }
                heightOnStack[Int(node)] = Int32(stack.count)
                stack.append(PathVertex(node: node, point: point))
                current = Int(edge.next)
            } while current != start
            cutLoop(from: 0, cycle: cycle)
        }
    }

    private mutating func cutLoop(from height: Int, cycle: Int32) {
        let start = points.count
        let origin = stack[height].point
        var area: Int64 = 0
        for i in height..<stack.count {
            if i > height { area += Int64(turn(origin, stack[i - 1].point, stack[i].point)) }
            points.append(stack[i].point)
            heightOnStack[Int(stack[i].node)] = -1
        }
        loops.append(Loop(start: start, end: points.count, cycle: cycle, isHole: area < 0))
    }

    /// Joins the cycles around the same face, and writes each shell followed by its holes.
    mutating func groupRings(into rings: inout GridRings) {
        rings.removeAll()
        for i in 0..<sameFace.count {
            let a = face(of: edges[Int(sameFace[i].0)].cycle)
            let b = face(of: edges[Int(sameFace[i].1)].cycle)
            faces[Int(max(a, b))] = min(a, b)
        }
        // For each face its first hole, as a list through the loops.
        fan.fill(-1, count: faces.count)
        for i in (0..<loops.count).reversed() where loops[i].isHole {
            let face = Int(face(of: loops[i].cycle))
            loops[i].next = fan[face]
            fan[face] = Int32(i)
        }
        var part: Int32 = 0
        for i in 0..<loops.count where !loops[i].isHole {
            add(loops[i], part: part, to: &rings)
            var hole = fan[Int(face(of: loops[i].cycle))]
            while hole >= 0 {
                add(loops[Int(hole)], part: part, to: &rings)
                hole = loops[Int(hole)].next
            }
            part += 1
        }
    }

    private mutating func face(of cycle: Int32) -> Int32 {
        var face = cycle
        while faces[Int(face)] != face {
            faces[Int(face)] = faces[Int(faces[Int(face)])]
            face = faces[Int(face)]
        }
        return face
    }

    private func add(_ loop: Loop, part: Int32, to rings: inout GridRings) {
        let start = rings.points.count
        for i in loop.start..<loop.end { rings.points.append(points[i]) }
        rings.rings.append(GridRings.Ring(start: start, end: rings.points.count, part: part, isHole: loop.isHole))
    }
}
