/// Places of a layer that may go, the one whose going changes least first; of equal ones the least by x, then y, so that the order in which they came
/// does not matter. A binary heap that knows where each place is.
struct VertexQueue {
    private let graph: BorderGraph
    /// Keys in the upper half, so that most comparisons look nowhere else.
    private let heap: WorkingRun<UInt64>
    /// For each place where it is in the heap plus one, or 0.
    private let positions: WorkingRun<UInt32>
    private(set) var count = 0

    init(_ graph: BorderGraph, in memory: WorkingMemory) throws(LayerFileError) {
        self.graph = graph
        heap = try memory.run(of: UInt64.self, count: graph.placeCount)
        positions = try memory.run(of: UInt32.self, count: graph.placeCount)
    }

    /// Takes a place in, or puts it where it belongs after its key has changed.
    /// - Complexity: O(log places)
    mutating func update(_ place: Int) {
        let entry = UInt64(graph.links[place].key) << 32 | UInt64(place)
        if positions[place] == 0 {
            heap[count] = entry
            count += 1
            positions[place] = UInt32(count)
        } else {
            heap[Int(positions[place]) - 1] = entry
        }
        rise(Int(positions[place]) - 1)
        sink(Int(positions[place]) - 1)
    }

    mutating func remove(_ place: Int) {
        guard positions[place] != 0 else { return }
        let hole = Int(positions[place]) - 1
        positions[place] = 0
        count -= 1
        if hole == count { return }
        let last = heap[count]
        heap[hole] = last
        positions[Self.place(last)] = UInt32(hole + 1)
        rise(hole)
        sink(Int(positions[Self.place(last)]) - 1)
    }

    private static func place(_ entry: UInt64) -> Int { Int(entry & 0xFFFF_FFFF) }

    mutating func popFirst() -> Int? {
        if count == 0 { return nil }
        let first = Self.place(heap[0])
        remove(first)
        return first
    }

    @inline(__always)
    private func goesBefore(_ a: UInt64, _ b: UInt64) -> Bool {
        if a >> 32 != b >> 32 { return a < b }
        let (p, q) = (graph.places[Self.place(a)], graph.places[Self.place(b)])
        return (p.x, p.y) < (q.x, q.y)
    }

    private func rise(_ start: Int) {
        var at = start
        let entry = heap[at]
        while at > 0 {
            let parent = (at - 1) / 2
            if !goesBefore(entry, heap[parent]) { break }
            heap[at] = heap[parent]
            positions[Self.place(heap[at])] = UInt32(at + 1)
            at = parent
        }
        heap[at] = entry
        positions[Self.place(entry)] = UInt32(at + 1)
    }

    private func sink(_ start: Int) {
        var at = start
        let entry = heap[at]
        while 2 * at + 1 < count {
            var child = 2 * at + 1
            if child + 1 < count && goesBefore(heap[child + 1], heap[child]) { child += 1 }
            if !goesBefore(heap[child], entry) { break }
            heap[at] = heap[child]
            positions[Self.place(heap[at])] = UInt32(at + 1)
            at = child
        }
        heap[at] = entry
        positions[Self.place(entry)] = UInt32(at + 1)
    }
}
