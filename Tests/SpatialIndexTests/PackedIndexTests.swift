import Geo
import SpatialIndex
import TestKit
import Testing

@Suite struct PackedIndexTests {
    private func randomBoxes(_ count: Int, _ generator: inout SeededGenerator) -> [IndexBox] {
        (0..<count).map { _ in
            let x = Int32.random(in: 1_390_000_000...1_400_000_000, using: &generator)
            let y = Int32.random(in: 350_000_000...360_000_000, using: &generator)
            return IndexBox(
                minX: x, minY: y, maxX: x + Int32.random(in: 0...200_000, using: &generator),
                maxY: y + Int32.random(in: 0...200_000, using: &generator))
        }
    }

    @Test(arguments: 0..<40)
    func `search agrees with looking at every box`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let boxes = randomBoxes(Int.random(in: 0...3000, using: &generator), &generator)
        let (index, order) = PackedIndex.build(boxes)
        #expect(Set(order) == Set(boxes.indices))
        for query in randomBoxes(30, &generator) {
            let rows = index.search(query)
            #expect(rows == rows.sorted())
            #expect(Set(rows.map { order[$0] }) == Set(boxes.indices.filter { boxes[$0].intersects(query) }))
        }
    }

    @Test(arguments: [0, 1, 15, 16, 17, 255, 256, 257, 4096, 4097])
    func `every box is found at every size where a level begins`(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let (index, _) = PackedIndex.build(randomBoxes(count, &generator))
        #expect(index.bytes.count * 4 == PackedIndex.byteCount(count: count))
        let world = IndexBox(minX: .min, minY: .min, maxX: .max, maxY: .max)
        #expect(index.search(world) == Array(0..<count))
    }

    @Test(arguments: 0..<20)
    func `rows called inside lie inside`(seed: UInt64) {
        var generator = SeededGenerator(seed: 1000 + seed)
        let boxes = randomBoxes(2000, &generator)
        let (index, order) = PackedIndex.build(boxes)
        let query = IndexBox(minX: 1_392_000_000, minY: 352_000_000, maxX: 1_398_000_000, maxY: 357_000_000)
        index.bytes.withUnsafeBufferPointer { numbers in
            PackedIndexView(nodes: numbers.baseAddress!, count: index.count).search(query, inside: query) { rows, isInside in
                for row in rows {
                    let box = boxes[order[row]]
                    let lies =
                        box.minX >= query.minX && box.minY >= query.minY && box.maxX <= query.maxX && box.maxY <= query.maxY
                    #expect(lies == isInside)
                }
            }
        }
    }

    @Test func `leaves taken while building give the same bytes`() {
        var generator = SeededGenerator(seed: 7)
        let boxes = randomBoxes(1000, &generator)
        var whole = PackedIndexBuilder()
        var parts = PackedIndexBuilder()
        var taken: [Int32] = []
        for (i, box) in boxes.enumerated() {
            whole.add(box)
            parts.add(box)
            if i % 100 == 0 { parts.takeFullLeaves { taken += $0.bindMemory(to: Int32.self) } }
        }
        #expect(taken + parts.finish().bytes == whole.finish().bytes)
    }

    @Test func `an envelope on whole units is not widened`() {
        let box = IndexBox(around: Envelope(minX: 139.7, minY: 35.6, maxX: 139.8, maxY: 35.7))
        #expect(box == IndexBox(minX: 1_397_000_000, minY: 356_000_000, maxX: 1_398_000_000, maxY: 357_000_000))
        let outward = IndexBox(around: Envelope(minX: 139.70000001, minY: 35.6, maxX: 139.70000001, maxY: 35.6))
        #expect(outward.minX == 1_397_000_000 && outward.maxX == 1_397_000_001)
    }
}

@Suite struct HilbertCurveTests {
    /// The slow way: one bit of each axis a step, turning the square.
    private func slowKey(x: UInt32, y: UInt32) -> UInt64 {
        var (x, y) = (x, y)
        var result: UInt64 = 0
        var side: UInt32 = 1 << 31
        while side > 0 {
            let right: UInt32 = x & side > 0 ? 1 : 0
            let up: UInt32 = y & side > 0 ? 1 : 0
            result += UInt64(side) * UInt64(side) * UInt64((3 * right) ^ up)
            if up == 0 {
                if right == 1 {
                    x = UInt32.max &- x
                    y = UInt32.max &- y
                }
                swap(&x, &y)
            }
            side >>= 1
        }
        return result
    }

    @Test func `keys agree with turning the square bit by bit`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let x = UInt32.random(in: 0...UInt32.max, using: &generator)
            let y = UInt32.random(in: 0...UInt32.max, using: &generator)
            #expect(HilbertCurve.key(x: x, y: y) == slowKey(x: x, y: y))
        }
    }

    @Test func `equal keys keep their order`() {
        var generator = SeededGenerator(seed: 5)
        var items = (0..<5000).map { KeyedItem(key: UInt64.random(in: 0...50, using: &generator) << 40, item: UInt64($0)) }
        let expected = items.sorted { $0.key != $1.key ? $0.key < $1.key : $0.item < $1.item }
        KeySort.sort(&items)
        #expect(items == expected)
    }
}
