/// What stands for polygons of which rounding has left too little.
struct StandIns: ~Copyable {
    /// What has no area in the tile, but is there.
    struct Thread: BitwiseCopyable {
        var owner: Int32
        var from: GridPoint
        var to: GridPoint
    }

    /// An owner of which something is left, but less than it has.
    struct Lack: BitwiseCopyable {
        var owner: Int32
        /// Square grid units.
        var area: Double
        /// Where its pieces that run to and fro begin in `folded`.
        var start: Int32
        /// Of all of them, in grid units along their main axes.
        var length: Int32
    }

    var threads = Scratch<Thread>()
    var lacks = Scratch<Lack>()
    /// Pieces, north end and south end in 26 bits each.
    var folded = Scratch<UInt64>()
    /// For each owner the one that stands for it, or −1; that may have one itself.
    private var numbers = Scratch<Int32>()
    private(set) var ownerCount = 0
    var collapse = Collapse()
    var rings = GridRings()
    var ring = Scratch<FinePoint>()
    var points = Scratch<FinePoint>()

    /// By how many units they lie beside their places: where a stand-in was before, but others' had all of it, another is put beside it.
    static let shifts: [SIMD2<Int32>] = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 1], [-1, -1], [2, 0], [0, 2]]

    mutating func removeAll() {
        threads.removeAll()
        lacks.removeAll()
        folded.removeAll()
    }

    /// - Parameter count: of owners that stand for none.
    mutating func start(_ count: Int) {
        numbers.fill(-1, count: count)
        ownerCount = count
    }

    var hasAny: Bool { numbers.count > ownerCount }

    func of(_ owner: Int) -> Int { Int(numbers[owner]) }

    /// Makes the next owner stand for another, besides those that do already.
    mutating func append(for owner: Int) {
        numbers.append(numbers[owner])
        numbers[owner] = Int32(numbers.count - 1)
    }
}

/// Polygons that are thinner than the grid fall onto lines, whole or in places. Where they are shown by less than their area, they take it back from whoever
/// has it and is not graver: as a stand-in (`Collapse`), or in strips of a unit along what has become of them.
extension Coverage {
    /// Notes where an owner that is not put together with margins has lost more than a thirty-second of its area, and a square unit.
    /// - Parameter border: of the owner; its pieces are in `spare`, in their order.
    mutating func noteLack(of owner: Int, uses range: Range<Int>, border: Range<Int>) {
        if border.isEmpty { return }
        var drawn: Int64 = 0
        for i in border {
            let (upper, lower) = (GridPoint(key: borders[i] >> 27), GridPoint(key: borders[i] >> 1 & 0x3FF_FFFF))
            let area = Int64(upper.x) * Int64(lower.y) - Int64(upper.y) * Int64(lower.x)
            drawn += borders[i] & 1 == 0 ? area : -area
        }
        var area = 0.0
        var origin = FinePoint(x: 0, y: 0)
        for i in range {
            let (from, to) = ends(of: uses[i])
            if uses[i] & Coverage.firstOfRing != 0 { origin = from }
            area += Double(from.x - origin.x) * Double(to.y - origin.y) - Double(from.y - origin.y) * Double(to.x - origin.x)
        }
        let lack = (area * grid.areaScale - Double(drawn)) / 2
        if lack < 1 || lack * 64 < area * grid.areaScale { return }
        let start = standIns.folded.count
        var length: Int32 = 0
        var i = 0
        while i < spare.count {
            let piece = spare[i] >> 1
            var balance = 0
            while i < spare.count && spare[i] >> 1 == piece {
                balance += spare[i] & 1 == 0 ? 1 : -1
                i += 1
            }
            if balance != 0 { continue }
            standIns.folded.append(piece)
            length += StandIns.length(piece)
        }
        if length > 0 { standIns.lacks.append(StandIns.Lack(owner: Int32(owner), area: lack, start: Int32(start), length: length)) }
    }

    /// Gives owners of whom nothing is left a stand-in of the same area, and those of whom too little is left what they lack. False when there are none.
    mutating func addStandIns(_ shift: SIMD2<Int32>) -> Bool {
        let count = ranks.count
        var next = 0
        for owner in 0..<standIns.ownerCount {
            let start = next
            while next < uses.count && Coverage.owner(uses[next]) == owner { next += 1 }
            if start < next && !isDrawn(owner) { addStandIn(for: owner, uses: start..<next, shift) }
        }
        for i in 0..<standIns.threads.count {
            let thread = standIns.threads[i]
            if isDrawn(Int(thread.owner)) { continue }
            standIns.collapse.removeAll()
            standIns.collapse.set(from: thread.from, to: thread.to)
            addStandIn(for: Int(thread.owner), shift)
        }
        for i in 0..<standIns.lacks.count { addStrips(i) }
        standIns.lacks.removeAll()
        return ranks.count > count
    }

    private mutating func addStandIn(for owner: Int, uses range: Range<Int>, _ shift: SIMD2<Int32>) {
        standIns.collapse.removeAll()
        standIns.points.removeAll()
        var area: Int128 = 0
        for i in range where uses[i] & 2 == 0 {
            if uses[i] & Coverage.firstOfRing != 0 {
                addCollapsed(isHole: area < 0)
                area = 0
            }
            let (from, to) = ends(of: uses[i])
            standIns.points.append(from)
            // As its role says, which may not be how it was given.
            let origin = standIns.points[0]
            area += Int128(from.x - origin.x) * Int128(to.y - origin.y) - Int128(from.y - origin.y) * Int128(to.x - origin.x)
        }
        addCollapsed(isHole: area < 0)
        if standIns.collapse.area > 0 { addStandIn(for: owner, shift) }
    }

    private mutating func addCollapsed(isHole: Bool) {
        standIns.collapse.add(standIns.points, grid, isHole: isHole)
        standIns.points.removeAll()
    }

    /// Adds what `collapse` says.
    private mutating func addStandIn(for owner: Int, _ shift: SIMD2<Int32>) {
        standIns.collapse.standIn(into: &standIns.rings)
        standIns.ring.removeAll()
        for i in 0..<standIns.rings.points.count { standIns.ring.append(finePoint(standIns.rings.points[i], shift.x, shift.y)) }
        addRing(for: owner, isReversed: false, isNew: true)
    }

    /// Widens as many of an owner's pieces that run to and fro as give it its area back, spread along all of them.
    private mutating func addStrips(_ number: Int) {
        let lack = standIns.lacks[number]
        let end = number + 1 < standIns.lacks.count ? Int(standIns.lacks[number + 1].start) : standIns.folded.count
        let share = min(1, lack.area / Double(lack.length))
        var carried = 0.0
        var isNew = true
        for i in Int(lack.start)..<end {
            let (upper, lower) = StandIns.ends(standIns.folded[i])
            let length = Double(StandIns.length(standIns.folded[i]))
            carried += share * length
            if carried < length / 2 { continue }
            carried -= length
            let isFlat = abs(lower.x - upper.x) >= lower.y - upper.y
            let (x, y): (Int32, Int32) = isFlat ? (0, 1) : (1, 0)
            standIns.ring.removeAll()
            standIns.ring.append(finePoint(upper, 0, 0))
            standIns.ring.append(finePoint(lower, 0, 0))
            standIns.ring.append(finePoint(lower, x, y))
            standIns.ring.append(finePoint(upper, x, y))
            if addRing(for: Int(lack.owner), isReversed: !isFlat || lower.x < upper.x, isNew: isNew) { isNew = false }
        }
    }

    /// Adds `ring` to what stands for an owner. False when it would lie beyond the buffer.
    @discardableResult
    private mutating func addRing(for owner: Int, isReversed: Bool, isNew: Bool) -> Bool {
        for i in 0..<standIns.ring.count where !Clipper.sides(standIns.ring[i], grid).isEmpty { return false }
        if isNew {
            ranks.append(ranks[owner] | 1)
            standIns.append(for: owner)
        }
        var ring = Scratch<FinePoint>(capacity: 0)
        swap(&ring, &standIns.ring)
        add(ring, to: ranks.count - 1, isMargin: true, isReversed: isReversed)
        swap(&ring, &standIns.ring)
        return true
    }

    private func finePoint(_ point: GridPoint, _ x: Int32, _ y: Int32) -> FinePoint {
        FinePoint(x: Int64(point.x + x) << grid.reduction, y: Int64(point.y + y) << grid.reduction)
    }

    /// The ends of a segment as an owner's ring passes them.
    private func ends(of use: UInt64) -> (from: FinePoint, to: FinePoint) {
        let segment = rounding.segments[Int(use >> 3 & 0xFFFF_FFFF)]
        return use & 1 == 0 ? (segment.upper, segment.lower) : (segment.lower, segment.upper)
    }
}

extension StandIns {
    static func ends(_ piece: UInt64) -> (upper: GridPoint, lower: GridPoint) {
        (GridPoint(key: piece >> 26), GridPoint(key: piece & 0x3FF_FFFF))
    }

    /// Along the main axis.
    static func length(_ piece: UInt64) -> Int32 {
        let (upper, lower) = ends(piece)
        return max(abs(lower.x - upper.x), lower.y - upper.y)
    }
}
