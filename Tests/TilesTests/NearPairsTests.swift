import Geo
import TestKit
import Testing

@testable import Tiles

@Suite struct NearPairsTests {
    private typealias Segment = SnapRounding.Segment

    private func segment(_ a: FinePoint, _ b: FinePoint) -> Segment {
        (a.y, a.x) < (b.y, b.x) ? Segment(upper: a, lower: b) : Segment(upper: b, lower: a)
    }

    /// For each two, the lower number first, whether they come; and how often pairs came altogether.
    private func pairs(_ segments: [Segment], _ grid: TileGrid, crowd: Int) -> (found: [Bool], compared: Int) {
        var scratch = Scratch<Segment>()
        for segment in segments { scratch.append(segment) }
        let columns = segments.flatMap { [grid.snap($0.upper).x, grid.snap($0.lower).x] }
        let origin = GridPoint(x: columns.min()!, y: segments.map { grid.snap($0.upper).y }.min()!)
        var near = NearPairs(crowd: crowd)
        for i in 0..<segments.count { near.chosen.append(UInt32(i)) }
        near.list(scratch, from: origin, reduction: grid.reduction)
        var found = [Bool](repeating: false, count: segments.count * segments.count)
        var compared = 0
        while near.nextStrip(scratch) {
            for i in 0..<near.count {
                var j = i + 1
                while near.areNear(i, j) {
                    let (a, b) = (near.segment(i), near.segment(j))
                    found[min(a, b) * segments.count + max(a, b)] = true
                    compared += 1
                    j += 1
                }
            }
        }
        return (found, compared)
    }

    private func side(_ a: Segment, _ point: FinePoint) -> Int128 {
        Int128(a.lower.x - a.upper.x) * Int128(point.y - a.upper.y) - Int128(a.lower.y - a.upper.y) * Int128(point.x - a.upper.x)
    }

    private func cross(_ a: Segment, _ b: Segment) -> Bool {
        side(a, b.upper).signum() * side(a, b.lower).signum() < 0 && side(b, a.upper).signum() * side(b, a.lower).signum() < 0
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `every two segments that cross are near each other, however a strip is ordered`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let grid = TileGrid(TileCoordinate(zoom: [0, 4, 10, 15, 20, 22][Int(seed % 6)], column: 0, row: 0)!)
        func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &generator) }
        // Many that run about the same way, and some that run anyhow.
        let (x, y) = (number(-4096...4096), number(-4096...4096))
        let unit = Int64(1) << grid.reduction
        let segments = (0..<100).map { i -> Segment in
            let from = FinePoint(x: number(0...4096 * unit), y: number(0...4096 * unit))
            if i % 5 == 0 { return segment(from, FinePoint(x: number(0...4096 * unit), y: number(0...4096 * unit))) }
            func end(_ start: Int64, _ step: Int64) -> Int64 {
                max(grid.low, min(grid.high, start + step * unit + number(-100 * unit...100 * unit)))
            }
            return segment(from, FinePoint(x: end(from.x, x), y: end(from.y, y)))
        }
        let found = [1, 8, 128].map { pairs(segments, grid, crowd: $0).found }
        var crossings = 0
        var missed = 0
        for i in segments.indices {
            for j in segments.indices where i < j && cross(segments[i], segments[j]) {
                crossings += 1
                for each in found where !each[i * segments.count + j] { missed += 1 }
            }
        }
        #expect(crossings > 0 && missed == 0, "seed \(seed)")
    }

    @Test(arguments: [SIMD2<Int64>(0, 4000), [4000, 0], [4000, 3000], [-3000, 3500]])
    func `of many long lines beside each other only neighbours are compared`(way: SIMD2<Int64>) {
        let grid = TileGrid(TileCoordinate(zoom: 10, column: 0, row: 0)!)
        let unit = Int64(1) << grid.reduction
        // So near that there are 64 in a row of cells, across the way they run.
        let across = way.x.magnitude > way.y.magnitude ? SIMD2<Int64>(0, unit / 64) : SIMD2<Int64>(unit / 64, 0)
        let segments = (0..<400).map { i -> Segment in
            let start = SIMD2<Int64>(way.x < 0 ? 3000 * unit : 0, 0) &+ across &* SIMD2(repeating: Int64(i))
            let end = start &+ way &* SIMD2(repeating: unit)
            return segment(FinePoint(x: start.x, y: start.y), FinePoint(x: end.x, y: end.y))
        }
        let strips = Int(way.x.magnitude) / 32 + 2
        let (ordered, byRows) = (pairs(segments, grid, crowd: 16).compared, pairs(segments, grid, crowd: .max).compared)
        #expect(ordered <= strips * 400 * 2 && ordered < byRows / 4, "\(ordered) of \(byRows)")
    }
}
