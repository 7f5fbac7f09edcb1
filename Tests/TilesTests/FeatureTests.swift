import Geo
import TestKit
import Testing

@testable import Tiles

@Suite struct FeatureTests {
    let tile = TileCoordinate(zoom: 14, column: 14552, row: 6451)!
    /// The buffered tile's range, along both axes.
    let range = -64.0...4160.0

    private func decoded(_ tile: TileCoordinate, _ shapes: [WorldShape]) throws -> [DecodedTile.Feature] {
        var encoder = TileEncoder()
        encoder.start(tile, layer: "t", keys: [])
        for (i, shape) in shapes.enumerated() where encoder.draw(shape.shape, id: UInt64(i)) { encoder.endFeature() }
        return try DecodedTile(encoder.finish()).layers.first?.features ?? []
    }

    @Test func `the bytes are those of the specification's example`() throws {
        // MVT 2.1, 4.3.5: the polygon (3,6) (8,12) (20,34), and a point (25,17).
        let triangle = WorldShape(.polygon, [[[(3, 6), (8, 12), (20, 34)].map { WorldShape.vertex($0.0, $0.1, in: tile) }]])
        let point = WorldShape(.point, [[[WorldShape.vertex(25, 17, in: tile)]]])
        var encoder = TileEncoder()
        encoder.start(tile, layer: "例", keys: ["a"])
        let drewTriangle = encoder.draw(triangle.shape, id: 1)
        encoder.endFeature()
        let drewPoint = encoder.draw(point.shape, id: 300)
        encoder.tag(0, integer: 1)
        encoder.endFeature()
        let polygon: [UInt8] = [0x12, 15, 0x08, 1, 0x18, 3, 0x22, 9, 9, 6, 12, 18, 10, 12, 24, 44, 15]
        let spot: [UInt8] = [0x12, 14, 0x08, 0xAC, 0x02, 0x12, 2, 0, 0, 0x18, 1, 0x22, 3, 9, 50, 34]
        let head: [UInt8] = [0x78, 2, 0x0A, 3, 0xE4, 0xBE, 0x8B]
        let tail: [UInt8] = [0x1A, 1, 0x61, 0x22, 2, 0x20, 1, 0x28, 0x80, 0x20]
        let layer = head + polygon + spot + tail
        let bytes = encoder.finish()
        #expect(drewTriangle && drewPoint)
        #expect(bytes == [0x1A, UInt8(layer.count)] + layer)
    }

    @Test(arguments: 0...TileCoordinate.zoomLimit)
    func `points inside the buffered tile are kept, rounded and not floored`(zoom: Int) throws {
        var shapes = RandomShapes(seed: UInt64(zoom))
        let tile = shapes.tile(zoom: zoom)
        let vertices = (0..<500).map { _ in WorldShape.vertex(shapes.number(-300...4400), shapes.number(-300...4400), in: tile) }
        let inside = vertices.map { WorldShape.place($0, in: tile) }.filter { range.contains($0.x) && range.contains($0.y) }
        // At the end of the world, where the random ones beyond it were put, they lie within the last unit.
        func end(_ index: Int) -> Int { index + 1 == 1 << zoom ? 4095 : .max }
        let expected: [DecodedTile.Place] = inside.map { place in
            DecodedTile.Place(
                x: min(end(tile.column), Int((place.x + 0.5).rounded(.down))), y: min(end(tile.row), Int((place.y + 0.5).rounded(.down))))
        }
        let many = try decoded(tile, [WorldShape(.multiPoint, vertices.map { [[$0]] })])
        #expect(many.count == 1 && many[0].type == 1)
        #expect(many[0].paths.joined().sorted() == expected.sorted())
        let single = try decoded(tile, vertices.map { WorldShape(.point, [[[$0]]]) })
        #expect(single.flatMap { $0.paths.joined() } == expected)
        for feature in single {
            let place = WorldShape.place(vertices[Int(feature.id!)], in: tile)
            let (x, y) = (Double(feature.paths[0][0].x), Double(feature.paths[0][0].y))
            #expect(abs(x - place.x) <= (x == 4095 ? 1 : 0.5) && abs(y - place.y) <= (y == 4095 ? 1 : 0.5))
        }
    }

    @Test(arguments: 0...TileCoordinate.zoomLimit)
    func `lines keep their length inside the buffered tile`(zoom: Int) throws {
        let witness = Witness()
        let box = witness.bufferedTile
        var shapes = RandomShapes(seed: UInt64(zoom))
        for _ in 0..<40 {
            let tile = shapes.tile(zoom: zoom)
            let reach = [50.0, 900, 50_000][shapes.whole(0...2)]
            let lines: [[WorldShape.Vertex]] = (0..<shapes.whole(1...3)).map { _ in
                let start = (x: shapes.number(-100...4200), y: shapes.number(-100...4200))
                return (0..<shapes.whole(2...40)).map { _ in
                    WorldShape.vertex(start.x + shapes.number(-reach...reach), start.y + shapes.number(-reach...reach), in: tile)
                }
            }
            let source = WorldShape(lines.count == 1 ? .lineString : .multiLineString, lines.map { [$0] })
            let features = try decoded(tile, [source])
            // Segment by segment, because GEOS counts once where a line runs over itself, as clamped ones do on the world's edge.
            let exact = lines.reduce(0.0) { sum, line in
                let places = line.map { WorldShape.place($0, in: tile) }
                return zip(places, places.dropFirst()).reduce(sum) { $0 + witness.lines([[$1.0, $1.1]]).intersection(box).length }
            }
            guard let feature = features.first else {
                #expect(exact < 3)
                continue
            }
            var drawn = 0.0
            var segments = 0
            for path in feature.paths {
                for (a, b) in zip(path, path.dropFirst()) {
                    #expect(range.contains(Double(b.x)) && range.contains(Double(b.y)))
                    let (x, y) = (Double(b.x - a.x), Double(b.y - a.y))
                    drawn += (x * x + y * y).squareRoot()
                    segments += 1
                }
            }
            // Each end of a segment moves by at most √½, and one may vanish.
            #expect(abs(drawn - exact) <= 1.5 * Double(segments + lines.joined().count))
        }
    }

    @Test(arguments: [0, 1, 5, 20])
    func `points at the end of the world lie within the last tile`(zoom: Int) throws {
        let last = (1 << zoom) - 1
        func places(_ column: Int, _ row: Int, _ x: Int32, _ y: Int32) throws -> [DecodedTile.Place] {
            let tile = try #require(TileCoordinate(zoom: zoom, column: column, row: row))
            return try decoded(tile, [WorldShape(.point, [[[SIMD2(x, y)]]])]).flatMap { $0.paths.joined() }
        }
        // Maps draw no point at 4,096, because the next tile has it; beyond this one there is none.
        #expect(try places(last, last, .max, .max) == [DecodedTile.Place(x: 4095, y: 4095)])
        if zoom > 0 {
            // Elsewhere it stays where it is, and the next tile has it too.
            let edge = Int32(Int64(last) << (32 - zoom) - 1 << 31)
            #expect(try places(last - 1, last, edge, .max) == [DecodedTile.Place(x: 4096, y: 4095)])
            #expect(try places(last, last, edge, .max) == [DecodedTile.Place(x: 0, y: 4095)])
        }
    }

    @Test func `a line that leaves and comes back is two pieces that end on the buffer's edge`() throws {
        let line = [(100.0, 100.0), (-200, 100), (-200, 300), (100, 300)].map { WorldShape.vertex($0.0, $0.1, in: tile) }
        let features = try decoded(tile, [WorldShape(.lineString, [[line]])])
        #expect(features.count == 1)
        #expect(features[0].paths.map { $0.map { [$0.x, $0.y] } } == [[[100, 100], [-64, 100]], [[-64, 300], [100, 300]]])
    }

    @Test func `what lies outside is no feature, and a line within one cell is a unit long`() throws {
        var encoder = TileEncoder()
        encoder.start(tile, layer: "t", keys: [])
        let far = WorldShape(.point, [[[WorldShape.vertex(-65, 5, in: tile)]]])
        let short = WorldShape(.lineString, [[[WorldShape.vertex(5.1, 5, in: tile), WorldShape.vertex(5.3, 5, in: tile)]]])
        let drew = [encoder.draw(far.shape, id: 1), encoder.draw(short.shape, id: 2)]
        encoder.endFeature()
        let features = try #require(try DecodedTile(encoder.finish()).layers.first).features
        #expect(drew == [false, true])
        #expect(features.map(\.id) == [2])
        #expect(features[0].paths.map { $0.map { [$0.x, $0.y] } } == [[[5, 5], [6, 5]]])
    }

    @Test func `a collection becomes a feature for each dimension, with one id`() throws {
        let part = { (places: [(Double, Double)]) in [places.map { WorldShape.vertex($0.0, $0.1, in: self.tile) }] }
        let source = WorldShape(
            .geometryCollection,
            [part([(0, 0), (50, 0), (50, 50)]), part([(1, 1)]), part([(5, 5), (9, 9)]), part([(100, 100), (150, 100), (150, 150)])],
            kinds: [.polygon, .point, .lineString, .polygon])
        var encoder = TileEncoder()
        encoder.start(tile, layer: "t", keys: ["k"])
        let drew = encoder.draw(source.shape, id: 5)
        #expect(drew)
        encoder.tag(0, text: "v")
        encoder.endFeature()
        let features = try DecodedTile(encoder.finish()).layers[0].features
        #expect(features.map(\.type) == [1, 2, 3])
        #expect(features.allSatisfy { $0.id == 5 && $0.attributes == ["k": .text("v")] })
        #expect(features[2].polygons.count == 2)
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `attributes come back as they went in`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let names = ["名称", "n", "r", "b", "unused", "n"]
        let special: [Int64] = [0, 1, -1, .max, .min, 127, 128, -64, -65, 1 << 53 + 1]
        let reals: [Double] = [0, -0.0, 0.1, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e-9, 35.681236]
        let point = WorldShape(.point, [[[WorldShape.vertex(5, 5, in: tile)]]])
        var encoder = TileEncoder()
        for round in 0..<3 {  // one encoder, several tiles
            encoder.start(tile, layer: "層", keys: names)
            var expected: [[String: DecodedTile.Value]] = []
            for i in 0..<1000 {
                let drew = encoder.draw(point.shape, id: UInt64.max - UInt64(i))
                #expect(drew)
                var attributes: [String: DecodedTile.Value] = [:]
                if shapes.whole(0...3) > 0 {
                    let text =
                        String(repeating: ["町", "a", "", "é"][shapes.whole(0...3)], count: shapes.whole(0...200))
                        + "\(shapes.whole(0...99))"
                    if i % 2 == 0 {
                        encoder.tag(0, text: text)
                    } else {
                        Array(text.utf8).withUnsafeBytes { encoder.tag(0, text: $0) }
                    }
                    attributes["名称"] = .text(text)
                }
                if shapes.whole(0...3) > 0 {
                    let number =
                        shapes.whole(0...1) == 0 ? special.randomElement(using: &shapes.generator)! : Int64(shapes.whole(-500...500))
                    encoder.tag(shapes.whole(0...1) == 0 ? 1 : 5, integer: number)
                    attributes["n"] = .integer(number)
                }
                if shapes.whole(0...3) > 0 {
                    let number = reals.randomElement(using: &shapes.generator)!
                    encoder.tag(2, real: number)
                    attributes["r"] = .real(number.bitPattern)
                }
                if shapes.whole(0...3) > 0 {
                    encoder.tag(3, boolean: i % 3 == 0)
                    attributes["b"] = .boolean(i % 3 == 0)
                }
                encoder.endFeature()
                expected.append(attributes)
            }
            let layer = try DecodedTile(encoder.finish()).layers[0]
            #expect(layer.name == "層" && layer.version == 2 && layer.extent == 4096)
            #expect(!layer.keys.contains("unused"))
            #expect(layer.features.map(\.id) == (0..<1000).map { UInt64.max - UInt64($0) })
            #expect(layer.features.map(\.attributes) == expected, "round \(round)")
        }
    }

    /// What a column of a batch holds for one of its features.
    struct Column {
        var bits: [UInt64] = []
        var places: [Int32] = []
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `columns given a batch at a time come back as they went in`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        let point = WorldShape(.point, [[[WorldShape.vertex(5, 5, in: tile)]]])
        let entries = (0..<300).map { "項目\($0)" }
        var encoder = TileEncoder()
        for _ in 0..<2 {
            encoder.start(tile, layer: "t", keys: ["n", "r", "b", "code", "text", "never"], expectedValues: shapes.whole(0...100_000))
            var expected: [[String: DecodedTile.Value]] = []
            for batch in 0..<6 {
                let count = shapes.whole(1...TileEncoder.batchLimit)
                var columns = [Column](repeating: Column(), count: 4)
                var texts: [(place: Int32, text: [UInt8])] = []
                for place in 0..<count {
                    let drew = encoder.draw(point.shape, id: UInt64(1000 * batch + place))
                    #expect(drew)
                    var attributes: [String: DecodedTile.Value] = [:]
                    func give(_ column: Int, _ name: String, _ bits: UInt64, _ value: DecodedTile.Value) {
                        guard shapes.whole(0...2) > 0 else { return }
                        columns[column].bits.append(bits)
                        columns[column].places.append(Int32(place))
                        attributes[name] = value
                    }
                    let number = Int64(shapes.whole(-50...50)) * (shapes.whole(0...1) == 0 ? 1 : 1 << 40)
                    give(0, "n", UInt64(bitPattern: number), .integer(number))
                    let real = Double(shapes.whole(0...400)) / 8
                    give(1, "r", real.bitPattern, .real(real.bitPattern))
                    give(2, "b", UInt64(place % 2), .boolean(place % 2 == 1))
                    let code = shapes.whole(0...299)
                    give(3, "code", UInt64(code), .text(entries[code]))
                    if shapes.whole(0...2) > 0 {
                        let text = "字\(shapes.whole(0...5000))"
                        texts.append((Int32(place), Array(text.utf8)))
                        attributes["text"] = .text(text)
                    }
                    expected.append(attributes)
                }
                for (key, type) in [TileEncoder.NumberType.integer, .real, .boolean].enumerated() {
                    columns[key].bits.withUnsafeBufferPointer { bits in
                        columns[key].places.withUnsafeBufferPointer { places in
                            guard let first = places.baseAddress else { return }
                            encoder.tag(key, type, bits: bits, places: first)
                        }
                    }
                }
                let names = entries.map { Array($0.utf8) }
                columns[3].bits.withUnsafeBufferPointer { bits in
                    columns[3].places.withUnsafeBufferPointer { places in
                        guard let first = places.baseAddress else { return }
                        encoder.tag(3, codes: bits, places: first, entryCount: 300) { code in
                            names[code].withUnsafeBytes { $0 }
                        }
                    }
                }
                for (place, text) in texts { text.withUnsafeBytes { encoder.tag(4, text: $0, place: Int(place)) } }
                encoder.endFeatures()
            }
            let layer = try DecodedTile(encoder.finish()).layers[0]
            #expect(layer.features.map(\.attributes) == expected)
            #expect(!layer.keys.contains("never"))
        }
    }
}
