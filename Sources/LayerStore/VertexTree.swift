/// Finds places of a layer that are still there, by their envelope: a tree of sixteen each over the places in their order, which is that of the outlines,
/// hence nearly that of the map. Envelopes shrink as places go.
struct VertexTree {
    /// West, north, east, south; of nothing, the other way round.
    private typealias Box = SIMD4<Int32>
    private static let nothing = Box(.max, .max, .min, .min)
    private static let shift = 4

    private let places: WorkingRun<SIMD2<Int32>>
    private let states: WorkingRun<BorderGraph.State>
    private let placeCount: Int
    /// From the lowest level to the root, one after another.
    private let boxes: WorkingRun<SIMD4<Int32>>
    /// Where each level begins in `boxes`, and the last ends.
    private let starts: WorkingRun<Int>
    private let depth: Int
    /// Boxes still to be looked into; at most fifteen wait at each level.
    private let waiting: WorkingRun<Int>

    init(_ graph: BorderGraph, in memory: WorkingMemory) throws(LayerFileError) {
        (places, states, placeCount) = (graph.places, graph.states, graph.placeCount)
        var ends = [0]
        var count = graph.placeCount
        repeat {
            count = (count + 15) >> VertexTree.shift
            ends.append(ends.last! + max(1, count))
        } while count > 1
        depth = ends.count - 1
        boxes = try memory.run(of: Box.self, count: ends.last!)
        starts = try memory.run(of: Int.self, count: ends.count)
        waiting = try memory.run(of: Int.self, count: 16 * ends.count)
        for (level, end) in ends.enumerated() { starts[level] = end }
        for level in 0..<depth {
            for node in starts[level]..<starts[level + 1] { boxes[node] = box(level, node - starts[level]) }
        }
    }

    /// Over what lies one level lower.
    private func box(_ level: Int, _ node: Int) -> Box {
        var box = VertexTree.nothing
        let first = node << VertexTree.shift
        if level == 0 {
            for place in first..<min(first + 16, placeCount) where !states[place].isGone {
                let (x, y) = (places[place].x, places[place].y)
                box = Box(min(box.x, x), min(box.y, y), max(box.z, x), max(box.w, y))
            }
        } else {
            let start = starts[level - 1] + first
            for child in start..<min(start + 16, starts[level]) {
                let other = boxes[child]
                box = Box(min(box.x, other.x), min(box.y, other.y), max(box.z, other.z), max(box.w, other.w))
            }
        }
        return box
    }

    /// After a place has gone.
    func shrink(_ place: Int) {
        var node = place
        for level in 0..<depth {
            node >>= VertexTree.shift
            let box = box(level, node)
            if box == boxes[starts[level] + node] { return }
            boxes[starts[level] + node] = box
        }
    }

    /// Whether a place besides its corners lies in a triangle, borders included. The corners' differences are below 2³⁰.
    func hasOther(_ a: Int, _ b: Int, _ c: Int) -> Bool {
        let triangle = Triangle(places[a], places[b], places[c])
        var count = 1
        // A level above a box's number among its level's.
        waiting[0] = (depth - 1) << 32
        while count > 0 {
            count -= 1
            let (level, first) = (waiting[count] >> 32, (waiting[count] & 0xFFFF_FFFF) << VertexTree.shift)
            if level > 0 {
                let start = starts[level - 1]
                for child in first..<min(first + 16, starts[level] - start) where triangle.mayMeet(boxes[start + child]) {
                    waiting[count] = (level - 1) << 32 | child
                    count += 1
                }
                continue
            }
            for place in first..<min(first + 16, placeCount) where triangle.contains(places[place]) {
                if place != a && place != b && place != c && !states[place].isGone { return true }
            }
        }
        return false
    }

    private struct Triangle {
        let corners: (SIMD2<Int32>, SIMD2<Int32>, SIMD2<Int32>)
        let box: SIMD4<Int32>
        /// 1 where the corners run clockwise on the map, −1 where not, 0 on one line.
        let orientation: Int64

        init(_ a: SIMD2<Int32>, _ b: SIMD2<Int32>, _ c: SIMD2<Int32>) {
            corners = (a, b, c)
            box = SIMD4(min(a.x, b.x, c.x), min(a.y, b.y, c.y), max(a.x, b.x, c.x), max(a.y, b.y, c.y))
            orientation = turn(a, b, c).signum()
        }

        @inline(__always)
        func contains(_ p: SIMD2<Int32>) -> Bool {
            if p.x < box.x || p.y < box.y || p.x > box.z || p.y > box.w { return false }
            let (u, v, w) = (turn(corners.0, corners.1, p), turn(corners.1, corners.2, p), turn(corners.2, corners.0, p))
            return !((u < 0 || v < 0 || w < 0) && (u > 0 || v > 0 || w > 0))
        }

        /// False where a box certainly lies outside.
        @inline(__always)
        func mayMeet(_ other: SIMD4<Int32>) -> Bool {
            let (west, north) = (max(box.x, other.x), max(box.y, other.y))
            let (east, south) = (min(box.z, other.z), min(box.w, other.w))
            if west > east || north > south { return false }
            func isOutside(_ a: SIMD2<Int32>, _ b: SIMD2<Int32>) -> Bool {
                // The corner of the box that lies farthest to the inside of this edge.
                let x = (b.y > a.y) == (orientation > 0) ? west : east
                let y = (b.x > a.x) == (orientation > 0) ? south : north
                return turn(a, b, SIMD2(x, y)) * orientation < 0
            }
            return !(isOutside(corners.0, corners.1) || isOutside(corners.1, corners.2) || isOutside(corners.2, corners.0))
        }
    }
}

/// Twice the area of the triangle a, b, c: positive when they turn clockwise on the map (y grows south). Differences are below 2³¹, those of the first two
/// below 2³⁰.
@inline(__always)
func turn(_ a: SIMD2<Int32>, _ b: SIMD2<Int32>, _ c: SIMD2<Int32>) -> Int64 {
    (Int64(b.x) - Int64(a.x)) * (Int64(c.y) - Int64(a.y)) - (Int64(b.y) - Int64(a.y)) * (Int64(c.x) - Int64(a.x))
}
