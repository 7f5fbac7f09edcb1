import CGEOS
import Geo
import TestKit
import Testing

@testable import Tiles

@Suite struct PolygonTests {
    let witness = Witness()

    /// Draws polygons as one feature and checks all that must hold for it whatever it is: it decodes, stays in the buffered tile, is
    /// valid, and has the area the source has there.
    /// - Returns: the polygons drawn, the drawn area and the exact one, in square grid units.
    @discardableResult
    func drawn(
        _ polygons: [[[RandomShapes.Place]]], in tile: TileCoordinate, sourceIsValid: Bool = true,
        location: SourceLocation = #_sourceLocation
    ) throws -> (polygons: [[[DecodedTile.Place]]], area: Double, exact: Double) {
        let parts = polygons.map { $0.map { $0.map { WorldShape.vertex($0.x, $0.y, in: tile) } } }
        let source = WorldShape(parts.count == 1 ? .polygon : .multiPolygon, parts)
        var encoder = TileEncoder()
        encoder.start(tile, layer: "t", keys: [])
        if encoder.draw(source.shape, id: 7) { encoder.endFeature() }
        let decoded = try DecodedTile(encoder.finish())

        // What the encoder was given, in world units rounded.
        let given = witness.polygons(parts.map { $0.map { $0.map { WorldShape.place($0, in: tile) } } })
        let exact: Double
        let outline: Double
        if given.invalidity == nil {
            let inTile = given.intersection(witness.bufferedTile)
            exact = inTile.area
            outline = inTile.length
        } else {
            if sourceIsValid && tile.zoom < 12 { Issue.record("the test's own polygon is invalid", sourceLocation: location) }
            exact = .nan
            outline = .nan
        }
        guard let feature = decoded.layers.first?.features.first else {
            if exact > 0 { #expect(exact < 1e-9, "an area of \(exact) vanished", sourceLocation: location) }
            return ([], 0, exact.isNaN ? 0 : exact)
        }
        #expect(
            decoded.layers.count == 1 && decoded.layers[0].features.count == 1 && feature.id == 7 && feature.type == 3,
            sourceLocation: location)
        for place in feature.paths.joined() {
            #expect((-64...4160).contains(place.x) && (-64...4160).contains(place.y), sourceLocation: location)
        }
        let figure = witness.polygons(feature.polygons.map { $0.map { $0.map { (Double($0.x), Double($0.y)) } } })
        #expect(figure.invalidity == nil, sourceLocation: location)
        if !exact.isNaN {
            // No point of an outline moves farther than 1 along an axis: half when rounded, half when bent to a cell's centre.
            #expect(abs(figure.area - exact) <= outline + 2, sourceLocation: location)
        }
        return (feature.polygons, figure.area, exact.isNaN ? figure.area : exact)
    }

    @Test(arguments: 0...TileCoordinate.zoomLimit)
    func `random polygons with holes are valid and keep their area at every zoom`(zoom: Int) throws {
        var shapes = RandomShapes(seed: UInt64(zoom))
        var area = 0.0
        var exact = 0.0
        for _ in 0..<60 {
            let size: Double = [2, 10, 60, 400, 3000, 20000].randomElement(using: &shapes.generator)!
            let centre: RandomShapes.Place = (x: shapes.number(-200...4300), y: shapes.number(-200...4300))
            // Past zoom 12 the shape must not be finer than world units, or the test's own rounding spoils it.
            let polygon = shapes.polygon(centre: centre, size: size)
            let result = try drawn([polygon], in: shapes.tile(zoom: zoom), sourceIsValid: false)
            area += result.area
            exact += result.exact
        }
        #expect(abs(area / exact - 1) < 0.002, "\(area) for \(exact)")
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `small polygons lose no area on the whole`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let tile = shapes.tile(zoom: 10)
        var area = 0.0
        var exact = 0.0
        for _ in 0..<200 {
            let centre = (x: shapes.number(0...4096), y: shapes.number(0...4096))
            let ring = shapes.star(centre: centre, radius: 2...6, vertices: shapes.whole(3...12))
            let result = try drawn([[ring]], in: tile)
            area += result.area
            exact += result.exact
        }
        // Rounding is as often up as down: over 200 the errors cancel but for a share of their root.
        #expect(abs(area / exact - 1) < 0.05, "\(area) for \(exact)")
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `slivers thinner than the grid stay visible and valid`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let tile = shapes.tile(zoom: 8)
        for width in [0.05, 0.3, 0.7, 1, 1.6] {
            let start = (x: shapes.number(500...3500), y: shapes.number(500...3500))
            let ring = shapes.sliver(from: start, width: width, steps: shapes.whole(1...40), stride: shapes.number(1...200))
            try drawn([[ring]], in: tile, sourceIsValid: false)
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `a long ragged coast is valid and keeps its area`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let tile = shapes.tile(zoom: 10)
        let centre: RandomShapes.Place = seed % 2 == 0 ? (2048, 2048) : (0, 4096)
        // Steps of about one and a half units, ragged by up to two: the grid makes it touch itself in many places.
        let ring = shapes.star(centre: centre, radius: 1598...1602, vertices: 7000)
        let result = try drawn([[ring]], in: tile)
        #expect(abs(result.area / result.exact - 1) < 0.0005)
    }

    @Test func `a ditch that falls onto a line is drawn by its area`() throws {
        let tile = TileCoordinate(zoom: 10, column: 900, row: 400)!
        let flat = try drawn([[[(10, 10.125), (4010, 10.125), (4010, 10.375), (10, 10.375)]]], in: tile)
        #expect(flat.area == 1000)
        let upright = try drawn([[[(10.125, 10), (10.375, 10), (10.375, 1010), (10.125, 1010)]]], in: tile)
        #expect(upright.area == 250)
        let corner = try drawn([[[(4159.6, 4159.6), (4300, 4159.6), (4300, 4300), (4159.6, 4300)]]], in: tile)
        #expect(corner.area == 1)
        let spot = try drawn([[[(4159.51, 20.6), (4160, 20.6), (4160, 22.3), (4159.51, 22.3)]]], in: tile)
        #expect(spot.area == 1)
    }

    @Test(arguments: [4, 9, 16, 20, 21, 22])
    func `combs and checkerboards across the edge are cut exactly`(zoom: Int) throws {
        var shapes = RandomShapes(seed: UInt64(zoom))
        // Whole grid units that are whole world units too, so that nothing is rounded.
        let tile = shapes.tile(zoom: zoom)
        let comb = shapes.comb(teeth: 50, from: -200, y: -400...(-20), pitch: 64, fill: 0.5)
        let down = try drawn([[comb]], in: tile)
        if tile.row > 0 && tile.column > 0 { #expect(down.area == down.exact && down.polygons.count > 40) }
        var board: [[[RandomShapes.Place]]] = []
        for column in 0..<20 {
            for row in 0..<20 where (row + column) % 2 == 0 {
                let (x, y) = (Double(column) * 16 + 4000, Double(row) * 16 + 4000)
                board.append([[(x, y), (x + 16, y), (x + 16, y + 16), (x, y + 16)]])
            }
        }
        let last = (1 << zoom) - 1
        let inner = TileCoordinate(zoom: zoom, column: last / 2, row: last / 2)!
        let squares = try drawn(board, in: inner)
        #expect(squares.area == squares.exact)
        #expect(squares.polygons.count == 50)
    }

    @Test(arguments: 0...TileCoordinate.zoomLimit)
    func `a polygon around the whole tile with a hole in it`(zoom: Int) throws {
        let last = (1 << zoom) - 1
        for (column, row) in [(0, 0), (last, 0), (0, last), (last, last), (last / 2, last / 2)] {
            let tile = TileCoordinate(zoom: zoom, column: column, row: row)!
            let shell = [(-1e12, -1e12), (1e12, -1e12), (1e12, 1e12), (-1e12, 1e12)].map { (x: $0.0, y: $0.1) }
            let hole = [(1000.0, 1000.0), (1000, 3000), (3000, 3000), (3000, 1000)].map { (x: $0.0, y: $0.1) }
            let result = try drawn([[shell, hole]], in: tile)
            #expect(result.polygons.count == 1 && result.polygons[0].count == 2)
            let inside = try drawn([[shell]], in: tile)
            if zoom > 2 && column == last / 2 { #expect(inside.area == 4224 * 4224) }
            // The world's east edge is 2³¹ and the largest coordinate 2³¹ − 1: up to four grid units are missing there at zoom 22.
            #expect(inside.area >= 4092 * 4092 && inside.polygons[0].count == 1)
        }
    }

    @Test func `a hole as large as the tile leaves nothing`() throws {
        let tile = TileCoordinate(zoom: 12, column: 3000, row: 1600)!
        let shell = [(-9000.0, -9000.0), (9000, -9000), (9000, 9000), (-9000, 9000)].map { (x: $0.0, y: $0.1) }
        let hole = [(-100.0, -100.0), (-100, 4200), (4200, 4200), (4200, -100)].map { (x: $0.0, y: $0.1) }
        let result = try drawn([[shell, hole]], in: tile)
        #expect(result.polygons.isEmpty)
    }

    @Test func `a polygon that winds around the tile without touching it leaves nothing`() throws {
        let tile = TileCoordinate(zoom: 12, column: 3000, row: 1600)!
        let ring = [
            (-900.0, -900.0), (9000, -900), (9000, 9000), (-900, 9000), (-900, -500), (-500, -500), (-500, 8000), (8000, 8000),
            (8000, -800),
            (-900, -800),
        ].map { (x: $0.0, y: $0.1) }
        let result = try drawn([[ring]], in: tile)
        #expect(result.polygons.isEmpty)
    }

    @Test(arguments: 0..<80 as Range<UInt64>)
    func `multipolygons whose parts come together on the grid are joined or kept apart, never overlaid`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let tile = shapes.tile(zoom: 9)
        let gap = [0.01, 0.3, 1, 2][Int(seed % 4)]
        var parts: [[[RandomShapes.Place]]] = []
        for column in 0..<6 {
            for row in 0..<6 {
                let (x, y) = (3900 + Double(column) * 50 + shapes.number(0...0.001), -100 + Double(row) * 50)
                parts.append([
                    [(x, y), (x + 50 - gap, y + shapes.number(0...gap)), (x + 50 - gap, y + 50 - gap), (x, y + 50 - gap)],
                    [(x + gap, y + 10), (x + 20, y + 10), (x + 20, y + 30), (x + gap, y + 30)].reversed(),
                ])
            }
        }
        try drawn(parts, in: tile)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a safe ring is drawn as any other, whichever way it runs`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let tile = shapes.tile(zoom: shapes.whole(8...22))
        for isClockwise in [true, false] {
            let star = shapes.star(
                centre: (shapes.number(500...3500), shapes.number(500...3500)), radius: 200...400, vertices: shapes.whole(3...30))
            let vertices = star.map { WorldShape.vertex($0.x, $0.y, in: tile) }
            let source = WorldShape(.polygon, [[isClockwise ? vertices : vertices.reversed()]])
            var encoder = TileEncoder()
            encoder.start(tile, layer: "t", keys: [])
            let drew = encoder.draw(source.shape, id: 1)
            #expect(drew)
            encoder.draw(safeRing: source.shape.mercator, isClockwise: isClockwise, id: 2)
            let features = try DecodedTile(encoder.finish()).layers[0].features
            let (any, safe) = (features[0].paths[0], features[1].paths[0])
            let start = try #require(any.firstIndex(of: safe[0]))
            #expect(Array(any[start...] + any[..<start]) == safe)
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `the quick check never passes what GEOS refuses`(seed: UInt64) {
        var shapes = RandomShapes(seed: seed)
        for _ in 0..<50 {
            var rings = GridRings()
            let count = shapes.whole(1...3)
            let reach = [3, 6, 30, 200][shapes.whole(0...3)]
            for ring in 0..<count {
                let start = rings.points.count
                let size = ring == 0 ? reach : max(2, reach / 3)
                let star = shapes.star(centre: (Double(reach), Double(reach)), radius: 1...Double(size), vertices: shapes.whole(3...24))
                for place in star { rings.add(GridPoint(x: Int32(place.x.rounded()), y: Int32(place.y.rounded())), ringStart: start) }
                _ = rings.endRing(start: start, part: 0, isHole: ring > 0)
            }
            guard rings.rings.count > 0, !rings.rings[0].isHole else { continue }
            var check = SimpleCheck()
            let passes = check.isValid(rings)
            let ringCount = rings.rings.count
            let isSimple = ringCount == 1 && check.isSimple(rings)
            let figure = witness.polygons([places(rings)])
            if passes { #expect(figure.invalidity == nil) }
            // What it refuses of a single ring, GEOS refuses too.
            if ringCount == 1 {
                #expect(passes == (figure.invalidity == nil))
                #expect(isSimple == passes)
            }
        }
    }

    private func places(_ rings: borrowing GridRings) -> [[RandomShapes.Place]] {
        var result: [[RandomShapes.Place]] = []
        for number in 0..<rings.rings.count {
            let ring = rings.rings[number]
            result.append((ring.start..<ring.end).map { (Double(rings.points[$0].x), Double(rings.points[$0].y)) })
        }
        return result
    }
}
