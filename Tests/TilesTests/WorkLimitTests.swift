import Geo
import TestKit
import Testing

@testable import Tiles

@Suite struct WorkLimitTests {
    private let tile = TileCoordinate(zoom: 10, column: 900, row: 400)!

    /// Says no when it is asked the nth time, and counts how often it was asked.
    private final class Patience {
        private(set) var asked = 0
        private let answers: Int

        init(_ answers: Int) { self.answers = answers }

        func mayGoOn() -> Bool {
            asked += 1
            return asked < answers
        }
    }

    /// Thin polygons from one side of the tile to another, each across most others.
    private func hatching(_ count: Int, seed: UInt64) -> [WorldShape] {
        var shapes = RandomShapes(seed: seed)
        return (0..<count).map { i in
            let (a, b) = (shapes.number(0...4096), shapes.number(0...4096))
            let ring = [(a, 0.0), (b, 4096), (b + 2, 4096), (a + 2, 0)].map { i % 2 == 0 ? $0 : ($0.1, $0.0) }
            return WorldShape(.polygon, [[ring.map { WorldShape.vertex($0.0, $0.1, in: tile) }]])
        }
    }

    private func start(_ encoder: inout TileEncoder, covers: Bool = false, _ patience: Patience) {
        encoder.start(MapTile(tile), layer: "t", keys: [], keepsStraight: true, covers: covers, mayGoOn: patience.mayGoOn)
    }

    private func gathered(_ shapes: [WorldShape], _ encoder: inout TileEncoder, covers: Bool, _ patience: Patience) -> [UInt8] {
        start(&encoder, covers: covers, patience)
        let owners = shapes.map { encoder.gather($0.shape, levels: nil, rank: 1, isInside: false) }
        encoder.arrangeGathered()
        for owner in owners where encoder.draw(gathered: owner, id: UInt64(owner)) { encoder.endFeature() }
        return encoder.finish()
    }

    @Test(arguments: [false, true])
    func `polygons put on the grid together stop wherever they are told to, and nothing of them is drawn`(covers: Bool) {
        let shapes = hatching(covers ? 56 : 160, seed: 1)
        let whole = Patience(.max)
        var encoder = TileEncoder()
        let bytes = gathered(shapes, &encoder, covers: covers, whole)
        #expect(!encoder.isStopped && whole.asked > 3, "asked \(whole.asked) times")
        for answers in [1, 3, whole.asked] {
            let patience = Patience(answers)
            _ = gathered(shapes, &encoder, covers: covers, patience)
            #expect(encoder.isStopped && patience.asked == answers, "stopped at \(answers), asked \(patience.asked) times")
            if answers == 1 { #expect(encoder.featureCount == 0) }
        }
        // The next tile knows nothing of it.
        let again = gathered(shapes, &encoder, covers: covers, Patience(.max))
        #expect(again == bytes)
    }

    @Test func `a polygon that crosses itself everywhere stops wherever it is told to`() {
        var shapes = RandomShapes(seed: 2)
        let ring = (0..<400).map { _ in WorldShape.vertex(shapes.number(0...4096), shapes.number(0...4096), in: tile) }
        let wild = WorldShape(.polygon, [[ring]])
        let whole = Patience(.max)
        var encoder = TileEncoder()
        func draw(_ patience: Patience) -> [UInt8] {
            start(&encoder, patience)
            if encoder.draw(wild.shape, id: 1) { encoder.endFeature() }
            return encoder.finish()
        }
        let bytes = draw(whole)
        #expect(!encoder.isStopped && whole.asked > 1 && !bytes.isEmpty, "asked \(whole.asked) times, \(bytes.count) bytes")
        for answers in [1, whole.asked] {
            let patience = Patience(answers)
            _ = draw(patience)
            #expect(encoder.isStopped && patience.asked == answers)
        }
        let again = draw(Patience(.max))
        #expect(again == bytes && !encoder.isStopped)
    }

    @Test(arguments: [false, true])
    func `polygons of more pieces than there is memory for are not put on the grid`(covers: Bool) {
        let grid = TileGrid(tile)
        let unit = Int64(1) << grid.reduction
        /// Of 30 lines from side to side and 30 across them, the rings of each as its owner.
        func arrange(pieceLimit: Int) -> (isStopped: Bool, rings: [Int]) {
            var coverage = Coverage()
            var untangler = Untangler()
            var limit = WorkLimit(pieceLimit: pieceLimit)
            coverage.start(grid)
            var ring = Scratch<FinePoint>()
            for i in 0..<60 {
                let start = Int64(i / 2 * 40) * unit
                ring.removeAll()
                for (along, across) in [(Int64(0), start), (1200 * unit, start), (1200 * unit, start + 3 * unit), (0, start + 3 * unit)] {
                    ring.append(i % 2 == 0 ? FinePoint(x: along, y: across) : FinePoint(x: across, y: along))
                }
                coverage.add(ring, to: coverage.addOwner(rank: 1), isMargin: false, isReversed: i % 2 == 1)
                if covers { coverage.add(ring, to: i, isMargin: true, isReversed: i % 2 == 1) }
            }
            coverage.arrange(&untangler, within: &limit)
            var rings = GridRings()
            let counts = (0..<60).map { owner in
                coverage.rings(of: owner, &untangler, within: &limit, into: &rings)
                return rings.rings.count
            }
            return (limit.isReached, counts)
        }
        let few = arrange(pieceLimit: 1000)
        #expect(few.isStopped && few.rings == [Int](repeating: 0, count: 60))
        let enough = arrange(pieceLimit: 1 << 20)
        #expect(!enough.isStopped && enough.rings == [Int](repeating: 1, count: 60))
    }
}
