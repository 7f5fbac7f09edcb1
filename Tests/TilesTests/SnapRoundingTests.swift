import Geo
import TestKit
import Testing

@testable import Tiles

@Suite struct SnapRoundingTests {
    private struct Piece: Hashable {
        var from: [Int32]
        var to: [Int32]
    }

    /// Segments between random places of a few cells, so that they cross, touch and nearly touch in many ways.
    private func segments(_ generator: inout SeededGenerator, _ grid: TileGrid, count: Int, cells: Int64) -> [(FinePoint, FinePoint)] {
        let unit = Int64(1) << grid.reduction
        let origin = Int64.random(in: 0...Int64(TileGrid.extent) - cells, using: &generator)
        var places = (0..<count).map { _ in
            FinePoint(
                x: (origin << grid.reduction) + Int64.random(in: 0...cells * unit, using: &generator),
                y: (origin << grid.reduction) + Int64.random(in: 0...cells * unit, using: &generator))
        }
        // Places on the borders and in the corners of cells too.
        for i in places.indices where i % 3 == 0 {
            places[i].x = (places[i].x >> grid.reduction) << grid.reduction + grid.half
            if i % 2 == 0 { places[i].y = (places[i].y >> grid.reduction) << grid.reduction + grid.half }
        }
        return (0..<count).map { _ in (places.randomElement(using: &generator)!, places.randomElement(using: &generator)!) }
    }

    /// Chains of cells, one for each segment.
    private func chains(_ segments: [(FinePoint, FinePoint)], _ grid: TileGrid) -> [[GridPoint]] {
        var rounding = SnapRounding()
        rounding.start(grid)
        let numbers = segments.map { a, b in
            (a.y, a.x) < (b.y, b.x) ? rounding.number(upper: a, lower: b) : rounding.number(upper: b, lower: a)
        }
        var limit = WorkLimit()
        rounding.heatCells(within: &limit)
        return numbers.map { number in
            rounding.findChain(number)
            return (0..<rounding.chain.count).map { rounding.chain[$0] }
        }
    }

    /// Whether a segment passes a cell, its north and west border belonging to it: a slow and plain clipping in fractions.
    private func passes(_ a: FinePoint, _ b: FinePoint, _ cell: GridPoint, _ grid: TileGrid) -> Bool {
        let unit = Int128(1) << Int128(grid.reduction)
        let (west, north) = (Int128(cell.x) * unit - Int128(grid.half), Int128(cell.y) * unit - Int128(grid.half))
        // Along the segment, t = n ÷ d from 0 to 1: the bounds where it enters and leaves each slab, and whether they are in.
        var low: (n: Int128, d: Int128, isIn: Bool) = (0, 1, true)
        var high: (n: Int128, d: Int128, isIn: Bool) = (1, 1, true)
        for (start, end, least) in [(Int128(a.x), Int128(b.x), west), (Int128(a.y), Int128(b.y), north)] {
            let step = end - start
            if step == 0 {
                if start < least || start >= least + unit { return false }
                continue
            }
            let entry = step > 0 ? least : least + unit
            let exit = step > 0 ? least + unit : least
            let (d, enter, leave) = (abs(step), (entry - start) * step.signum(), (exit - start) * step.signum())
            // The least side is in, the greatest is not.
            if enter * low.d > low.n * d || enter * low.d == low.n * d && step < 0 { low = (enter, d, step > 0) }
            if leave * high.d < high.n * d || leave * high.d == high.n * d && step > 0 { high = (leave, d, step < 0) }
        }
        let difference = high.n * low.d - low.n * high.d
        return difference > 0 || difference == 0 && low.isIn && high.isIn
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `segments become chains that meet only at their ends, of cells that they pass`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let grid = TileGrid(TileCoordinate(zoom: [0, 1, 3, 8, 14, 19][Int(seed % 6)], column: 0, row: 0)!)
        let segments = segments(&generator, grid, count: 40, cells: Int64.random(in: 2...80, using: &generator))
        let chains = chains(segments, grid)

        var pieces: Set<Piece> = []
        for (segment, chain) in zip(segments, chains) {
            let ends = [grid.snap(segment.0), grid.snap(segment.1)]
            #expect(chain.first.map { ends.contains($0) } == true && chain.last.map { ends.contains($0) } == true, "seed \(seed)")
            for cell in chain { #expect(passes(segment.0, segment.1, cell, grid), "seed \(seed), \(segment), \(cell)") }
            for (a, b) in zip(chain, chain.dropFirst()) {
                pieces.insert(a.key < b.key ? Piece(from: [a.x, a.y], to: [b.x, b.y]) : Piece(from: [b.x, b.y], to: [a.x, a.y]))
            }
        }
        // Every chain has all the cells that are anywhere in a chain and that its segment passes.
        let cells = Set(chains.joined().map(\.key)).map { GridPoint(key: $0) }
        for (segment, chain) in zip(segments, chains) {
            #expect(cells.filter { passes(segment.0, segment.1, $0, grid) }.count == chain.count, "seed \(seed), \(segment)")
        }
        let all = pieces.map { (GridPoint(x: $0.from[0], y: $0.from[1]), GridPoint(x: $0.to[0], y: $0.to[1])) }
        for (i, one) in all.enumerated() {
            for other in all[..<i] where segmentsMeet(one.0, one.1, other.0, other.1) {
                let shared = [one.0, one.1].filter { $0 == other.0 || $0 == other.1 }
                #expect(shared.count == 1, "seed \(seed): \(one) and \(other)")
                guard let end = shared.first else { continue }
                let (far, otherFar) = (one.0 == end ? one.1 : one.0, other.0 == end ? other.1 : other.0)
                // From a common end they go different ways.
                let along = (far.x - end.x) * (otherFar.x - end.x) + (far.y - end.y) * (otherFar.y - end.y)
                #expect(turn(end, far, otherFar) != 0 || along < 0, "seed \(seed): \(one) lies on \(other)")
            }
        }
    }

    @Test func `a segment is known again, whoever brings it`() {
        var rounding = SnapRounding()
        rounding.start(TileGrid(TileCoordinate(zoom: 10, column: 0, row: 0)!))
        let numbers = (0..<5000).map {
            rounding.number(upper: FinePoint(x: Int64($0 % 2500), y: 3), lower: FinePoint(x: 7, y: 9 + Int64($0 % 2500)))
        }
        #expect(numbers == Array(0..<2500) + Array(0..<2500))
    }
}
