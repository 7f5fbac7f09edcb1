import FoundationEssentials
import Geo
import GeoNative
import TestKit
import Testing
import Tiles

@testable import LayerStore
@testable import Query

/// A layer made for tiles, and what is in it.
struct TileLayer {
    let folder: TemporaryFolder
    let file: LayerFile
    let source: RowSource

    init(_ geometries: [Geometry], text: Int = 0, classes: Int = 3, rowsOfClass: Int = 1) throws {
        folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(
            settings: .init(attributes: [Attribute(name: "class", type: .text), Attribute(name: "text", type: .text)]),
            scratch: scratch.url)
        for (i, geometry) in geometries.enumerated() {
            try builder.set(0, text: "区分\(i / rowsOfClass % classes)")
            if text > 0 { try builder.set(1, text: "\(i)" + String(repeating: "x", count: text)) }
            var stored = geometry
            stored.roundToStorage()
            try builder.endFeature(geometry: stored, sourceRow: UInt64(i))
        }
        _ = try builder.seal(as: folder.path("a.layer"), identity: Identity(), facts: LayerFacts())
        file = try LayerFile.open(folder.path("a.layer"))
        source = RowSource(layer: "t", file: file, columns: [0, 1])
    }

    func draw(_ tile: TileCoordinate, _ policy: TilePolicy = TilePolicy()) throws -> (
        tile: DecodedTile.Layer?, leftOut: Int, bytes: [UInt8]
    ) {
        let drawn = try TileDrawer().draw(source, MapTile(tile), policy, Deadline(seconds: nil))
        return (try DecodedTile(drawn.bytes).layers.first, drawn.leftOut, drawn.bytes)
    }

    /// The tiles of a zoom that the layer lies in.
    func tiles(_ zoom: Int) -> [TileCoordinate] {
        guard let extent = file.extent else { return [] }
        let (a, b) = (
            WebMercator.project(longitude: extent.minX, latitude: extent.maxY),
            WebMercator.project(longitude: extent.maxX, latitude: extent.minY)
        )
        func index(_ units: Int32) -> Int { Int((Int64(units) + 1 << 31) >> (32 - Int64(zoom))) }
        return (index(a.y)...index(b.y)).flatMap { row in
            (index(a.x)...index(b.x)).map { TileCoordinate(zoom: zoom, column: $0, row: row)! }
        }
    }
}

/// Shapes at places in metres, more or less, from 139.7° east, 35.6° north.
struct Surveyor {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func number(_ range: ClosedRange<Double>) -> Double { .random(in: range, using: &generator) }

    func polygon(_ rings: [[(Double, Double)]]) -> Geometry {
        .polygon(
            rings.enumerated().map { number, ring in
                var places = ring
                let area = zip(ring, ring.dropFirst() + ring.prefix(1)).reduce(0) { $0 + $1.0.0 * $1.1.1 - $1.1.0 * $1.0.1 }
                if (area > 0) == (number > 0) { places.reverse() }
                return (places + places.prefix(1)).map { Point(x: 139.7 + $0.0 / 90_000, y: 35.6 + $0.1 / 111_000) }
            })
    }

    /// A rectangle turned somehow.
    mutating func house(_ x: Double, _ y: Double, _ width: Double, _ depth: Double) -> Geometry {
        // A rotation of small whole numbers: (3, 4, 5).
        let (c, s) = [(1.0, 0.0), (0.8, 0.6), (0.6, -0.8)].randomElement(using: &generator)!
        return polygon([
            [(0.0, 0.0), (width, 0), (width, depth), (0, depth)].map { (x + $0.0 * c - $0.1 * s, y + $0.0 * s + $0.1 * c) }
        ])
    }

    /// Houses as in a town: many small ones, few large ones.
    mutating func town(_ count: Int, side: Double) -> [Geometry] {
        (0..<count).map { i in
            let size = i % 50 == 0 ? number(40...120) : number(4...18)
            return house(number(0...side), number(0...side), size, size * number(0.4...1))
        }
    }
}

@Suite struct TileTests {
    /// Drawn within the tile itself, in square grid units, by the surveyor's formula where a feature lies inside and by GEOS where it does not.
    private func areaInside(_ feature: DecodedTile.Feature, _ context: GEOSContext, location: SourceLocation = #_sourceLocation) throws
        -> Double
    {
        var area = 0.0
        for polygon in feature.polygons {
            let rings = polygon.map { ring in (ring + ring.prefix(1)).map { Point(x: Double($0.x), y: Double($0.y)) } }
            let native = try NativeGeometry(.polygon(rings), in: context)
            #expect(try native.isValid(), sourceLocation: location)
            let isInside = polygon[0].allSatisfy { (0...4096).contains($0.x) && (0...4096).contains($0.y) }
            let box = Envelope(minX: 0, minY: 0, maxX: 4096, maxY: 4096)
            area += isInside ? try native.area() : try native.intersection(NativeGeometry(box, in: context)).area()
        }
        return area
    }

    /// Of all features, in square world units.
    private func trueArea(_ file: LayerFile) throws -> Double {
        var area = 0.0
        for row in 0..<file.geometryCount {
            let shape = try file.shape(row)
            for part in 0..<shape.partEnds.count {
                for (number, ring) in shape.rings(ofPart: part).enumerated() {
                    let vertices = shape.vertices(ofRing: ring)
                    var sum = 0.0
                    let (x0, y0) = (Double(shape.mercator[2 * vertices.lowerBound]), Double(shape.mercator[2 * vertices.lowerBound + 1]))
                    for i in vertices.dropLast() {
                        sum += (Double(shape.mercator[2 * i]) - x0) * (Double(shape.mercator[2 * i + 3]) - y0)
                        sum -= (Double(shape.mercator[2 * i + 2]) - x0) * (Double(shape.mercator[2 * i + 1]) - y0)
                    }
                    area += (number == 0 ? 0.5 : -0.5) * abs(sum)
                }
            }
        }
        return area
    }

    @Test(arguments: 6...16)
    func `a town covers at every zoom what it covers in truth, in tiles of few bytes`(zoom: Int) throws {
        var surveyor = Surveyor(seed: 7)
        let layer = try TileLayer(surveyor.town(6000, side: 2500), text: 120)
        let context = GEOSContext()
        var area = 0.0
        var leftOut = 0
        for tile in layer.tiles(zoom) {
            let drawn = try layer.draw(tile)
            #expect(drawn.bytes.count <= TilePolicy.byteLimit)
            leftOut += drawn.leftOut
            for feature in drawn.tile?.features ?? [] { area += try areaInside(feature, context) }
        }
        let unit = Double(1 << (20 - zoom))
        let exact = try trueArea(layer.file) / unit / unit
        #expect(abs(area / exact - 1) < 0.05 || abs(area - exact) < 1, "\(area) for \(exact)")
        #expect((leftOut > 0) == (zoom < 15))
    }

    @Test(arguments: TileMatrixSet.allCases)
    func `what any tile leaves out is counted for its zoom`(set: TileMatrixSet) throws {
        var surveyor = Surveyor(seed: 3)
        // Sheds of half a metre too: they are too small to be drawn up to zoom 18.
        let layer = try TileLayer(
            surveyor.town(2000, side: 1500) + (0..<40).map { surveyor.house(30 * Double($0), 40, 0.5, 0.5) }, text: 150)
        let counts = try #require(layer.file.ownZoomCounts)
        let extent = try #require(layer.file.extent)
        for zoom in 3...min(19, set.zoomLimit) {
            let first = MapTile(set, zoom: zoom, column: 0, row: 0)!
            #expect(FeatureDetail.leastArea(zoom: first.levelZoom) == Dust.leastArea(first))
            let count = counts[(first.levelZoom + 1)...].reduce(0, +)
            var (leftOut, drawn) = (0, Set<UInt64>())
            let (side, top) = (
                Double(first.side) * 360 / WebMercator.worldSize,
                set == .webMercatorQuad ? WebMercator.worldSize / 2 : WebMercator.worldSize / 4
            )
            let columns = Int((extent.minX + 180) / side)...Int((extent.maxX + 180) / side)
            func row(_ latitude: Double) -> Int {
                let y =
                    set == .webMercatorQuad
                    ? Double(WebMercator.project(longitude: 0, latitude: latitude).y) : -latitude * WebMercator.worldSize / 360
                return Int((y + top) / Double(first.side))
            }
            for column in columns {
                for row in row(extent.maxY)...row(extent.minY) {
                    let tile = MapTile(set, zoom: zoom, column: column, row: row)!
                    let result = try TileDrawer().draw(layer.source, tile, TilePolicy(), Deadline(seconds: nil))
                    leftOut = max(leftOut, result.leftOut)
                    #expect(result.leftOut <= count, "\(set) \(zoom)")
                    for feature in try DecodedTile(result.bytes).layers.first?.features ?? [] where feature.attributes["text"] != nil {
                        drawn.insert(feature.id!)
                    }
                }
            }
            #expect((leftOut > 0) == (count > 0), "\(set) \(zoom): \(leftOut), counted \(count)")
            #expect(drawn.count == layer.file.rowCount - count, "\(set) \(zoom)")
        }
    }

    @Test(arguments: [(8, false), (12, false), (14, false), (9, true), (14, true)])
    func `what is too small adds up to rectangles for the largest of each cell and class`(zoom: Int, coversAll: Bool) throws {
        var surveyor = Surveyor(seed: UInt64(zoom))
        let layer = try TileLayer(surveyor.town(3000, side: 4000), text: 200)
        let details = try #require(try layer.file.details())
        try details.touch(0..<layer.file.geometryCount)
        let unit = Int64(1) << (20 - Int64(zoom))
        struct Key: Hashable {
            var column: Int64
            var row: Int64
            var name: String
        }
        for tile in layer.tiles(zoom) {
            // Where nothing large waits for a closer zoom, cells of a hazard are two pixels wide.
            var waits = false
            try layer.file.search(MapTile(tile).bufferedEnvelope) { rows, _ in
                for row in rows where Int(details[row].leastZoom) > zoom && details[row].area >= Float(4 * unit * unit) { waits = true }
            }
            let cell = Int64(coversAll && !waits ? 16 : 64)
            // The slow way: every feature asked, one dictionary.
            var sums: [Key: (area: Double, largest: Double, number: UInt64)] = [:]
            var byClass: [String: Double] = [:]
            var shown: Set<UInt64> = []
            for row in 0..<layer.file.geometryCount {
                let detail = details[row]
                let area = Double(detail.area) / Double(unit * unit)
                let number = try layer.file.number(row)
                if Int(detail.leastZoom) <= zoom && detail.area >= Float(4 * unit * unit) {
                    shown.insert(number)
                    continue
                }
                let (x, y) = ((Int64(detail.x) - tile.minX) / unit, (Int64(detail.y) - tile.minY) / unit)
                guard Int64(detail.x) >= tile.minX, Int64(detail.y) >= tile.minY, x < 4096, y < 4096 else { continue }
                guard case .text(let name) = try layer.file.columns[0].attributeValue(row) else { continue }
                var sum = sums[Key(column: x / cell, row: y / cell, name: name)] ?? (0, 0, 0)
                sum.area += area
                if area > sum.largest { (sum.largest, sum.number) = (area, number) }
                sums[Key(column: x / cell, row: y / cell, name: name)] = sum
                byClass[name, default: 0] += area
            }
            let drawn = try layer.draw(tile, TilePolicy(coversAll: coversAll, classAttribute: "class"))
            var drawnByClass: [String: Double] = [:]
            for feature in drawn.tile?.features ?? [] where !shown.contains(feature.id!) {
                guard case .text(let name)? = feature.attributes["class"] else {
                    Issue.record("no class")
                    continue
                }
                let ring = feature.paths[0]
                let (west, east) = (ring.map(\.x).min()!, ring.map(\.x).max()!)
                let (north, south) = (ring.map(\.y).min()!, ring.map(\.y).max()!)
                #expect(ring.count == 4 && feature.paths.count == 1 && feature.attributes.count == 1)
                let key = Key(column: Int64(west) / cell, row: Int64(north) / cell, name: name)
                #expect(Int64(east - 1) / cell == key.column && Int64(south - 1) / cell == key.row)
                #expect(sums[key]?.number == feature.id)
                drawnByClass[name, default: 0] += Double((east - west) * (south - north))
            }
            for (name, area) in byClass {
                let shown = drawnByClass[name] ?? 0
                // What is left over is less than the side of a rectangle, or of a cell where all were full.
                if coversAll { #expect(shown >= area - 1e-6) } else { #expect(abs(shown - area) <= 64, "\(shown) for \(area)") }
                #expect(shown <= area + 64)
            }
        }
    }

    @Test func `the same bytes on every run and from any thread`() async throws {
        var surveyor = Surveyor(seed: 3)
        let layer = try TileLayer(surveyor.town(2000, side: 1500), text: 150)
        let tiles = [10, 13, 15, 16].flatMap { layer.tiles($0) }
        let first = try tiles.map { try layer.draw($0).bytes }
        let source = layer.source
        let runs = try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let drawer = TileDrawer()
                    return try tiles.shuffled().sorted { ($0.zoom, $0.row, $0.column) < ($1.zoom, $1.row, $1.column) }.map { tile in
                        try drawer.draw(source, MapTile(tile), TilePolicy(), Deadline(seconds: nil)).bytes
                    }
                }
            }
            var runs: [[[UInt8]]] = []
            for try await run in group { runs.append(run) }
            return runs
        }
        for run in runs { #expect(run == first) }
    }

    @Test func `values that many features have get the numbers that take one byte, wherever in the tile they begin`() throws {
        var surveyor = Surveyor(seed: 8)
        // Each class lies in one place, and each house has a text of its own.
        let houses = (0..<2000).map { surveyor.house(Double($0 / 40) * 15, Double($0 % 40) * 15, 9, 9) }
        let layer = try TileLayer(houses, text: 1, classes: 40, rowsOfClass: 50)
        var policy = TilePolicy()
        policy.thins = false
        let drawn = try layer.tiles(14).compactMap { try layer.draw($0, policy).tile }
        let tile = try #require(drawn.max { $0.features.count < $1.features.count })
        var counts: [DecodedTile.Value: Int] = [:]
        for feature in tile.features {
            let value = try #require(feature.attributes["class"])
            counts[value, default: 0] += 1
            #expect(feature.attributes["text"] != nil && feature.attributes.count == 2)
        }
        #expect(tile.features.count > 1000 && counts.count > 20)
        for (value, count) in counts where count > 40 {
            #expect(try #require(tile.values.firstIndex(of: value)) < 128, "\(value) of \(count) features")
        }
    }

    @Test func `what is not left out is what items find, and at the zoom where everything fits nothing is`() throws {
        var surveyor = Surveyor(seed: 5)
        let layer = try TileLayer(surveyor.town(1500, side: 1500), text: 20)
        for zoom in [14, 16, 18] {
            for tile in layer.tiles(zoom) {
                let drawn = try layer.draw(tile)
                if zoom > 14 { #expect(drawn.leftOut == 0) }
                guard drawn.leftOut == 0 else { continue }
                var inTile: Set<UInt64> = []
                let side = tile.side
                for row in 0..<layer.file.geometryCount {
                    let shape = try layer.file.shape(row)
                    let xs = stride(from: 0, to: shape.mercator.count, by: 2).map { Int64(shape.mercator[$0]) - tile.minX }
                    let ys = stride(from: 1, to: shape.mercator.count, by: 2).map { Int64(shape.mercator[$0]) - tile.minY }
                    // By a vertex, which is less than all that are in the tile: a house may reach into it without one.
                    if zip(xs, ys).contains(where: { $0 > 0 && $0 < side && $1 > 0 && $1 < side }) {
                        inTile.insert(try layer.file.number(row))
                    }
                }
                let ids = Set((drawn.tile?.features ?? []).compactMap(\.id))
                #expect(inTile.isSubset(of: ids))
            }
        }
    }

    @Test(arguments: [0, 1, 5, 10, 15, 21])
    func `tiles of WorldCRS84Quad lie where the degrees say`(zoom: Int) throws {
        var surveyor = Surveyor(seed: UInt64(zoom))
        let side = 180 / Double(1 << zoom)
        let places = (0..<200).map { _ -> Point in
            let place = zoom < 10 ? (surveyor.number(-179...179), surveyor.number(-89...89)) : (139.7 + surveyor.number(0...side), 35.6)
            return Point(x: (place.0 * 1e7).rounded() / 1e7, y: (place.1 * 1e7).rounded() / 1e7)
        }
        let layer = try TileLayer(places.map { .point($0.x, $0.y) })
        var seen = 0
        let tiles = Set(
            places.map { MapTile(.worldCRS84Quad, zoom: zoom, column: Int(($0.x + 180) / side), row: Int((90 - $0.y) / side))! })
        for tile in tiles {
            let (west, north) = (Double(tile.column) * side - 180, 90 - Double(tile.row) * side)
            let bytes = try TileDrawer().draw(layer.source, tile, TilePolicy(), Deadline(seconds: nil)).bytes
            for feature in try DecodedTile(bytes).layers[0].features {
                let row = try #require(try layer.file.row(number: feature.id!))
                let place = try layer.file.shape(row).geometry.coordinates
                let (x, y) = ((place[0] - west) / side * 4096, (north - place[1]) / side * 4096)
                #expect(abs(Double(feature.paths[0][0].x) - x) < 0.501 + 1e-7 / side * 4096)
                #expect(abs(Double(feature.paths[0][0].y) - y) < 0.501 + 1e-7 / side * 4096)
                if (0..<4096).contains(x) && (0..<4096).contains(y) { seen += 1 }
            }
        }
        #expect(seen == places.count)
        #expect(MapTile(.worldCRS84Quad, zoom: 0, column: 1, row: 0) != nil && MapTile(.worldCRS84Quad, zoom: 0, column: 0, row: 1) == nil)
        #expect(
            MapTile(.worldCRS84Quad, zoom: 22, column: 0, row: 0) == nil && MapTile(.webMercatorQuad, zoom: 0, column: 1, row: 0) == nil)
    }

    @Test(arguments: [6, 9, 12, 15])
    func `a town covers in WorldCRS84Quad what it covers in truth`(zoom: Int) throws {
        var surveyor = Surveyor(seed: 8)
        let layer = try TileLayer(surveyor.town(5000, side: 2500), text: 120)
        let extent = try #require(layer.file.extent)
        let side = 180 / Double(1 << zoom)
        let context = GEOSContext()
        var area = 0.0
        for row in Int((90 - extent.maxY) / side)...Int((90 - extent.minY) / side) {
            for column in Int((extent.minX + 180) / side)...Int((extent.maxX + 180) / side) {
                let tile = try #require(MapTile(.worldCRS84Quad, zoom: zoom, column: column, row: row))
                let drawn = try TileDrawer().draw(layer.source, tile, TilePolicy(), Deadline(seconds: nil))
                #expect(drawn.bytes.count <= TilePolicy.byteLimit)
                for feature in try DecodedTile(drawn.bytes).layers.first?.features ?? [] { area += try areaInside(feature, context) }
            }
        }
        // In square degrees, by the surveyor's formula.
        var exact = 0.0
        for row in 0..<layer.file.geometryCount {
            let places = try layer.file.shape(row).geometry.coordinates
            var sum = 0.0
            for i in stride(from: 0, to: places.count - 2, by: 2) {
                sum += (places[i] - places[0]) * (places[i + 3] - places[1]) - (places[i + 2] - places[0]) * (places[i + 1] - places[1])
            }
            exact += abs(sum) / 2
        }
        exact *= (4096 / side) * (4096 / side)
        #expect(abs(area / exact - 1) < 0.05 || abs(area - exact) < 1, "\(area) for \(exact)")
    }

    @Test func `a file sealed before there were details is drawn whole`() throws {
        var surveyor = Surveyor(seed: 9)
        let layer = try TileLayer(surveyor.town(300, side: 1000), text: 10)
        var bytes = [UInt8](try Data(contentsOf: layer.folder.path("a.layer")))
        func word(_ offset: Int) -> Int {
            bytes.withUnsafeBytes { Int(truncatingIfNeeded: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        }
        func hash(_ range: Range<Int>) -> UInt64 {
            bytes.withUnsafeBytes { LayerFileFormat.hash(UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
        func put<T>(_ value: T, at offset: Int) {
            bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: offset, as: T.self) }
        }
        // An optional section of a kind that nobody knows is passed over.
        let directory = word(24)..<word(24) + word(32) * LayerFileFormat.entrySize
        let entries = stride(from: directory.lowerBound, to: directory.upperBound, by: LayerFileFormat.entrySize)
        let entry = try #require(entries.first { word($0) & 0xFFFF_FFFF == Int(LayerFileFormat.Kind.detail.rawValue) })
        put(UInt32(9999), at: entry)
        put(hash(directory), at: 64)
        put(hash(0..<LayerFileFormat.headerSize - 8), at: LayerFileFormat.headerSize - 8)
        try Data(bytes).write(to: layer.folder.path("old.layer"))
        let old = try LayerFile.open(layer.folder.path("old.layer"))
        let details = try old.details()
        #expect(details == nil)
        let source = RowSource(layer: "t", file: old, columns: [0, 1])
        for tile in layer.tiles(15) {
            let drawn = try TileDrawer().draw(source, MapTile(tile), TilePolicy(), Deadline(seconds: nil))
            let whole = try layer.draw(tile, TilePolicy(thins: false))
            let ids = { (tile: DecodedTile.Layer?) in (tile?.features ?? []).map(\.id) }
            #expect(drawn.leftOut == 0)
            #expect(ids(try DecodedTile(drawn.bytes).layers.first) == ids(whole.tile))
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `neighbours that share a border share it in the tile`(seed: UInt64) throws {
        var surveyor = Surveyor(seed: seed)
        let size = 14
        let pitch = 60.0
        let corners = (0...size).map { row in
            (0...size).map { column in
                (Double(column) * pitch + surveyor.number(-12...12), Double(row) * pitch + surveyor.number(-12...12))
            }
        }
        // Along each border some vertices that both neighbours have.
        func between(_ a: (Double, Double), _ b: (Double, Double), _ bend: Double) -> (Double, Double) {
            ((a.0 + b.0) / 2 + (b.1 - a.1) * bend, (a.1 + b.1) / 2 - (b.0 - a.0) * bend)
        }
        let bends = (0..<2 * (size + 1) * (size + 1)).map { _ in surveyor.number(-0.08...0.08) }
        var cells: [Geometry] = []
        for row in 0..<size {
            for column in 0..<size {
                let (a, b, c, d) = (corners[row][column], corners[row][column + 1], corners[row + 1][column + 1], corners[row + 1][column])
                func horizontal(_ row: Int) -> Double { bends[row * (size + 1) + column] }
                func vertical(_ column: Int) -> Double { bends[(size + 1) * (size + 1) + row * (size + 1) + column] }
                cells.append(
                    surveyor.polygon([
                        [
                            a, between(a, b, horizontal(row)), b, between(b, c, vertical(column + 1)), c,
                            between(d, c, horizontal(row + 1)), d,
                            between(a, d, vertical(column)),
                        ]
                    ]))
            }
        }
        let layer = try TileLayer(cells)
        let context = GEOSContext()
        for zoom in [13, 14, 16] {
            for tile in layer.tiles(zoom) {
                let features = try layer.draw(tile).tile?.features ?? []
                var sum = 0.0
                var all: [[[Point]]] = []
                for feature in features {
                    for polygon in feature.polygons {
                        let rings = polygon.map { ring in (ring + ring.prefix(1)).map { Point(x: Double($0.x), y: Double($0.y)) } }
                        sum += try NativeGeometry(.polygon(rings), in: context).area()
                        all.append(rings)
                    }
                }
                guard !all.isEmpty else { continue }
                let union = try NativeGeometry(.multiPolygon(all), in: context).dissolved()
                // Where a vertex lies nearer than √2 units to a border it is no end of, rounding may take it across: slivers of a unit.
                let allowed = zoom == 13 ? 1e-4 * sum + 1 : 1e-6 * sum
                #expect(abs(try union.area() - sum) <= allowed, "zoom \(zoom)")
            }
        }
    }
}
