/// A packed R-tree: boxes in Hilbert order, sixteen to a node, every level stored one after the other, no pointers.
///
/// The boxes are numbered 0… in the order in which they were added; the tree neither stores nor changes the order, so the owner sorts first
/// (`HilbertCurve`) and the number of a box is its row. Node `n` of a level covers the nodes `16n ..< 16n+16` of the level below.
///
/// Bytes: little-endian; the leaf level first, the root last. A node is 256 bytes: 16 × minX, 16 × minY, 16 × maxX, 16 × maxY, each an `Int32`;
/// unused places hold a box that meets nothing. This is what a search reads, straight from a mapped file.
///
/// Built on Agafonkin's *flatbush* and the index of FlatGeobuf (Harrtell); the sixteen boxes lie in columns so that one comparison takes
/// them all.
public struct PackedIndex: Sendable {
    /// Boxes a node.
    public static let fanout = 16
    /// Bytes a node.
    public static let nodeSize = 256

    public let count: Int
    public let bytes: [Int32]

    /// Sorts boxes along the Hilbert curve and packs them; `order[row]` is the number of the box in `boxes` that became `row`.
    /// - Complexity: O(n)
    public static func build(_ boxes: [IndexBox]) -> (index: PackedIndex, order: [Int]) {
        var items = [KeyedItem]()
        items.reserveCapacity(boxes.count)
        for (i, box) in boxes.enumerated() {
            // The centre, moved so that zero is the west and the south end, doubled to fill 32 bits.
            let x = UInt32(truncatingIfNeeded: Int64(box.minX) + Int64(box.maxX) + 4_294_967_296 >> 1)
            let y = UInt32(truncatingIfNeeded: Int64(box.minY) + Int64(box.maxY) + 4_294_967_296 >> 1)
            items.append(KeyedItem(key: HilbertCurve.key(x: x, y: y), item: UInt64(i)))
        }
        KeySort.sort(&items)
        var builder = PackedIndexBuilder()
        for item in items { builder.add(boxes[Int(item.item)]) }
        return (builder.finish(), items.map { Int($0.item) })
    }

    /// How many nodes each level has, the leaves first. Empty for no boxes.
    public static func levels(count: Int) -> [Int] {
        guard count > 0 else { return [] }
        var result = [(count + fanout - 1) / fanout]
        while result[result.count - 1] > 1 { result.append((result[result.count - 1] + fanout - 1) / fanout) }
        return result
    }

    /// How many bytes an index of so many boxes takes.
    public static func byteCount(count: Int) -> Int {
        levels(count: count).reduce(0, +) * nodeSize
    }

    /// Rows whose box meets `box`, in ascending order. For tests and small jobs; `PackedIndexView` is the fast way.
    public func search(_ box: IndexBox) -> [Int] {
        var result: [Int] = []
        bytes.withUnsafeBufferPointer { numbers in
            guard let base = numbers.baseAddress else { return }
            PackedIndexView(nodes: base, count: count).search(box, inside: box) { rows, _ in result += rows }
        }
        return result
    }
}

/// Packs boxes that come in their final order. The leaf nodes may be taken away as they fill, so that a large index never lies in memory.
public struct PackedIndexBuilder: Sendable {
    private var count = 0
    private var leaves: [Int32] = []
    /// One box a leaf node; the upper levels are made of these at the end.
    private var nodes: [IndexBox] = []
    private var current = PackedIndexBuilder.nothing

    static let nothing = IndexBox(minX: .max, minY: .max, maxX: .min, maxY: .min)

    public init() {}

    /// - Complexity: O(1)
    public mutating func add(_ box: IndexBox) {
        let place = count % PackedIndex.fanout
        if place == 0 { PackedIndexBuilder.appendEmptyNode(to: &leaves) }
        PackedIndexBuilder.put(box, at: place, inLastNodeOf: &leaves)
        current = PackedIndexBuilder.union(current, box)
        count += 1
        if place == PackedIndex.fanout - 1 {
            nodes.append(current)
            current = PackedIndexBuilder.nothing
        }
    }

    /// Hands over the leaf nodes that are full and not handed over before, and forgets them.
    public mutating func takeFullLeaves(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        let open = count % PackedIndex.fanout == 0 ? 0 : PackedIndex.nodeSize / 4
        let full = leaves.count - open
        guard full > 0 else { return }
        try leaves.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<(4 * full)])) }
        leaves.removeFirst(full)
    }

    /// The index of everything added, less what `takeFullLeaves` took.
    public consuming func finish() -> PackedIndex {
        if count % PackedIndex.fanout != 0 { nodes.append(current) }
        var bytes = leaves
        var level = nodes
        // The leaf level's nodes are `level`; a tree of one leaf node has no level above it.
        while level.count > 1 {
            var above: [IndexBox] = []
            var box = PackedIndexBuilder.nothing
            for (i, child) in level.enumerated() {
                if i % PackedIndex.fanout == 0 { PackedIndexBuilder.appendEmptyNode(to: &bytes) }
                PackedIndexBuilder.put(child, at: i % PackedIndex.fanout, inLastNodeOf: &bytes)
                box = PackedIndexBuilder.union(box, child)
                if i % PackedIndex.fanout == PackedIndex.fanout - 1 || i == level.count - 1 {
                    above.append(box)
                    box = PackedIndexBuilder.nothing
                }
            }
            level = above
        }
        return PackedIndex(count: count, bytes: bytes)
    }

    private static func union(_ a: IndexBox, _ b: IndexBox) -> IndexBox {
        IndexBox(minX: min(a.minX, b.minX), minY: min(a.minY, b.minY), maxX: max(a.maxX, b.maxX), maxY: max(a.maxY, b.maxY))
    }

    private static func appendEmptyNode(to numbers: inout [Int32]) {
        let fanout = PackedIndex.fanout
        numbers.append(contentsOf: repeatElement(.max, count: 2 * fanout))
        numbers.append(contentsOf: repeatElement(.min, count: 2 * fanout))
    }

    private static func put(_ box: IndexBox, at place: Int, inLastNodeOf numbers: inout [Int32]) {
        let fanout = PackedIndex.fanout
        let start = numbers.count - 4 * fanout + place
        numbers[start] = box.minX
        numbers[start + fanout] = box.minY
        numbers[start + 2 * fanout] = box.maxX
        numbers[start + 3 * fanout] = box.maxY
    }
}
