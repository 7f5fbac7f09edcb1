/// All polygons of a layer in one tile, put on the grid together: what they share in the source they share in the tile, without a gap and without an overlap.
///
/// ```swift
/// coverage.start(grid)
/// let owner = coverage.addOwner(rank: 1)
/// coverage.add(ring, to: owner, …)
/// …
/// coverage.arrange(&untangler)
/// coverage.rings(of: owner, &untangler, into: &rings)
/// ```
/// An *owner* is a feature, or several that are shown as one. All rings' edges are rounded at once (`SnapRounding`); then each owner's rings are closed again
/// from its pieces alone. As rounding takes no place over a line, polygons that fit together before do so afterwards.
///
/// Polygons that must cover all they are in truth, those of hazards, have a *margin* besides: what lies within half a unit of their outer edges, along each
/// axis, before rounding, which takes no more than that away again. Every place is then its gravest class's (`CoverSets`).
struct Coverage: ~Copyable {
    var rounding = SnapRounding()
    private var sets = CoverSets()
    /// Twice what they were given; what stands for one has one more, so that it goes before its like and before none that is graver.
    var ranks = Scratch<UInt16>()
    /// For each owner whether it has a ring that is no margin, or a thread.
    private var isThere = Scratch<Bool>()
    private var hasMargins = false
    /// The rings' edges: owner in 24 bits, segment in 32, whether it is its ring's first, whether it is of a margin, whether it runs up.
    var uses = Scratch<UInt64>(capacity: 1024)
    /// What stands for those of whom too little is left, see `addStandIns`.
    var standIns = StandIns()
    var grid = TileGrid(MapTile(.webMercatorQuad, zoom: 0, column: 0, row: 0)!)
    /// Where the pieces of each segment begin in `pieces`.
    private var pieceStarts = Scratch<Int32>(capacity: 1024)
    /// Pieces of segments on the grid: north end and south end in 26 bits each, then a bit that is set when the segment runs up it.
    private var pieces = Scratch<UInt64>(capacity: 1024)
    /// For each owner its border, pieces with a bit that is set when the border runs up.
    var borders = Scratch<UInt64>(capacity: 1024)
    private var borderStarts = Scratch<Int32>()
    private var numbers = KeyNumbers()
    var spare = Scratch<UInt64>()
    private var sorting = Scratch<UInt64>()

    private let segmentLimit: Int
    private static let ownerLimit = 1 << 22

    /// - Parameter segmentLimit: more are not rounded together.
    init(segmentLimit: Int = 1 << 20) { self.segmentLimit = segmentLimit }

    /// Whoever adds goes on with a new coverage.
    var isFull: Bool { rounding.segments.count >= segmentLimit || ranks.count >= Coverage.ownerLimit }

    mutating func start(_ grid: TileGrid) {
        self.grid = grid
        rounding.start(grid)
        ranks.removeAll()
        isThere.removeAll()
        standIns.removeAll()
        uses.removeAll()
        hasMargins = false
    }

    /// - Parameter rank: of its class; the greater wins what rounding leaves.
    mutating func addOwner(rank: UInt8) -> Int {
        ranks.append(UInt16(rank) << 1)
        isThere.append(false)
        return ranks.count - 1
    }

    /// Adds a ring, whose closing vertex is not repeated, within the buffered tile.
    /// - Parameter isReversed: it does not run as its role says: shells and margins clockwise on the map, holes the other way.
    mutating func add(_ ring: borrowing Scratch<FinePoint>, to owner: Int, isMargin: Bool, isReversed: Bool) {
        if ring.count < 3 { return }
        if isMargin { hasMargins = true } else { isThere[owner] = true }
        var from = ring[ring.count - 1]
        var first: UInt64 = Coverage.firstOfRing
        for i in 0..<ring.count {
            let to = ring[i]
            defer { from = to }
            if from == to { continue }
            let runsUp = (to.y, to.x) < (from.y, from.x)
            let segment = runsUp ? rounding.number(upper: to, lower: from) : rounding.number(upper: from, lower: to)
            uses.append(UInt64(owner) << 35 | UInt64(segment) << 3 | first | (isMargin ? 2 : 0) | (runsUp != isReversed ? 1 : 0))
            first = 0
        }
    }

    /// Notes that an owner's polygons have no area in the tile, but run from one place of it to another.
    mutating func addThread(from: GridPoint, to: GridPoint, to owner: Int) {
        isThere[owner] = true
        standIns.threads.append(StandIns.Thread(owner: Int32(owner), from: from, to: to))
    }

    /// Whether anything was added to an owner that is no margin.
    func isThere(_ owner: Int) -> Bool { isThere[owner] }

    static let firstOfRing: UInt64 = 4

    @inline(__always)
    static func owner(_ use: UInt64) -> Int { Int(use >> 35) }

    /// Puts everything on the grid; afterwards `rings` may be asked. When the limit is reached, nobody has any.
    /// - Complexity: O(edges × log edges) plus the pairs of edges that lie beside each other.
    mutating func arrange(_ untangler: inout Untangler, within limit: inout WorkLimit) {
        uses.sort(bits: 35..<59, spare: &spare)
        standIns.start(ranks.count)
        round(&untangler, within: &limit)
        // Stand-ins may take all that others have.
        for shift in StandIns.shifts where !limit.isReached && lacksSome && addStandIns(shift) { round(&untangler, within: &limit) }
        if limit.isReached {
            borders.removeAll()
            borderStarts.fill(0, count: ranks.count + 1)
        }
    }

    private mutating func round(_ untangler: inout Untangler, within limit: inout WorkLimit) {
        rounding.heatCells(within: &limit)
        if limit.isReached { return }
        pieces.removeAll()
        pieceStarts.removeAll()
        for segment in 0..<rounding.segments.count {
            pieceStarts.append(Int32(pieces.count))
            rounding.findChain(segment)
            for i in 1..<max(1, rounding.chain.count) {
                let a = rounding.chain[i - 1].key
                let b = rounding.chain[i].key
                pieces.append(a < b ? a << 27 | b << 1 : b << 27 | a << 1 | 1)
            }
            let ends = rounding.segments[segment]
            let rows = Int((ends.lower.y - ends.upper.y) >> grid.reduction)
            if !limit.allows(rows + rounding.chain.count, pieces: pieces.count) { return }
        }
        pieceStarts.append(Int32(pieces.count))
        let isDone = hasMargins && ownersFromFaces(&untangler, within: &limit)
        if !isDone && !limit.isReached { ownersByThemselves(within: &limit) }
    }

    /// Every owner has what its rings wind around, whatever others have.
    private mutating func ownersByThemselves(within limit: inout WorkLimit) {
        borders.removeAll()
        borderStarts.removeAll()
        var next = 0
        for owner in 0..<ranks.count {
            borderStarts.append(Int32(borders.count))
            spare.removeAll()
            let first = next
            while next < uses.count && Coverage.owner(uses[next]) == owner {
                for piece in pieces(of: uses[next]) { spare.append(pieces[piece] ^ uses[next] & 1) }
                next += 1
            }
            let start = borders.count
            let count = spare.count
            addBorder()
            if !limit.allows(count, pieces: max(count, borders.count)) { return }
            if !hasMargins { noteLack(of: owner, uses: first..<next, border: start..<borders.count) }
        }
        borderStarts.append(Int32(borders.count))
    }

    /// Adds the pieces in `spare` to the borders; those that run to and fro cancel.
    private mutating func addBorder() {
        spare.sort(bits: 1..<53, spare: &sorting)
        var i = 0
        while i < spare.count {
            let piece = spare[i] >> 1
            var balance = 0
            while i < spare.count && spare[i] >> 1 == piece {
                balance += spare[i] & 1 == 0 ? 1 : -1
                i += 1
            }
            for _ in 0..<abs(balance) { borders.append(piece << 1 | (balance < 0 ? 1 : 0)) }
        }
    }

    /// Whether of an owner that is there nothing is left, or too little.
    private var lacksSome: Bool {
        if standIns.lacks.count > 0 { return true }
        for owner in 0..<standIns.ownerCount where isThere[owner] && !isDrawn(owner) { return true }
        return false
    }

    @inline(__always)
    private func pieces(of use: UInt64) -> Range<Int> {
        let segment = Int(use >> 3 & 0xFFFF_FFFF)
        return Int(pieceStarts[segment])..<Int(pieceStarts[segment + 1])
    }

    /// Gives every face of the arrangement to those that `sets` says. False when there are too many different sets: then nothing was done.
    private mutating func ownersFromFaces(_ untangler: inout Untangler, within limit: inout WorkLimit) -> Bool {
        numbers.removeAll()
        sets.start()
        for i in 0..<uses.count {
            let use = uses[i]
            for place in pieces(of: use) {
                let runsUp = (pieces[place] ^ use) & 1 != 0
                sets.add(
                    edge: numbers.number(of: pieces[place] >> 1), owner: Coverage.owner(use), isMargin: use & 2 != 0,
                    balance: runsUp ? -1 : 1)
            }
        }
        // By their north ends, as the sweep wants them.
        var order = Scratch<UInt64>(capacity: numbers.count)
        for number in 0..<numbers.count { order.append((numbers.keys[number] >> 26) << 32 | UInt64(number)) }
        order.sort(bits: 32..<58, spare: &spare)
        untangler.edges.removeAll()
        for i in 0..<order.count {
            let key = numbers.keys[Int(truncatingIfNeeded: order[i] & 0xFFFF_FFFF)]
            untangler.edges.append(Untangler.Edge(upper: GridPoint(key: key >> 26), lower: GridPoint(key: key & 0x3FF_FFFF), balance: 0))
        }
        sets.order(order)
        untangler.sweep(&sets, within: &limit)
        if !limit.allows(sets.steps) || sets.isFull { return false }
        sets.decide(ranks, within: &limit)
        if limit.isReached { return false }
        borders.removeAll()
        for i in 0..<untangler.edges.count {
            let edge = untangler.edges[i]
            let number = order[i] & 0xFFFF_FFFF
            sets.addBorders(west: edge.windingWest, east: edge.windingEast, edge: number, to: &borders)
            if !limit.allows(1, pieces: borders.count) { return false }
        }
        borders.sort(bits: 33..<57, spare: &spare)
        borderStarts.removeAll()
        for i in 0..<borders.count {
            while borderStarts.count <= Int(borders[i] >> 33) { borderStarts.append(Int32(i)) }
            borders[i] = numbers.keys[Int(borders[i] >> 1 & 0xFFFF_FFFF)] << 1 | borders[i] & 1
        }
        while borderStarts.count <= ranks.count { borderStarts.append(Int32(borders.count)) }
        return true
    }

    /// Whether something of an owner, or what stands for it, is on the grid.
    func isDrawn(_ owner: Int) -> Bool {
        var owner = owner
        while owner >= 0 {
            if borderStarts[owner] < borderStarts[owner + 1] { return true }
            owner = standIns.of(owner)
        }
        return false
    }

    /// Whether an owner has something in the tile, but nothing of it is on the grid, not even a stand-in: others' have its place.
    func isSqueezedOut(_ owner: Int) -> Bool { isThere[owner] && standIns.hasAny && !isDrawn(owner) }

    /// The rings of an owner: a valid polygon or multipolygon, or none.
    func rings(of owner: Int, _ untangler: inout Untangler, within limit: inout WorkLimit, into rings: inout GridRings) {
        untangler.segments.removeAll()
        var owner = owner
        while owner >= 0 {
            for i in Int(borderStarts[owner])..<Int(borderStarts[owner + 1]) { untangler.segments.append(borders[i]) }
            owner = standIns.of(owner)
        }
        untangler.resolve(&rings, within: &limit)
    }
}
