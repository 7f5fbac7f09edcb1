import Geo
import TestKit
import Testing
import Tiles

@Suite struct TilePyramidTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func `the cover is what looking at every tile finds`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let zoom = shapes.whole(0...6)
        let buffer = [0, 64, 4096][shapes.whole(0...2)]
        let west = shapes.number(-180...179)
        let south = shapes.number(-90...89)
        let envelope = Envelope(minX: west, minY: south, maxX: shapes.number(west...180), maxY: shapes.number(south...90))
        let cover = try #require(TilePyramid.tiles(covering: envelope, zoom: zoom, buffer: buffer))
        var expected: [TileCoordinate] = []
        for row in 0..<(1 << zoom) {
            for column in 0..<(1 << zoom) {
                let tile = try #require(TileCoordinate(zoom: zoom, column: column, row: row))
                var clamped = envelope
                clamped.minY = min(max(envelope.minY, -WebMercator.latitudeLimit), WebMercator.latitudeLimit)
                clamped.maxY = min(max(envelope.maxY, -WebMercator.latitudeLimit), WebMercator.latitudeLimit)
                if tile.envelope(buffer: Double(buffer) / 4096).intersects(clamped) { expected.append(tile) }
            }
        }
        #expect(Array(cover) == expected)
        #expect(cover.count == expected.count)
    }

    @Test func `the whole world and its edges`() throws {
        let world = Envelope(minX: -180, minY: -90, maxX: 180, maxY: 90)
        for zoom in 0...TileCoordinate.zoomLimit {
            let cover = try #require(TilePyramid.tiles(covering: world, zoom: zoom))
            #expect(cover.columns == 0...(1 << zoom) - 1 && cover.rows == 0...(1 << zoom) - 1)
        }
        let edge = try #require(TilePyramid.tiles(covering: Envelope(minX: 180, minY: 35, maxX: 180, maxY: 35), zoom: 22))
        #expect(edge.columns == (1 << 22) - 1...(1 << 22) - 1)
        #expect(TilePyramid.tiles(covering: .empty, zoom: 3) == nil)
        #expect(TilePyramid.tiles(covering: world, zoom: 23) == nil)
    }
}
