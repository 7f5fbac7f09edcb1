/// Numbers places in the order in which they first come.
struct PlaceTable {
    /// For each number its place.
    let places: WorkingRun<SIMD2<Int32>>
    private(set) var count = 0
    /// A number plus one, or 0.
    private let slots: WorkingRun<UInt32>

    /// - Parameter capacity: no more places than this will come.
    init(capacity: Int, places memory: WorkingMemory, slots passing: WorkingMemory) throws(LayerFileError) {
        places = try memory.run(of: SIMD2<Int32>.self, count: capacity)
        slots = try passing.run(of: UInt32.self, count: tableSize(capacity))
    }

    mutating func number(_ place: SIMD2<Int32>) -> Int {
        let key = UInt64(UInt32(bitPattern: place.x)) << 32 | UInt64(UInt32(bitPattern: place.y))
        var slot = Int(truncatingIfNeeded: LevelOfDetail.hash(key)) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if places[number] == place { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        places[count] = place
        count += 1
        slots[slot] = UInt32(count)
        return count - 1
    }
}

/// Unordered pairs of vertices, with the ranks on both sides of the edge between them.
struct EdgeTable {
    struct Sides: BitwiseCopyable {
        /// Going from the first vertex of a question to the second: the gravest class on the right hand and on the left; 0 where there is nothing.
        var right: UInt8 = 0
        var left: UInt8 = 0

        var swapped: Sides { Sides(right: left, left: right) }
    }

    /// Both vertices plus one, the smaller first; 0 for nothing.
    private let keys: WorkingRun<UInt64>
    private let sides: WorkingRun<Sides>?

    /// - Parameter capacity: no more edges than this will come.
    init(capacity: Int, hasSides: Bool, in memory: WorkingMemory) throws(LayerFileError) {
        keys = try memory.run(of: UInt64.self, count: tableSize(capacity))
        sides = hasSides ? try memory.run(of: Sides.self, count: keys.count) : nil
    }

    /// False when it was there already.
    func insert(_ a: UInt32, _ b: UInt32) -> Bool {
        !find(a, b).found
    }

    /// Notes an area of a class on the right or left hand going from `a` to `b`.
    func add(_ a: UInt32, _ b: UInt32, rank: UInt8, isRight: Bool) {
        let slot = find(a, b).slot
        if isRight == (a < b) {
            sides![slot].right = max(sides![slot].right, rank)
        } else {
            sides![slot].left = max(sides![slot].left, rank)
        }
    }

    /// Nothing on both sides of an edge that no area has.
    func sides(_ a: UInt32, _ b: UInt32) -> Sides {
        let slot = find(a, b).slot
        return a < b ? sides![slot] : sides![slot].swapped
    }

    private func find(_ a: UInt32, _ b: UInt32) -> (slot: Int, found: Bool) {
        let key = UInt64(min(a, b) + 1) << 32 | UInt64(max(a, b) + 1)
        var slot = Int(truncatingIfNeeded: LevelOfDetail.hash(key)) & (keys.count - 1)
        while keys[slot] != 0 {
            if keys[slot] == key { return (slot, true) }
            slot = (slot + 1) & (keys.count - 1)
        }
        keys[slot] = key
        return (slot, false)
    }
}

/// A power of two, at least half as large again as what it holds.
private func tableSize(_ capacity: Int) -> Int {
    var size = 16
    while 2 * size < 3 * capacity { size *= 2 }
    return size
}
