import Foundation
import Geo
import TestKit
import Testing

@testable import Tiles

/// Areas of several classes in one tile, and the rectangles that stand for them.
private struct Heap {
    struct Share {
        var x: Int32
        var y: Int32
        /// Square grid units.
        var area: Double
        var gravity: Int
    }

    static let tile = MapTile(.webMercatorQuad, zoom: 12, column: 3637, row: 1612)!
    /// Of a cell, in grid units.
    static let cell: Int32 = 64
    var shares: [Share] = []

    /// Rectangles by the gravity of their class; the row of a share is its number here.
    func rectangles(coversAll: Bool, isExact: Bool = false) -> (found: [(gravity: Int, rectangle: Dust.Rectangle)], drawn: Double) {
        var dust = Dust()
        dust.start(Heap.tile, isExact: isExact)
        let unit = Int64(1) << (20 - Int64(Heap.tile.zoom))
        for (row, share) in shares.enumerated() {
            let (x, y) = (Heap.tile.minX + Int64(share.x) * unit, Heap.tile.minY + Int64(share.y) * unit)
            dust.add(
                x: Int32(x), y: Int32(y), area: Float(share.area * Double(unit * unit)), class: SIMD2(UInt64(share.gravity), 7), row: row)
        }
        if coversAll { dust.sortClasses { shares[$0].gravity } }
        var found: [(gravity: Int, rectangle: Dust.Rectangle)] = []
        while let rectangle = dust.next(coversAll: coversAll) { found.append((shares[rectangle.row].gravity, rectangle)) }
        return (found, dust.drawnArea)
    }

    func area(_ isMeant: (Share) -> Bool = { _ in true }) -> Double { shares.reduce(0) { $0 + (isMeant($1) ? $1.area : 0) } }

    init(using generator: inout SeededGenerator, fill: Double) {
        let (classes, places) = (Int.random(in: 1...6, using: &generator), Int.random(in: 1...30, using: &generator))
        let middles = (0..<places).map { _ in (Int32.random(in: 0...4095, using: &generator), Int32.random(in: 0...4095, using: &generator))
        }
        for _ in 0..<Int.random(in: 1...400, using: &generator) {
            let (x, y) = middles.randomElement(using: &generator)!
            shares.append(
                Share(
                    x: max(0, min(4095, x + .random(in: -40...40, using: &generator))),
                    y: max(0, min(4095, y + .random(in: -40...40, using: &generator))),
                    // Whole world units, so that a sum in any order is the same.
                    area: (exp2(Double.random(in: -4...8, using: &generator)) * 65536).rounded() / 65536 * fill,
                    gravity: .random(in: 1...classes, using: &generator)))
        }
    }
}

@Suite struct DustTests {
    /// The grid units that are painted, once each.
    private func painted(_ rectangles: [Dust.Rectangle]) -> Set<SIMD2<Int32>> {
        var units: Set<SIMD2<Int32>> = []
        for each in rectangles {
            for y in each.corner.y..<each.corner.y + each.height {
                for x in each.corner.x..<each.corner.x + each.width { units.insert(SIMD2(x, y)) }
            }
        }
        return units
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `of a class and the graver ones no less is covered than there is, whatever lies in one cell`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let heap = Heap(using: &generator, fill: 0.25)
        let (found, drawn) = heap.rectangles(coversAll: true)
        for (_, each) in found {
            #expect(each.width > 0 && each.height > 0)
            // It lies in one cell, the cell of the share that it is drawn for.
            let share = heap.shares[each.row]
            let (west, north) = (share.x / Heap.cell * Heap.cell, share.y / Heap.cell * Heap.cell)
            #expect(each.corner.x >= west && each.corner.x + each.width <= west + Heap.cell, "seed \(seed)")
            #expect(each.corner.y >= north && each.corner.y + each.height <= north + Heap.cell, "seed \(seed)")
        }
        #expect(drawn == Double(painted(found.map(\.rectangle)).count), "seed \(seed): rectangles overlap")
        for gravity in 1...6 {
            let covered = painted(found.filter { $0.gravity >= gravity }.map(\.rectangle)).count
            #expect(Double(covered) >= heap.area { $0.gravity >= gravity }, "seed \(seed), class \(gravity)")
            let own = found.filter { $0.gravity == gravity }
            let ownArea = own.reduce(0.0) { $0 + Double($1.rectangle.width * $1.rectangle.height) }
            let trueArea = heap.area { $0.gravity == gravity }
            #expect(ownArea >= trueArea, "seed \(seed), class \(gravity)")
            // No more than one row too much.
            #expect(ownArea < trueArea + Double(Heap.cell), "seed \(seed), class \(gravity)")
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `what finds no room in its own cells is shown elsewhere, and each rectangle as another feature`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var heap = Heap(using: &generator, fill: 1)
        // So many small ones that cells of 16 units overflow.
        let middle = (x: Int32.random(in: 64...4000, using: &generator), y: Int32.random(in: 64...4000, using: &generator))
        heap.shares = (0..<Int.random(in: 300...900, using: &generator)).map { _ in
            Heap.Share(
                x: middle.x + .random(in: -16...16, using: &generator), y: middle.y + .random(in: -16...16, using: &generator),
                area: (Double.random(in: 1...4, using: &generator) * 65536).rounded() / 65536,
                gravity: .random(in: 1...2, using: &generator))
        }
        let (found, drawn) = heap.rectangles(coversAll: true, isExact: true)
        #expect(drawn >= heap.area() && drawn == Double(painted(found.map(\.rectangle)).count))
        #expect(Set(found.map(\.rectangle.row)).count == found.count, "seed \(seed): a feature is there twice")
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `in a cell that is too small for all its classes the gravest are shown whole`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let place = (x: Int32.random(in: 0...4095, using: &generator), y: Int32.random(in: 0...4095, using: &generator))
        var heap = Heap(using: &generator, fill: 1)
        heap.shares = (1...5).map { gravity in
            Heap.Share(x: place.x, y: place.y, area: Double(Int.random(in: 400...2500, using: &generator)), gravity: gravity)
        }.shuffled(using: &generator)
        let (found, drawn) = heap.rectangles(coversAll: true)
        #expect(Double(painted(found.map(\.rectangle)).count) == drawn)
        let capacity = Double(Heap.cell * Heap.cell)
        #expect(drawn == capacity || drawn >= heap.area(), "seed \(seed)")
        for gravity in 1...5 {
            let shown = found.filter { $0.gravity >= gravity }.reduce(0.0) { $0 + Double($1.rectangle.width * $1.rectangle.height) }
            #expect(shown >= min(capacity, heap.area { $0.gravity >= gravity }), "seed \(seed), class \(gravity)")
        }
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `where not all must be covered the area of each class is right to a unit`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let heap = Heap(using: &generator, fill: 0.25)
        let (found, drawn) = heap.rectangles(coversAll: false)
        var sum = 0.0
        for gravity in 1...6 {
            let own = found.filter { $0.gravity == gravity }.reduce(0.0) { $0 + Double($1.rectangle.width * $1.rectangle.height) }
            let trueArea = heap.area { $0.gravity == gravity }
            // What whole rows cannot show is carried to the next cell; of the last one less than a row is left.
            #expect(own <= trueArea + 0.5 && own > trueArea - Double(Heap.cell), "seed \(seed), class \(gravity): \(own) for \(trueArea)")
            sum += own
        }
        #expect(sum == drawn)
    }
}
