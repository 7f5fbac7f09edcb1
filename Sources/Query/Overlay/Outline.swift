import Geo

/// An upright box of doubles in degrees, borders included.
typealias Box = Envelope

/// One feature's geometry as the doubles that every other program has of it, ready to be held against another.
///
/// Answers are exact for these doubles, and so the same as those of GEOS, PostGIS and shapely. An edge is known by the number of its first
/// vertex; a point is an edge of no length. Filled anew for each feature without allocating; once filled it is only read, from any thread.
final class Outline: @unchecked Sendable {
    /// x and y in turn. Sound: grown only in `load`, freed in `deinit`, and indices come from `ringEnds`, which end at `vertexCount`.
    private(set) var numbers: UnsafeMutablePointer<Double>
    private var capacity: Int
    private(set) var vertexCount = 0
    private(set) var ringEnds: [Int] = []
    private(set) var partEnds: [Int] = []
    private(set) var kinds: [GeometryKind] = []
    private(set) var kind = GeometryKind.point
    private(set) var box = Box.empty
    private(set) var hasPolygons = false
    private(set) var grid: EdgeGrid?

    init() {
        capacity = 128
        numbers = .allocate(capacity: capacity)
    }

    deinit { numbers.deallocate() }

    convenience init(_ shape: Shape) {
        self.init()
        load(shape)
    }

    convenience init(_ geometry: Geometry) {
        self.init()
        load(geometry)
    }

    @inline(__always) func x(_ vertex: Int) -> Double { numbers[2 * vertex] }
    @inline(__always) func y(_ vertex: Int) -> Double { numbers[2 * vertex + 1] }

    /// The other end of an edge.
    @inline(__always) func end(ofEdge edge: Int) -> Int { isPoint ? edge : edge + 1 }

    /// All parts are points. A collection's points are kept as lines of two equal vertices.
    private(set) var isPoint = false

    func load(_ shape: Shape) {
        if shape.kind == .geometryCollection {
            load(shape.geometry)
            return
        }
        let count = shape.vertexCount
        reserve(count)
        switch shape.degrees {
        case .narrow(let units): for i in 0..<2 * count { numbers[i] = Double(units[i]) / 1e7 }
        case .wide(let units, let decimals):
            let scale = decimals == 8 ? 1e8 : 1e9
            for i in 0..<2 * count { numbers[i] = Double(units[i]) / scale }
        }
        vertexCount = count
        ringEnds.removeAll(keepingCapacity: true)
        for end in shape.ringEnds { ringEnds.append(Int(end)) }
        partEnds.removeAll(keepingCapacity: true)
        for end in shape.partEnds { partEnds.append(Int(end)) }
        kinds.removeAll(keepingCapacity: true)
        finish(shape.kind)
    }

    func load(_ geometry: Geometry) {
        kinds.removeAll(keepingCapacity: true)
        guard geometry.kind == .geometryCollection else {
            reserve(geometry.vertexCount)
            for i in 0..<2 * geometry.vertexCount { numbers[i] = geometry.coordinates[i] }
            (vertexCount, ringEnds, partEnds) = (geometry.vertexCount, geometry.ringEnds, geometry.partEnds)
            finish(geometry.kind)
            return
        }
        reserve(2 * geometry.vertexCount)
        (vertexCount, ringEnds, partEnds) = (0, [], [])
        for part in geometry.partEnds.indices {
            let kind = geometry.kind(ofPart: part)
            for ring in geometry.rings(ofPart: part) {
                for i in geometry.vertices(ofRing: ring) {
                    for _ in 0..<(kind == .point ? 2 : 1) {
                        (numbers[2 * vertexCount], numbers[2 * vertexCount + 1]) = (geometry.vertex(i).x, geometry.vertex(i).y)
                        vertexCount += 1
                    }
                }
                ringEnds.append(vertexCount)
            }
            partEnds.append(ringEnds.count)
            kinds.append(kind == .point ? .lineString : kind)
        }
        finish(.geometryCollection)
    }

    private func finish(_ kind: GeometryKind) {
        self.kind = kind
        isPoint = kind.partKind == .point
        hasPolygons = kind.partKind == .polygon || kinds.contains(.polygon)
        grid = nil
        var box = Box.empty
        for i in 0..<vertexCount { box.extend(x: numbers[2 * i], y: numbers[2 * i + 1]) }
        self.box = box
    }

    private func reserve(_ vertices: Int) {
        guard 2 * vertices > capacity else { return }
        numbers.deallocate()
        capacity = max(2 * vertices, 2 * capacity)
        numbers = .allocate(capacity: capacity)
    }

    /// More vertices than this are looked through by way of a grid.
    static let plainVertices = 32

    /// Makes the grid where the outline is large. Before the outline is shared between threads.
    func prepare() {
        if grid == nil && vertexCount > Outline.plainVertices { grid = EdgeGrid(self) }
    }

    @inline(__always) func rings(ofPart part: Int) -> Range<Int> { (part == 0 ? 0 : partEnds[part - 1])..<partEnds[part] }
    @inline(__always) func vertices(ofRing ring: Int) -> Range<Int> { (ring == 0 ? 0 : ringEnds[ring - 1])..<ringEnds[ring] }
    @inline(__always) func kind(ofPart part: Int) -> GeometryKind { kinds.isEmpty ? kind.partKind : kinds[part] }
    @inline(__always) func firstVertex(ofPart part: Int) -> Int {
        let ring = part == 0 ? 0 : partEnds[part - 1]
        return ring == 0 ? 0 : ringEnds[ring - 1]
    }

    /// Edges of a ring, by their first vertices.
    @inline(__always) func edges(ofRing ring: Int) -> Range<Int> {
        let range = vertices(ofRing: ring)
        return isPoint ? range : range.lowerBound..<max(range.lowerBound, range.upperBound - 1)
    }

    @inline(__always) func edgeMeets(_ edge: Int, _ box: Box) -> Bool {
        let end = end(ofEdge: edge)
        let (ax, ay, bx, by) = (x(edge), y(edge), x(end), y(end))
        return min(ax, bx) <= box.maxX && box.minX <= max(ax, bx) && min(ay, by) <= box.maxY && box.minY <= max(ay, by)
    }

    /// Appends the edges whose boxes meet `box`; an edge may come more than once.
    func edges(meeting box: Box, into list: inout [Int32]) {
        if let grid {
            grid.edges(meeting: box, of: self, into: &list)
            return
        }
        for ring in ringEnds.indices {
            for edge in edges(ofRing: ring) where edgeMeets(edge, box) { list.append(Int32(truncatingIfNeeded: edge)) }
        }
    }

    // MARK: Questions

    /// How a box lies to the polygons of an outline.
    enum Side: UInt8 {
        /// All of the box lies in the interior.
        case inside
        /// No place of the box lies in the geometry.
        case outside
        /// An edge may be near.
        case border
    }

    /// Where a box lies, as far as the grid alone says.
    @inline(__always)
    func side(of box: Box) -> Side {
        if !self.box.intersects(box) { return .outside }
        guard let grid else { return .border }
        return grid.side(of: box)
    }

    /// Whether a place lies in a polygon of the outline, its border included. Lines and points do not count.
    func covers(_ x: Double, _ y: Double) -> Bool {
        guard hasPolygons, box.minX <= x, x <= box.maxX, box.minY <= y, y <= box.maxY else { return false }
        if let grid { return grid.covers(x, y, of: self) }
        var ray = Ray(x: x, y: y)
        for part in partEnds.indices where kind(ofPart: part) == .polygon {
            for ring in rings(ofPart: part) {
                for edge in edges(ofRing: ring) {
                    if ray.take(numbers[2 * edge], numbers[2 * edge + 1], numbers[2 * edge + 2], numbers[2 * edge + 3]) { return true }
                }
            }
        }
        return ray.isInside
    }

    /// Whether two geometries have a place in common.
    ///
    /// Edges that meet, or else one of the two inside the other's polygons: without edges that meet, a part lies wholly inside or wholly outside.
    /// - Complexity: O(edges of either near the other)
    func meets(_ other: Outline, _ scratch: MeetScratch) -> Bool {
        guard box.intersects(other.box) else { return false }
        let common = Box(
            minX: max(box.minX, other.box.minX), minY: max(box.minY, other.box.minY), maxX: min(box.maxX, other.box.maxX),
            maxY: min(box.maxY, other.box.maxY))
        scratch.mine.removeAll(keepingCapacity: true)
        edges(meeting: common, into: &scratch.mine)
        scratch.theirs.removeAll(keepingCapacity: true)
        other.edges(meeting: common, into: &scratch.theirs)
        if scratch.mine.count * scratch.theirs.count <= 4096 {
            for mine in scratch.mine {
                for theirs in scratch.theirs where edge(Int(mine), meets: Int(theirs), of: other) { return true }
            }
        } else {
            // Many of both: through the grid of the larger, edge by edge of the smaller.
            let (large, small) = vertexCount >= other.vertexCount ? (self, other) : (other, self)
            let list = large === self ? scratch.theirs : scratch.mine
            for edge in list {
                let end = small.end(ofEdge: Int(edge))
                let (ax, ay, bx, by) = (small.x(Int(edge)), small.y(Int(edge)), small.x(end), small.y(end))
                scratch.near.removeAll(keepingCapacity: true)
                large.edges(
                    meeting: Box(minX: min(ax, bx), minY: min(ay, by), maxX: max(ax, bx), maxY: max(ay, by)), into: &scratch.near)
                for near in scratch.near where small.edge(Int(edge), meets: Int(near), of: large) { return true }
            }
        }
        if hasPolygons {
            for part in other.partEnds.indices {
                let vertex = other.firstVertex(ofPart: part)
                if covers(other.x(vertex), other.y(vertex)) { return true }
            }
        }
        guard other.hasPolygons else { return false }
        if scratch.mine.count < partEnds.count {
            // A part of this one inside the other has all of its edges near it.
            for edge in scratch.mine where other.covers(x(Int(edge)), y(Int(edge))) { return true }
        } else {
            for part in partEnds.indices {
                let vertex = firstVertex(ofPart: part)
                if other.covers(x(vertex), y(vertex)) { return true }
            }
        }
        return false
    }

    @inline(__always)
    private func edge(_ mine: Int, meets theirs: Int, of other: Outline) -> Bool {
        let (a, b) = (mine, end(ofEdge: mine))
        let (c, d) = (theirs, other.end(ofEdge: theirs))
        return Orientation.meet(x(a), y(a), x(b), y(b), other.x(c), other.y(c), other.x(d), other.y(d))
    }
}

/// Lists that are used again from pair to pair.
final class MeetScratch {
    var mine: [Int32] = []
    var theirs: [Int32] = []
    var near: [Int32] = []
}

/// A ray to the east from a place: it crosses the border of what it is inside of an odd number of times.
struct Ray {
    let x: Double
    let y: Double
    private(set) var isInside = false

    init(x: Double, y: Double) {
        (self.x, self.y) = (x, y)
    }

    /// Takes an edge into account; true when the place lies on it.
    @inline(__always)
    mutating func take(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double) -> Bool {
        if ay == y && by == y { return min(ax, bx) <= x && x <= max(ax, bx) }
        guard min(ay, by) <= y, y <= max(ay, by), max(ax, bx) >= x else { return false }
        let crosses = (ay > y) != (by > y)
        if min(ax, bx) > x {
            if crosses { isInside.toggle() }
            return false
        }
        let side = Orientation.side(ax, ay, bx, by, x, y)
        if side == 0 { return true }
        if crosses && (side > 0) == (by > ay) { isInside.toggle() }
        return false
    }
}
