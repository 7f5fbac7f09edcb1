import Foundation
import Geo
import LayerStore
import SpatialIndex
import TestKit
import Testing
import Tiles

@testable import Query

/// Versions of a layer, one made from another by edits, each feature with a number of its own.
private struct Edition {
    struct Feature {
        var number: Int64
        var geometry: Geometry
        var kind: String
        var height: Double?
    }

    var features: [Feature]
    var nextNumber: Int64

    init(count: Int, _ random: inout SeededGenerator) {
        features = (0..<count).map { Edition.feature(Int64($0 + 1), &random) }
        nextNumber = Int64(count + 1)
    }

    /// A house, a road or a sign, mostly in a small town, so that far tiles cannot hold all; some in the whole world.
    private static func feature(_ number: Int64, _ random: inout SeededGenerator) -> Feature {
        let isNear = Int.random(in: 0..<20, using: &random) > 0
        let x = isNear ? Double.random(in: 139.7..<139.75, using: &random) : .random(in: -179..<179, using: &random)
        let y = isNear ? Double.random(in: 35.6..<35.64, using: &random) : .random(in: -84..<84, using: &random)
        let geometry: Geometry
        switch Int.random(in: 0..<4, using: &random) {
        case 0: geometry = .point(x, y)
        case 1:
            geometry = .lineString(
                (0..<6).map { Point(x: x + Double($0) * 0.0004, y: y + .random(in: 0..<0.0005, using: &random)) })
        default:
            let (width, height) = (Double.random(in: 0.00001..<0.0004, using: &random), Double.random(in: 0.00001..<0.0004, using: &random))
            geometry = .polygon([
                [
                    Point(x: x, y: y), Point(x: x + width, y: y), Point(x: x + width, y: y + height), Point(x: x, y: y + height),
                    Point(x: x, y: y),
                ]
            ])
        }
        let height: Double? = Bool.random(using: &random) ? .random(in: 3..<30, using: &random) : nil
        return Feature(number: number, geometry: geometry, kind: "種別\(Int.random(in: 0..<5, using: &random))", height: height)
    }

    mutating func edit(_ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            let place = Int.random(in: features.indices, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: features.remove(at: place)
            case 1:
                features.append(Edition.feature(nextNumber, &random))
                nextNumber += 1
            case 2: features[place].kind = "種別\(Int.random(in: 0..<6, using: &random))"
            case 3: features[place].height = features[place].height == nil ? 7 : nil
            case 4: features[place].geometry = Edition.feature(0, &random).geometry
            default:
                // The same, elsewhere in the file.
                features.swapAt(place, Int.random(in: features.indices, using: &random))
            }
        }
    }

    func seal(_ folder: TemporaryFolder, _ name: String) throws -> LayerFile {
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(
            settings: .init(
                attributes: [
                    Attribute(name: "id", type: .integer), Attribute(name: "kind", type: .text), Attribute(name: "height", type: .real),
                    Attribute(name: "name", type: .text),
                ], idColumn: 0), scratch: scratch.url)
        for (row, feature) in features.enumerated() {
            builder.set(0, integer: feature.number)
            try builder.set(1, text: feature.kind)
            if let height = feature.height { builder.set(2, real: height) }
            try builder.set(3, text: "建物\(feature.number)の名前" + String(repeating: "あ", count: 20))
            var stored = feature.geometry
            stored.roundToStorage()
            try builder.endFeature(geometry: stored, sourceRow: UInt64(row))
        }
        _ = try builder.seal(as: folder.path(name), identity: Identity(), facts: LayerFacts())
        return try LayerFile.open(folder.path(name))
    }
}

@Suite struct TileHistoryTests {
    /// Every tile of a set's zooms that either file may have something in.
    private func tiles(_ set: TileMatrixSet, _ zooms: ClosedRange<Int>, _ files: [LayerFile]) throws -> [MapTile] {
        var result: [MapTile] = []
        var level = [MapTile(set, zoom: 0, column: 0, row: 0)!]
        if set == .worldCRS84Quad { level.append(MapTile(set, zoom: 0, column: 1, row: 0)!) }
        for zoom in 0...zooms.upperBound {
            level = try level.filter { tile in
                try files.contains { file in
                    var isThere = false
                    try file.search(tile.bufferedEnvelope) { _, _ in isThere = true }
                    return isThere
                }
            }
            if zooms.contains(zoom) { result += level }
            level = level.flatMap { tile in
                (0..<4).compactMap { MapTile(set, zoom: zoom + 1, column: 2 * tile.column + $0 % 2, row: 2 * tile.row + $0 / 2) }
            }
        }
        return result
    }

    /// A few by default; `KASANE_TILE_SEEDS=200` tries as many.
    private static let seeds = 0..<(ProcessInfo.processInfo.environment["KASANE_TILE_SEEDS"].flatMap { UInt64($0) } ?? 3)

    @Test(arguments: TileHistoryTests.seeds)
    func `a tile that kept its version is the same to the byte in the new one`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        // Enough that far tiles leave some out.
        var edition = Edition(count: 2600, &random)
        var versions = [(name: "v0", file: try edition.seal(folder, "v0"))]
        let history = TileHistory()
        for number in 1...3 {
            edition.edit(&random)
            let (name, file) = ("v\(number)", try edition.seal(folder, "v\(number)"))
            let boxes = try #require(try file.drawnChanges(since: versions[number - 1].file, limit: TileHistory.boxLimit) {})
            history.add(TileHistory.Step(base: "v\(number - 1)", boxes: boxes), of: "t", name)
            versions.append((name, file))
        }
        let columns = [0, 1, 2, 3]
        func draw(_ file: LayerFile, _ tile: MapTile, _ policy: TilePolicy) throws -> DrawnTile {
            try TileDrawer().draw(RowSource(layer: "t", file: file, columns: columns), tile, policy, Deadline(seconds: nil))
        }
        let policy = TilePolicy(classAttribute: seed % 2 == 0 ? "kind" : nil)
        var (kept, changed) = (0, 0)
        for (set, zooms) in [(TileMatrixSet.webMercatorQuad, 0...14), (.worldCRS84Quad, 0...12)] {
            for tile in try tiles(set, zooms, versions.map(\.file)) {
                for (place, version) in versions.enumerated().dropFirst() {
                    let origin = history.lastChange(of: "t", version.name, tile)
                    let before = try #require(versions.firstIndex { $0.name == origin })
                    #expect(before <= place)
                    if before == place {
                        changed += 1
                        continue
                    }
                    kept += 1
                    #expect(try draw(version.file, tile, policy) == draw(versions[before].file, tile, policy), "\(tile) \(origin)")
                }
            }
        }
        // The edits are few: most tiles are kept, and it is not that nothing was found.
        #expect(kept > changed)
        #expect(edition.nextNumber == 2601 || changed > 0)
    }

    @Test func `other attributes and too many changes make everything new`() throws {
        var random = SeededGenerator(seed: 1)
        let folder = try TemporaryFolder()
        var edition = Edition(count: 300, &random)
        let first = try edition.seal(folder, "a")
        #expect(try first.drawnChanges(since: first, limit: 10) {} == [])
        for place in edition.features.indices { edition.features[place].kind += "x" }
        let second = try edition.seal(folder, "b")
        #expect(try second.drawnChanges(since: first, limit: 599) {} == nil)
        #expect(try second.drawnChanges(since: first, limit: 600) {}?.count == 600)
        let other = try TileLayer([.point(1, 1)])
        #expect(try other.file.drawnChanges(since: first, limit: 600) {} == nil)
    }

    @Test func `versions that are published again lead nowhere in circles`() {
        let history = TileHistory()
        let tile = MapTile(.webMercatorQuad, zoom: 3, column: 0, row: 0)!
        #expect(history.lastChange(of: "t", "v2", tile) == "v2")
        history.add(TileHistory.Step(base: "v1", boxes: []), of: "t", "v2")
        history.add(TileHistory.Step(base: "v2", boxes: []), of: "t", "v1")
        history.add(TileHistory.Step(base: "v2", boxes: []), of: "t", "v2")
        #expect(history.lastChange(of: "t", "v2", tile) == "v1")
        #expect(history.lastChange(of: "t", "v1", tile) == "v1")
        #expect(history.lastChange(of: "u", "v2", tile) == "v2")
        // A chain that has lost its beginning goes back as far as it is known.
        for number in 3...30 { history.add(TileHistory.Step(base: "v\(number - 1)", boxes: []), of: "t", "v\(number)") }
    }
}

@Suite struct TileOccupancyTests {
    @Test(arguments: 0..<3)
    func `tiles said to be empty are those that no envelope meets, and draw as nothing`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let file = try Edition(count: seed == 0 ? 3 : 400, &random).seal(folder, "a")
        let source = RowSource(layer: "t", file: file, columns: [0])
        for set in TileMatrixSet.allCases {
            let occupancy = try TileOccupancy(file, set)
            #expect(occupancy.lastZoom >= 5)
            var (said, found) = (0, 0)
            for zoom in 0...6 {
                for column in 0..<(set == .webMercatorQuad ? 1 << zoom : 2 << zoom) {
                    for row in 0..<(1 << zoom) {
                        let tile = try #require(MapTile(set, zoom: zoom, column: column, row: row))
                        var isMet = false
                        try file.search(tile.bufferedEnvelope) { _, _ in isMet = true }
                        let mayHave = occupancy.mayHaveFeatures(tile)
                        if isMet { #expect(mayHave, "\(tile)") }
                        if zoom <= occupancy.lastZoom {
                            said += mayHave ? 1 : 0
                            found += isMet ? 1 : 0
                        }
                        if !mayHave && zoom < 5 {
                            #expect(try TileDrawer().draw(source, tile, TilePolicy(), Deadline(seconds: nil)).bytes.isEmpty)
                        }
                    }
                }
            }
            // Rounding makes it say a tile too much, seldom.
            #expect(said <= found + 4)
            // Where there is something, down to the last zoom that is served.
            for row in 0..<min(50, file.geometryCount) {
                let centre = try file.indexedEnvelope(row).centre
                let zoom = set.zoomLimit
                let side = 360 / Double(set == .webMercatorQuad ? 1 << zoom : 2 << zoom)
                let column = Int((centre.x + 180) / side)
                let y =
                    set == .webMercatorQuad
                    ? Int((Double(WebMercator.project(longitude: 0, latitude: centre.y).y) + 2_147_483_648) / Double(1 << (32 - zoom)))
                    : Int((90 - centre.y) / side)
                #expect(occupancy.mayHaveFeatures(try #require(MapTile(set, zoom: zoom, column: column, row: y))))
            }
        }
    }

    @Test func `a layer without geometries has no tiles`() throws {
        let layer = try TileLayer([])
        let occupancy = try TileOccupancy(layer.file, .webMercatorQuad)
        #expect(!occupancy.mayHaveFeatures(MapTile(.webMercatorQuad, zoom: 0, column: 0, row: 0)!))
    }
}
