import Geo
import GeoNative
import TestKit
import Testing

@testable import Query
@testable import Tiles

/// Polygons that are put on the grid together, where there is too much of them: for the time, for the memory, for the places of the grid.
@Suite struct GatheringTests {
    private let covering = TilePolicy(thins: false, coversAll: true)

    @Test func `a tile of shapes that cross everywhere ends with its deadline, and the next one is whole`() throws {
        var surveyor = Surveyor(seed: 1)
        // From one side to the other of some kilometres, a metre wide.
        let layer = try TileLayer(
            (0..<3000).map { i in
                let (a, b) = (surveyor.number(0...6000), surveyor.number(0...6000))
                let ring = [(a, 0.0), (a + 1, 0), (b + 1, 6000), (b, 6000)]
                return surveyor.polygon([i % 2 == 0 ? ring : ring.map { ($0.1, $0.0) }])
            })
        let town = try TileLayer(surveyor.town(300, side: 3000))
        let tile = MapTile(try #require(layer.tiles(12).first))
        let drawer = TileDrawer()
        var appended = 0
        #expect(throws: QueryError.overdue) {
            _ = try drawer.draw(layer.source, tile, covering, Deadline(seconds: 0.5)) { appended += $0.count }
        }
        #expect(appended == 0)
        for tile in town.tiles(14) {
            let drawn = try drawer.draw(town.source, MapTile(tile), covering, Deadline(seconds: nil))
            #expect(drawn == (try TileDrawer().draw(town.source, MapTile(tile), covering, Deadline(seconds: nil))))
        }
    }

    @Test func `features for which the grid has no place are counted as left out, and no others`() throws {
        var surveyor = Surveyor(seed: 2)
        // Sheds of a metre beside each other, of which a grid unit of zoom 10, some ten metres, holds about sixty; and a house.
        let sheds = (0..<60).map { i in
            let (x, y) = (Double(i % 8) * 1.1, Double(i / 8) * 1.1)
            return surveyor.polygon([[(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]])
        }
        let layer = try TileLayer(sheds + [surveyor.polygon([[(300, 300), (400, 300), (400, 400), (300, 400)]])])
        for zoom in [8, 10, 12, 20] {
            for tile in layer.tiles(zoom) {
                let drawn = try layer.draw(tile, covering)
                let features = drawn.tile?.features ?? []
                #expect(Set(features.map(\.id)).count == features.count)
                if layer.tiles(zoom).count == 1 { #expect(features.count + drawn.leftOut == 61, "zoom \(zoom)") }
                #expect((drawn.leftOut > 0) == (zoom < 20), "zoom \(zoom): \(drawn.leftOut) of \(features.count)")
            }
        }
    }

    @Test(arguments: 0..<3 as Range<UInt64>)
    func `what is too much to be put on the grid at once is drawn in parts, and all of it`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let map = PlanarMap(
            side: 24, spacing: 1 << 12, origin: [1_666_000_000, -430_000_000], kinds: 40, ranks: 3, hasGaps: true, using: &generator)
        let context = GEOSContext()
        for isHazard in [false, true] {
            let layer = try BorderLayer(map, isHazard: isHazard)
            for tile in [10, 12].flatMap({ layer.tiles($0).prefix(2) }) {
                let policy = TilePolicy(coversAll: isHazard, classAttribute: "rank")
                func draw(segmentLimit: Int) throws -> [DecodedTile.Feature] {
                    var tools = TileTools()
                    tools.encoder.coverage = Coverage(segmentLimit: segmentLimit)
                    let drawing = try TileDrawing(layer.source, MapTile(tile), policy, Deadline(seconds: nil))
                    #expect(try drawing.draw(&tools) == 0)
                    return try DecodedTile(tools.encoder.finish()).layers.first?.features ?? []
                }
                let (whole, parts) = (try draw(segmentLimit: 1 << 20), try draw(segmentLimit: 100))
                #expect(Set(whole.map(\.id)) == Set(parts.map(\.id)) && whole.count == parts.count, "seed \(seed), \(tile)")
                for feature in parts {
                    let figure = try feature.figure(context)
                    #expect(try figure.native.isValid(), "seed \(seed), \(tile)")
                    guard let same = whole.first(where: { $0.id == feature.id }) else { continue }
                    // Places that others made hot bend an edge by half a unit.
                    let difference = abs(try figure.native.area() - same.figure(context).native.area())
                    #expect(difference <= 2 * (try figure.native.length()) + 4, "seed \(seed), \(tile)")
                }
            }
        }
    }
}
