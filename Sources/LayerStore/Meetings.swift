/// Finds the features whose polygons *meet*: those with a vertex that a ring of another feature has too, to the world unit.
///
/// They are few where it is worth asking – neighbours that stand wall to wall among houses that do not – so vertices that nobody else has are sorted out first.
/// A first pass over all of them marks one of sixteen places a vertex, chosen by its coordinates; a second looks only at vertices whose place was marked
/// twice, by chance every sixteenth, and compares those in a table. Places of what lies close together lie within some lines of the processor's cache.
struct Meetings {
    private let vertices: UnsafeBufferPointer<Int32>
    private let outlines: WorkingRun<Outline>
    private let memory: WorkingMemory
    /// Two bits a place: it was marked, and marked again.
    private let marks: WorkingRun<UInt64>
    private let lines: UInt64
    private let cellShift: UInt32
    /// By the first six bits of the vertices' hashes how many of them are looked at in the table.
    private let counts: WorkingRun<Int>

    /// Places in a line of 64 bytes.
    private static let placesInLine = 256
    private static let placesOfVertex = 16
    private static let parts = 64
    /// Vertices that are looked at in one table, unless there are more of one of 64 parts; with twice as many slots it takes 100 MB.
    private static let tableLimit = 1 << 22

    /// - Parameters:
    ///   - vertices: of the whole layer, x and y in turn.
    ///   - outlines: in the order of rows.
    init(_ vertices: UnsafeBufferPointer<Int32>, _ outlines: WorkingRun<Outline>, in memory: WorkingMemory) throws(LayerFileError) {
        (self.vertices, self.outlines, self.memory) = (vertices, outlines, memory)
        let lines = max(1, vertices.count / 2 * Meetings.placesOfVertex / Meetings.placesInLine)
        self.lines = UInt64(lines)
        cellShift = Meetings.cellShift(vertices)
        marks = try memory.run(of: UInt64.self, count: 8 * lines)
        counts = try memory.run(of: Int.self, count: Meetings.parts)
    }

    /// Twice the length of an edge in the middle of some, as a power of two.
    private static func cellShift(_ vertices: UnsafeBufferPointer<Int32>) -> UInt32 {
        let count = vertices.count / 2
        let step = max(1, count / 4096)
        var tallies = [Int](repeating: 0, count: 33)
        var all = 0
        for i in stride(from: 1, to: count, by: step) {
            let length = max(
                vertices[2 * i].distance(to: vertices[2 * i - 2]).magnitude, vertices[2 * i + 1].distance(to: vertices[2 * i - 1]).magnitude
            )
            if length == 0 { continue }
            tallies[Int.bitWidth - length.leadingZeroBitCount] += 1
            all += 1
        }
        var below = 0
        for (bits, tally) in tallies.enumerated() {
            below += tally
            if 2 * below >= all { return UInt32(min(31, bits)) }
        }
        return 0
    }

    private struct Hash {
        /// The line in the upper half.
        var line: UInt64
        /// The place in it in the uppermost byte, a slot of the table in the four below.
        var place: UInt64
    }

    /// Fibonacci hashing: the upper bits of a product with an odd number depend on all bits.
    @inline(__always)
    private func hash(_ x: Int32, _ y: Int32) -> Hash {
        let (x, y) = (UInt32(bitPattern: x), UInt32(bitPattern: y))
        let cell = UInt64(x &>> cellShift) << 32 | UInt64(y &>> cellShift)
        return Hash(line: cell &* 0x9E37_79B9_7F4A_7C15, place: (UInt64(x) << 32 | UInt64(y)) &* 0xD6E8_FEB8_6659_FD93)
    }

    @inline(__always)
    private func word(_ hash: Hash) -> Int { Int(((hash.line >> 32) &* lines) >> 32) &* 8 &+ Int(hash.place >> 61) }

    /// Tells of meetings, such that features that meet hang together by those that were told of, and every one that meets another is told of.
    /// - Complexity: O(vertices)
    func forEach(_ meet: (_ row: Int, _ other: Int) -> Void) throws(LayerFileError) {
        mark()
        var (passes, most): ([Range<Int>], Int) = ([], 0)
        var first = 0
        while first < Meetings.parts {
            var (end, sum) = (first + 1, counts[first])
            while end < Meetings.parts && sum + counts[end] <= Meetings.tableLimit {
                sum += counts[end]
                end += 1
            }
            if sum > 0 { passes.append(first..<end) }
            most = max(most, sum)
            first = end
        }
        if passes.isEmpty { return }
        let table = try memory.run(of: Slot.self, count: 2 * most)
        for (number, pass) in passes.enumerated() {
            if number > 0 { for slot in 0..<table.count { table[slot] = Slot(x: 0, y: 0, next: 0) } }
            compare(pass, table, meet)
        }
    }

    private func mark() {
        forEachVertex { _, x, y in
            let hash = hash(x, y)
            let (word, shift) = (word(hash), 2 * (hash.place >> 56 & 31))
            let mark = marks[word] >> shift & 3
            if mark == 0 {
                marks[word] |= 1 << shift
            } else {
                // That which was there before counts when it is met for the first time.
                marks[word] |= 2 << shift
                counts[Int(hash.line >> 58)] += mark == 1 ? 2 : 1
            }
        }
    }

    private struct Slot {
        var x: Int32
        var y: Int32
        /// The first row that has the vertex, plus one; 0 where there is none.
        var next: UInt32
    }

    private func compare(_ pass: Range<Int>, _ table: WorkingRun<Slot>, _ meet: (_ row: Int, _ other: Int) -> Void) {
        forEachVertex { row, x, y in
            let hash = hash(x, y)
            guard marks[word(hash)] >> (2 * (hash.place >> 56 & 31)) & 2 != 0, pass.contains(Int(hash.line >> 58)) else { return }
            var slot = Int(((hash.place >> 24 & 0xFFFF_FFFF) * UInt64(table.count)) >> 32)
            while table[slot].next != 0 && (table[slot].x, table[slot].y) != (x, y) {
                slot += 1
                if slot == table.count { slot = 0 }
            }
            if table[slot].next == 0 {
                table[slot] = Slot(x: x, y: y, next: row + 1)
            } else if table[slot].next != row + 1 {
                meet(Int(row), Int(table[slot].next - 1))
            }
        }
    }

    /// Those of polygons' rings; the last one of a ring is its first.
    @inline(__always)
    private func forEachVertex(_ body: (_ row: UInt32, _ x: Int32, _ y: Int32) -> Void) {
        var start = 0
        for ring in 0..<outlines.count {
            let outline = outlines[ring]
            let end = Int(outline.end)
            if outline.role == .shell || outline.role == .hole {
                for vertex in start..<max(start, end - 1) { body(outline.feature, vertices[2 * vertex], vertices[2 * vertex + 1]) }
            }
            start = end
        }
    }
}

/// Rows that hang together.
struct RowGroups {
    /// For each row one of its group plus one; 0 for the lowest row of a group.
    private let parents: WorkingRun<UInt32>
    /// For each row the next of its group plus one, all around; 0 for one that is alone.
    private let nexts: WorkingRun<UInt32>

    init(count: Int, in memory: WorkingMemory) throws(LayerFileError) {
        parents = try memory.run(of: UInt32.self, count: count)
        nexts = try memory.run(of: UInt32.self, count: count)
    }

    /// The lowest row of the group.
    func lead(of row: Int) -> Int {
        var row = row
        while parents[row] != 0 {
            let parent = Int(parents[row] - 1)
            // Halves the way for those that come after.
            if parents[parent] != 0 { parents[row] = parents[parent] }
            row = parent
        }
        return row
    }

    func join(_ a: Int, _ b: Int) {
        let (a, b) = (lead(of: a), lead(of: b))
        if a == b { return }
        parents[max(a, b)] = UInt32(min(a, b) + 1)
        // Two rounds become one.
        let (next, other) = (self.next(a), self.next(b))
        nexts[a] = UInt32(other + 1)
        nexts[b] = UInt32(next + 1)
    }

    private func next(_ row: Int) -> Int { nexts[row] == 0 ? row : Int(nexts[row] - 1) }

    func isAlone(_ row: Int) -> Bool { nexts[row] == 0 }

    func forEachMember(of row: Int, _ body: (Int) -> Void) {
        var member = row
        repeat {
            body(member)
            member = next(member)
        } while member != row
    }
}
