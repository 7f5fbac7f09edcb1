import Geo

/// Exact answers about stored geometry: vertices are whole numbers, so that nothing is a matter of rounding. Borders count as inside.
extension Shape {
    /// Whether any of the geometry lies in the box, its border included.
    /// - Complexity: O(vertices)
    func meets(_ box: UnitBox) -> Bool {
        switch degrees {
        case .narrow(let numbers): Relations(shape: self, vertices: NarrowVertices(numbers: numbers)).meets(box)
        case .wide(let numbers, let decimals):
            Relations(shape: self, vertices: WideVertices(numbers: numbers, factor: decimals == 8 ? 10 : 1)).meets(box)
        }
    }

    /// Whether the place, in units of 1e-9 degree, lies in a polygon, on a line or on a point of the geometry.
    /// - Complexity: O(vertices)
    func covers(x: Int64, y: Int64) -> Bool {
        switch degrees {
        case .narrow(let numbers): Relations(shape: self, vertices: NarrowVertices(numbers: numbers)).covers(x, y)
        case .wide(let numbers, let decimals):
            Relations(shape: self, vertices: WideVertices(numbers: numbers, factor: decimals == 8 ? 10 : 1)).covers(x, y)
        }
    }
}

/// Vertices in units of 1e-9 degree.
private protocol UnitVertices {
    func x(_ index: Int) -> Int64
    func y(_ index: Int) -> Int64
}

private struct NarrowVertices: UnitVertices {
    let numbers: UnsafePointer<Int32>

    @inline(__always) func x(_ index: Int) -> Int64 { Int64(numbers[2 * index]) * 100 }
    @inline(__always) func y(_ index: Int) -> Int64 { Int64(numbers[2 * index + 1]) * 100 }
}

private struct WideVertices: UnitVertices {
    let numbers: UnsafePointer<Int64>
    let factor: Int64

    @inline(__always) func x(_ index: Int) -> Int64 { numbers[2 * index] * factor }
    @inline(__always) func y(_ index: Int) -> Int64 { numbers[2 * index + 1] * factor }
}

private struct Relations<Vertices: UnitVertices> {
    let shape: Shape
    let vertices: Vertices

    func meets(_ box: UnitBox) -> Bool {
        for part in shape.partEnds.indices {
            switch shape.kind(ofPart: part) {
            case .point:
                for ring in shape.rings(ofPart: part) {
                    for i in shape.vertices(ofRing: ring) where box.contains(vertices.x(i), vertices.y(i)) { return true }
                }
            case .lineString:
                for ring in shape.rings(ofPart: part) where ringMeets(ring, box) { return true }
            default:
                for ring in shape.rings(ofPart: part) where ringMeets(ring, box) { return true }
                // No border in the box: the box lies wholly inside, or wholly outside.
                if partCovers(part, box.minX, box.minY) { return true }
            }
        }
        return false
    }

    func covers(_ x: Int64, _ y: Int64) -> Bool {
        for part in shape.partEnds.indices {
            switch shape.kind(ofPart: part) {
            case .point, .lineString:
                let place = UnitBox(x, y)
                for ring in shape.rings(ofPart: part) where ringMeets(ring, place) { return true }
            default:
                if partCovers(part, x, y) { return true }
            }
        }
        return false
    }

    private func ringMeets(_ ring: Int, _ box: UnitBox) -> Bool {
        let range = shape.vertices(ofRing: ring)
        var ax = vertices.x(range.lowerBound)
        var ay = vertices.y(range.lowerBound)
        if box.contains(ax, ay) { return true }
        for i in range.dropFirst() {
            let bx = vertices.x(i)
            let by = vertices.y(i)
            if segmentMeets(ax, ay, bx, by, box) { return true }
            (ax, ay) = (bx, by)
        }
        return false
    }

    /// By separating axes: a box and a segment are apart exactly when their shadows on x, on y or across the segment are.
    @inline(__always)
    private func segmentMeets(_ ax: Int64, _ ay: Int64, _ bx: Int64, _ by: Int64, _ box: UnitBox) -> Bool {
        if max(ax, bx) < box.minX || min(ax, bx) > box.maxX || max(ay, by) < box.minY || min(ay, by) > box.maxY { return false }
        if box.contains(bx, by) { return true }
        let first = Relations.side(ax, ay, bx, by, box.minX, box.minY)
        if first == 0 { return true }
        return Relations.side(ax, ay, bx, by, box.maxX, box.minY) != first || Relations.side(ax, ay, bx, by, box.minX, box.maxY) != first
            || Relations.side(ax, ay, bx, by, box.maxX, box.maxY) != first
    }

    /// A ray to the east crosses the border an odd number of times from inside; a place on the border is inside.
    private func partCovers(_ part: Int, _ x: Int64, _ y: Int64) -> Bool {
        var inside = false
        for ring in shape.rings(ofPart: part) {
            let range = shape.vertices(ofRing: ring)
            var ax = vertices.x(range.lowerBound)
            var ay = vertices.y(range.lowerBound)
            for i in range.dropFirst() {
                let bx = vertices.x(i)
                let by = vertices.y(i)
                defer { (ax, ay) = (bx, by) }
                if ay == y && by == y {
                    if min(ax, bx) <= x && x <= max(ax, bx) { return true }
                } else if (ay > y) != (by > y) || by == y || ay == y {
                    let side = Relations.side(ax, ay, bx, by, x, y)
                    if side == 0 && min(ay, by) <= y && y <= max(ay, by) { return true }
                    if (ay > y) != (by > y) && (side > 0) == (by > ay) { inside.toggle() }
                }
            }
        }
        return inside
    }

    /// 1 when the place lies to the left of the line from a to b, −1 to the right, 0 on it: exactly.
    @inline(__always)
    static func side(_ ax: Int64, _ ay: Int64, _ bx: Int64, _ by: Int64, _ x: Int64, _ y: Int64) -> Int {
        // Differences are below 2⁴⁰ and exact as doubles; only a product near zero needs more bits.
        let left = Double(bx - ax) * Double(y - ay)
        let right = Double(by - ay) * Double(x - ax)
        let difference = left - right
        if abs(difference) > (abs(left) + abs(right)) * 1e-15 { return difference > 0 ? 1 : -1 }
        let exact = Int128(bx - ax) * Int128(y - ay) - Int128(by - ay) * Int128(x - ax)
        return exact > 0 ? 1 : exact < 0 ? -1 : 0
    }
}

extension UnitBox {
    /// A single place.
    fileprivate init(_ x: Int64, _ y: Int64) {
        (minX, minY, maxX, maxY) = (x, y, x, y)
    }
}
