/// Which owners' polygons and margins lie over each face of an arrangement, and whose the face is.
///
/// A face lies in the polygons of some owners, and within the margins of some more. Where the gravest of all has it by its polygon, it is that of all whose
/// polygons lie there, as in the source. Where a margin is graver than every polygon, or there is none, the margin has it: of several the first one's. Those
/// with a lesser class lose it, so that the two share a border; but not those whose polygons lie under the graver one's in the source too, as a yellow zone
/// under a red one: there nothing is taken away.
///
/// Faces with the same owners have the same number, so that most is decided once.
struct CoverSets: ~Copyable, FaceRule {
    static var hasBorder: Bool { false }

    /// What crossing an edge from west to east takes away, of one owner.
    struct Change: BitwiseCopyable {
        var owner: Int32
        var isMargin: Bool
        var balance: Int32
        /// The edge's next, or −1.
        var next: Int32
    }

    private var changes = Scratch<Change>(capacity: 1024)
    /// The first change of each edge, by the number it was given; then by its place in the sweep.
    private var firstChanges = Scratch<Int32>(capacity: 1024)
    private var ordered = Scratch<Int32>(capacity: 1024)
    /// Runs of members, ascending: owner in 24 bits, then how often its polygons and its margins lie there, in 20 bits each, zero in the middle.
    private var members = Scratch<UInt64>(capacity: 1024)
    private var starts = Scratch<Int32>()
    private var table = NumberTable()
    private var atHand = Scratch<UInt64>()
    /// After `decide`: runs of owners, ascending.
    private var owners = Scratch<Int32>()
    private var ownerStarts = Scratch<Int32>()
    /// A lesser owner and a graver one, whose polygons lie over each other.
    private var pairs = KeyNumbers()
    /// For each owner, whether its polygons lie under so many others that no pairs are made of them.
    private var isOverlapped = Scratch<Bool>()
    private static let pairLimit = 32
    /// There are more than memory and time should be spent on.
    private(set) var isFull = false

    private static let memberLimit = 1 << 21
    /// Members looked at on the way over all edges, at most: a tile should not take much longer than others because zones lie over each other.
    private static let stepLimit = 1 << 25
    private(set) var steps = 0
    private static let zero: UInt64 = 1 << 19
    private static let none = zero << 20 | zero

    init() {}

    mutating func start() {
        changes.removeAll()
        firstChanges.removeAll()
        members.removeAll()
        starts.removeAll()
        starts.append(0)
        starts.append(0)
        table.removeAll(leastPlaces: 256)
        isFull = false
        steps = 0
        atHand.removeAll()
        table.add(0, hash: hash())
    }

    /// - Parameter balance: how many times more the owner's ring runs down the edge than up.
    mutating func add(edge: Int, owner: Int, isMargin: Bool, balance: Int32) {
        while firstChanges.count <= edge { firstChanges.append(-1) }
        changes.append(Change(owner: Int32(owner), isMargin: isMargin, balance: balance, next: firstChanges[edge]))
        firstChanges[edge] = Int32(changes.count - 1)
    }

    /// Says in which order the edges come, by the lower 32 bits.
    mutating func order(_ order: borrowing Scratch<UInt64>) {
        ordered.removeAll()
        for i in 0..<order.count { ordered.append(firstChanges[Int(order[i] & 0xFFFF_FFFF)]) }
    }

    mutating func east(of edge: Int, balance: Int32, west: Int32) -> Int32 {
        if isFull { return 0 }
        steps += Int(starts[Int(west) + 1] - starts[Int(west)])
        if steps > CoverSets.stepLimit { isFull = true }
        atHand.removeAll()
        for i in Int(starts[Int(west)])..<Int(starts[Int(west) + 1]) { atHand.append(members[i]) }
        var change = ordered[edge]
        while change >= 0 {
            apply(changes[Int(change)])
            change = changes[Int(change)].next
        }
        return number()
    }

    private mutating func apply(_ change: Change) {
        var place = 0
        let owner = UInt64(change.owner)
        while place < atHand.count && atHand[place] >> 40 < owner { place += 1 }
        if place == atHand.count || atHand[place] >> 40 != owner {
            atHand.append(0)
            var i = atHand.count - 1
            while i > place {
                atHand[i] = atHand[i - 1]
                i -= 1
            }
            atHand[place] = owner << 40 | CoverSets.none
        }
        let step = UInt64(bitPattern: Int64(-change.balance)) << (change.isMargin ? 0 : 20)
        atHand[place] = atHand[place] &+ step
        if atHand[place] & 0xFF_FFFF_FFFF == CoverSets.none { atHand.remove(1, at: place) }
    }

    private func hash() -> UInt64 {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        for i in 0..<atHand.count { state = fold(state ^ atHand[i]) }
        return state
    }

    /// The number of the set at hand.
    private mutating func number() -> Int32 {
        var place = table.home(hash())
        while let number = table[place] {
            if isAtHand(number) { return Int32(number) }
            place = table.after(place)
        }
        let number = starts.count - 1
        table.put(number, at: place)
        for i in 0..<atHand.count { members.append(atHand[i]) }
        starts.append(Int32(members.count))
        if members.count > CoverSets.memberLimit { isFull = true }
        if table.isCrowded { enlargeTable() }
        return Int32(number)
    }

    private func isAtHand(_ set: Int) -> Bool {
        let start = Int(starts[set])
        guard Int(starts[set + 1]) - start == atHand.count else { return false }
        for i in 0..<atHand.count where members[start + i] != atHand[i] { return false }
        return true
    }

    private mutating func enlargeTable() {
        table.enlarge()
        for set in 0..<starts.count - 1 {
            atHand.removeAll()
            for i in Int(starts[set])..<Int(starts[set + 1]) { atHand.append(members[i]) }
            table.add(set, hash: hash())
        }
    }

    // MARK: Whose a face is

    @inline(__always)
    private func isPolygon(_ member: UInt64) -> Bool { member >> 20 & 0xF_FFFF > CoverSets.zero }

    @inline(__always)
    private func isMargin(_ member: UInt64) -> Bool { member & 0xF_FFFF > CoverSets.zero }

    /// Finds for every set the owners that have its faces. Unfinished when the limit is reached.
    mutating func decide(_ ranks: borrowing Scratch<UInt16>, within limit: inout WorkLimit) {
        isOverlapped.fill(false, count: ranks.count)
        pairs.removeAll()
        for set in 0..<starts.count - 1 {
            let range = Int(starts[set])..<Int(starts[set + 1])
            if !limit.allows(range.count * min(range.count, CoverSets.pairLimit)) { return }
            for i in range where isPolygon(members[i]) {
                let owner = Int(members[i] >> 40)
                if range.count > CoverSets.pairLimit {
                    isOverlapped[owner] = true
                    continue
                }
                for j in range where isPolygon(members[j]) && ranks[Int(members[j] >> 40)] > ranks[owner] {
                    _ = pairs.number(of: UInt64(owner) << 32 | members[j] >> 40)
                }
            }
        }
        owners.removeAll()
        ownerStarts.removeAll()
        for set in 0..<starts.count - 1 {
            ownerStarts.append(Int32(owners.count))
            let range = Int(starts[set])..<Int(starts[set + 1])
            var polygonRank = -1
            var margin: (owner: Int, rank: Int) = (-1, -1)
            for i in range {
                let owner = Int(members[i] >> 40)
                let rank = Int(ranks[owner])
                if isPolygon(members[i]) {
                    polygonRank = max(polygonRank, rank)
                } else if isMargin(members[i]) && rank > margin.rank {
                    margin = (owner, rank)
                }
            }
            let marginWins = margin.rank > polygonRank
            for i in range {
                let owner = Int(members[i] >> 40)
                let stays: Bool
                if isPolygon(members[i]) {
                    stays = !marginWins || isOverlapped[owner] || pairs.contains(UInt64(owner) << 32 | UInt64(margin.owner))
                } else {
                    stays = marginWins && owner == margin.owner
                }
                if stays { owners.append(Int32(owner)) }
            }
        }
        ownerStarts.append(Int32(owners.count))
    }

    /// Adds an edge to the borders of the owners that have the faces on just one of its sides: owner in 24 bits, edge in 32, whether the border runs up.
    func addBorders(west: Int32, east: Int32, edge: UInt64, to borders: inout Scratch<UInt64>) {
        if west == east { return }
        var (i, j) = (Int(ownerStarts[Int(west)]), Int(ownerStarts[Int(east)]))
        let (endOfWest, endOfEast) = (Int(ownerStarts[Int(west) + 1]), Int(ownerStarts[Int(east) + 1]))
        while i < endOfWest || j < endOfEast {
            let a = i < endOfWest ? owners[i] : .max
            let b = j < endOfEast ? owners[j] : .max
            if a <= b { i += 1 }
            if b <= a { j += 1 }
            // With the inside to its west a border runs down.
            if a != b { borders.append(UInt64(min(a, b)) << 33 | edge << 1 | (a < b ? 0 : 1)) }
        }
    }
}
