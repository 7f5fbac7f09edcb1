import Geo
import TestKit
import Testing

@testable import TileArchives

@Suite struct TileNumberTests {
    @Test(arguments: [
        // The examples of the specification (PMTiles version 3, 4.1.1).
        (0, 0, 0, UInt64(0)), (1, 0, 0, 1), (1, 0, 1, 2), (1, 1, 1, 3), (1, 1, 0, 4), (2, 0, 0, 5), (12, 3423, 1763, 19_078_479),
    ])
    func `numbers are those of the specification`(zoom: Int, column: Int, row: Int, number: UInt64) throws {
        let tile = try #require(TileCoordinate(zoom: zoom, column: column, row: row))
        #expect(TileNumber.of(tile) == number)
        #expect(TileNumber.tile(number) == tile)
    }

    @Test func `every tile of the first zooms has a number of its own, without gaps`() {
        var numbers: [UInt64] = []
        for zoom in 0...6 {
            for row in 0..<(1 << zoom) {
                for column in 0..<(1 << zoom) {
                    guard let tile = TileCoordinate(zoom: zoom, column: column, row: row) else { continue }
                    numbers.append(TileNumber.of(tile))
                    #expect(TileNumber.tile(numbers[numbers.count - 1]) == tile)
                }
            }
        }
        #expect(numbers.sorted() == Array(0..<UInt64(numbers.count)))
    }

    @Test(arguments: 0..<20)
    func `the four children of a tile follow each other, and neighbours touch`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let zoom = Int.random(in: 0..<TileCoordinate.zoomLimit, using: &random)
        let place = UInt64.random(in: 0..<(1 << (2 * UInt64(zoom))), using: &random)
        let parent = try #require(TileNumber.tile(zoom: zoom, place: place))
        var last: TileCoordinate?
        for quarter in 0..<4 {
            let child = try #require(TileNumber.tile(zoom: zoom + 1, place: 4 * place + UInt64(quarter)))
            #expect(child.column / 2 == parent.column && child.row / 2 == parent.row)
            if let last { #expect(abs(last.column - child.column) + abs(last.row - child.row) == 1) }
            last = child
        }
    }

    @Test func `a number beyond the last zoom is none`() {
        #expect(TileNumber.tile(TileNumber.first(zoom: 23) - 1) != nil)
        #expect(TileNumber.tile(TileNumber.first(zoom: 23)) == nil)
        #expect(TileNumber.tile(.max) == nil)
    }
}
