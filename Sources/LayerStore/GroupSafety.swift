/// At which zooms features that meet may be rounded to a tile's grid each by itself: those at which that parts no walls they share.
///
/// Rounding moves a vertex that two features share alike for both.
///
/// 1. So where no vertex of the group is nearer than √2 units of the grid to an edge it is no end of, nothing comes to touch or to cross that did not before,
///    by what `RingSafety` says of one ring.
/// 2. Where none is so near that it may be meant to lie on the edge, it is tried out at zooms before that: edges of two features may be the same one
///    or have an end in common, and neither feature may have come to lie in the other.
///
/// At other zooms tiles put all of the group on the grid together.
struct GroupSafety {
    /// Of groups of more vertices nothing is known: every one is held against every edge.
    private static let vertexLimit = 128

    private let vertices: UnsafeBufferPointer<Int32>
    private let outlines: WorkingRun<Outline>
    /// Of the group at hand, from its first vertex.
    private var edges: [(from: SIMD2<Double>, to: SIMD2<Double>)] = []
    /// Vertices of the group at hand on the grid, closed rings one after another, and where each ends.
    private var rounded: [SIMD2<Int32>] = []
    private var ends: [Int] = []

    /// Nearer than this many world units to an edge, a vertex may be meant to lie on it: coordinates are rounded to whole ones, and before that to
    /// decimals of a degree.
    private static let touch = 2.5
    /// Groups of more vertices are not tried out.
    private static let triedVertices = 48
    /// Farther out so much is thinned out that trying costs more than it saves.
    private static let leastTriedZoom = 12

    init(_ vertices: UnsafeBufferPointer<Int32>, _ outlines: WorkingRun<Outline>) {
        (self.vertices, self.outlines) = (vertices, outlines)
        edges.reserveCapacity(GroupSafety.vertexLimit)
    }

    /// Notes for each feature of a group from which zoom on none of them needs the others.
    mutating func note(_ details: inout [FeatureDetail], group row: Int, of groups: RowGroups) {
        var zooms: UInt16 = .max
        groups.forEachMember(of: row) { zooms &= details[$0].safeZooms }
        if zooms != 0 { zooms &= self.zooms(row, groups, among: zooms) }
        // From zoom 20 on a unit of the grid is no more than one of the world, and nothing is rounded.
        let apart = 20 - (~(zooms | 1 << 15)).leadingZeroBitCount + 1
        groups.forEachMember(of: row) { details[$0].apartZoom = max(5, apart) }
    }

    /// - Parameter known: at which each feature may be rounded; of the others nothing need be found out.
    private mutating func zooms(_ row: Int, _ groups: RowGroups, among known: UInt16) -> UInt16 {
        guard let least = leastSquare(row, groups) else { return 0 }
        // A unit of the grid is 2^(20 − zoom) world units; a hair above 2 for the rounding of the division.
        let certain = (5...20).first { least > Double(sign: .plus, exponent: 40 - 2 * $0, significand: 2.000001) } ?? 21
        var zooms: UInt16 = certain > 20 ? 0 : ~0 << UInt16(certain - 5)
        guard least > GroupSafety.touch * GroupSafety.touch, edges.count <= GroupSafety.triedVertices else { return zooms }
        var zoom = certain - 1
        while zoom >= GroupSafety.leastTriedZoom && known & (1 << UInt16(zoom - 5)) != 0 && staysApart(row, groups, zoom: zoom) {
            zooms |= 1 << UInt16(zoom - 5)
            zoom -= 1
        }
        return zooms
    }

    /// The square of the least distance of a vertex and an edge it is no end of; nil for groups that are too large.
    private mutating func leastSquare(_ row: Int, _ groups: RowGroups) -> Double? {
        edges.removeAll(keepingCapacity: true)
        let origin = place(vertices(of: row).lowerBound)
        var isSmall = true
        groups.forEachMember(of: row) { member in
            guard isSmall else { return }
            let range = vertices(of: member)
            if edges.count + range.count > GroupSafety.vertexLimit {
                isSmall = false
                return
            }
            for vertex in range.dropLast() {
                edges.append((place(vertex) - origin, place(vertex + 1) - origin))
            }
        }
        guard isSmall else { return nil }
        var least = Double.infinity
        for (a, b) in edges {
            // As in `RingSafety`, so that products are exact.
            guard max(abs(a.x), abs(a.y)) < 0x1p24 else { return nil }
            let step = b - a
            let square = (step * step).sum()
            if square == 0 { continue }
            let (low, high) = (pointwiseMin(a, b), pointwiseMax(a, b))
            for (p, _) in edges where p != a && p != b {
                // Not nearer than the envelope.
                let beside = pointwiseMax(pointwiseMax(low - p, p - high), .zero)
                if (beside * beside).sum() >= least { continue }
                let (fromStart, fromEnd) = (p - a, p - b)
                let along = (fromStart * step).sum()
                if along <= 0 {
                    least = min(least, (fromStart * fromStart).sum())
                } else if along >= square {
                    least = min(least, (fromEnd * fromEnd).sum())
                } else {
                    let side = step.x * fromStart.y - step.y * fromStart.x
                    least = min(least, side * side / square)
                }
            }
        }
        return least
    }

    // MARK: Trying out

    /// Whether the features, rounded at a zoom, lie beside each other as they did. Each of them stays simple.
    private mutating func staysApart(_ row: Int, _ groups: RowGroups, zoom: Int) -> Bool {
        round(row, groups, zoom: zoom)
        for a in ends.indices {
            for b in ends.indices where b != a {
                if !lies(b, beside: a) { return false }
            }
        }
        return true
    }

    private mutating func round(_ row: Int, _ groups: RowGroups, zoom: Int) {
        rounded.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        let reduction = Int64(20 - zoom)
        let half: Int64 = reduction > 0 ? 1 << (reduction - 1) : 0
        func snap(_ place: Int) -> Int64 { (Int64(vertices[place]) + half) >> reduction }
        let first = vertices(of: row).lowerBound
        let (originX, originY) = (snap(2 * first), snap(2 * first + 1))
        groups.forEachMember(of: row) { member in
            let start = rounded.count
            for vertex in vertices(of: member) {
                // Differences are below 2²⁵, see `leastSquare`.
                let place = SIMD2(
                    Int32(truncatingIfNeeded: snap(2 * vertex) - originX), Int32(truncatingIfNeeded: snap(2 * vertex + 1) - originY))
                if rounded.count == start || rounded[rounded.count - 1] != place { rounded.append(place) }
            }
            ends.append(rounded.count)
        }
    }

    private func edges(of ring: Int) -> Range<Int> { (ring == 0 ? 0 : ends[ring - 1])..<ends[ring] - 1 }

    /// Whether no edge of a ring crosses or touches one of another but at a common end, or is the same, and none of the rest, of which there is some, lies in it.
    private func lies(_ ring: Int, beside other: Int) -> Bool {
        var hasOwn = false
        for i in edges(of: ring) {
            let (a, b) = (rounded[i], rounded[i + 1])
            var isCommon = false
            for j in edges(of: other) {
                let (c, d) = (rounded[j], rounded[j + 1])
                if max(a.x, b.x) < min(c.x, d.x) || max(c.x, d.x) < min(a.x, b.x) || max(a.y, b.y) < min(c.y, d.y)
                    || max(c.y, d.y) < min(a.y, b.y)
                {
                    continue
                }
                if a == d && b == c || a == c && b == d {
                    isCommon = true
                    continue
                }
                let (ofC, ofD) = (turn(a, b, c).signum(), turn(a, b, d).signum())
                let (ofA, ofB) = (turn(c, d, a).signum(), turn(c, d, b).signum())
                if a == c || a == d || b == c || b == d {
                    // Along each other when they run the same way from there.
                    if ofC == 0 && ofD == 0 && reach(a, b, c, d) { return false }
                } else if ofC * ofD <= 0 && ofA * ofB <= 0 {
                    return false
                }
            }
            if isCommon { continue }
            if contains(other, twice: a &+ b) { return false }
            hasOwn = true
        }
        return hasOwn
    }

    /// Whether two segments on one line with a common end have more in common.
    private func reach(_ a: SIMD2<Int32>, _ b: SIMD2<Int32>, _ c: SIMD2<Int32>, _ d: SIMD2<Int32>) -> Bool {
        let common = a == c || a == d ? a : b
        let (p, q) = ((common == a ? b : a) &- common, (common == c ? d : c) &- common)
        return Int64(p.x) * Int64(q.x) + Int64(p.y) * Int64(q.y) > 0
    }

    /// Whether the middle of an edge, which is on none of the ring's, lies inside of it. By the edges that a ray to the east crosses.
    private func contains(_ ring: Int, twice middle: SIMD2<Int32>) -> Bool {
        var isInside = false
        for i in edges(of: ring) {
            let (a, b) = (rounded[i] &+ rounded[i], rounded[i + 1] &+ rounded[i + 1])
            if (a.y > middle.y) == (b.y > middle.y) { continue }
            let side = turn(a, b, middle)
            if (side > 0) == (b.y > a.y) { isInside.toggle() }
        }
        return isInside
    }

    private func place(_ vertex: Int) -> SIMD2<Double> { SIMD2(Double(vertices[2 * vertex]), Double(vertices[2 * vertex + 1])) }

    /// Those of a feature of one ring.
    private func vertices(of row: Int) -> Range<Int> {
        // The first outline of the row or of one after it.
        var (low, high) = (0, outlines.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(outlines[middle].feature) < row { low = middle + 1 } else { high = middle }
        }
        return (low == 0 ? 0 : Int(outlines[low - 1].end))..<Int(outlines[low].end)
    }
}
