import Access
import CQL2
import Foundation
import Geo
import LayerAtlas
import LayerCatalog
import Query
import Tiles

/// Tiles, pages and GeoJSON made from a published layer on one thread, with no network in between.
///
/// The first run of each list touches every page and checks every block that the others read; it is not counted.
struct LayerBenchmark {
    private let data: URL
    private let id: String
    private let engine = QueryEngine()
    private let layer: VisibleLayer
    private let tiles: [TileCoordinate]
    private let boxes: [BoxArea]
    private let tile: TileCoordinate?
    private let shipped: TileCoordinate?
    private let filters: [(text: String, tree: CQL2.Expression)]

    private struct BadList: Error {
        var line: String
    }

    /// - Parameters:
    ///   - tiles: a file with `zoom column row` on each line.
    ///   - boxes: a file with `west,south,east,north` on each line; without it nothing is measured of items and GeoJSON.
    ///   - tile: `zoom/column/row`, to be measured alone.
    ///   - shipped: the same, with what a tile leaves out and makes up for left to the layer.
    ///   - filters: a file with a filter in CQL2 text on each line.
    init(data: String, layer id: String, tiles: String?, boxes: String?, tile: String?, shipped: String?, filters: String?) throws {
        self.data = URL(fileURLWithPath: data)
        self.id = id
        let atlas = try LayerAtlas(dataDirectory: self.data, catalogue: try Catalogue(directory: self.data, readOnly: true))
        layer = try atlas.layer(id, for: .publicViewer)
        self.tiles = try tiles.map { try KasaneBench.lines(of: $0).map { try LayerBenchmark.tile($0, separator: " ") } } ?? []
        self.boxes = try boxes.map { try KasaneBench.lines(of: $0).map(LayerBenchmark.box) } ?? []
        self.tile = try tile.map { try LayerBenchmark.tile($0, separator: "/") }
        self.shipped = try shipped.map { try LayerBenchmark.tile($0, separator: "/") }
        self.filters = try filters.map { try KasaneBench.lines(of: $0).map { ($0, try CQL2.Expression(text: $0)) } } ?? []
    }

    func run() throws {
        report("open: catalogue, atlas and layer of \(layer.featureCount) features", unit: "ms", scale: 1e3, runs: 11) {
            // The layer was opened above, so a failure here is one of this program.
            let catalogue = try! Catalogue(directory: data, readOnly: true)
            _ = try! LayerAtlas(dataDirectory: data, catalogue: catalogue).layer(id, for: .publicViewer)
        }
        if let tile {
            let bytes = try make(tile)
            try report("tile: \(tile.zoom)/\(tile.column)/\(tile.row), \(bytes) bytes", unit: "ms", scale: 1e3, runs: 41) {
                _ = try make(tile)
            }
        }
        if let shipped {
            let drawn = try ship(shipped)
            let what = "\(shipped.zoom)/\(shipped.column)/\(shipped.row), \(drawn.bytes.count) bytes, \(drawn.leftOut) features left out"
            try report("tile as it ships: \(what)", unit: "ms", scale: 1e3, runs: 41) { _ = try ship(shipped) }
        }
        if !tiles.isEmpty {
            let bytes = try makeAll()
            let scale = 1e3 / Double(tiles.count)
            try report("tiles: each of \(tiles.count), \(bytes / tiles.count) bytes", unit: "ms", scale: scale, runs: 7) {
                _ = try makeAll()
            }
        }
        for limit in [10, 100, 1000] where !boxes.isEmpty {
            let bytes = try answerAll(limit: limit)
            let scale = 1e3 / Double(boxes.count)
            try report("items: each box of \(boxes.count), limit \(limit), \(bytes / boxes.count) bytes", unit: "ms", scale: scale, runs: 7)
            {
                _ = try answerAll(limit: limit)
            }
        }
        if !boxes.isEmpty { try wholeLayer() }
        for (text, tree) in filters {
            let count = try matches(tree)
            try report("filter: \(text) holds for \(count)", unit: "ms", scale: 1e3, runs: 21) { _ = try matches(tree) }
        }
    }

    private func make(_ tile: TileCoordinate) throws -> Int {
        // All features and attributes, as the servers that it is compared with send them.
        try engine.drawnTile([layer], MapTile(tile), thins: false, deadline: Deadline(seconds: nil)).bytes.count
    }

    private func ship(_ tile: TileCoordinate) throws -> DrawnTile {
        try engine.drawnTile([layer], MapTile(tile), deadline: Deadline(seconds: nil))
    }

    private func matches(_ filter: CQL2.Expression) throws -> Int {
        try engine.items(layer, ItemsRequest(filter: filter, limit: 1), deadline: Deadline(seconds: nil)).matched ?? 0
    }

    private func makeAll() throws -> Int {
        var bytes = 0
        for tile in tiles { bytes += try make(tile) }
        return bytes
    }

    private func answerAll(limit: Int) throws -> Int {
        var bytes = 0
        for box in boxes { bytes += try answer(ItemsRequest(area: box, limit: limit)).bytes }
        return bytes
    }

    private func answer(_ request: ItemsRequest) throws -> (bytes: Int, next: Int?) {
        let deadline = Deadline(seconds: nil)
        let page = try engine.items(layer, request, deadline: deadline)
        let text = try engine.collection(layer, page, links: "[]", timeStamp: "2024-03-31T00:00:00Z").bytes(deadline)
        return (text.count, page.next)
    }

    /// GeoJSON of all features, piece by piece; nobody takes the pieces.
    private func wholeLayer() throws {
        var bytes = 0
        var speeds: [Double] = []
        let clock = ContinuousClock()
        let deadline = Deadline(seconds: nil)
        for _ in 0..<3 {
            bytes = 0
            let time = try clock.measure {
                let stream = try engine.everything(layer, ItemsRequest(), form: FeatureForm(), format: .geoJSON, deadline: deadline)
                while try stream.next(deadline, { bytes += $0.count }) {}
            }
            speeds.append(Double(bytes) / 1e6 / (time / .seconds(1)))
        }
        speeds.sort()
        func short(_ value: Double) -> String { String((value * 10).rounded() / 10) }
        print("geojson: the whole layer, \(bytes) bytes: \(short(speeds[1])) MB/s (\(short(speeds[0])) to \(short(speeds[2])))")
    }

    private static func tile(_ line: String, separator: Character) throws -> TileCoordinate {
        let numbers = line.split(separator: separator).compactMap { Int($0) }
        guard numbers.count == 3, let tile = TileCoordinate(zoom: numbers[0], column: numbers[1], row: numbers[2]) else {
            throw BadList(line: line)
        }
        return tile
    }

    private static func box(_ line: String) throws -> BoxArea {
        let numbers = line.split(separator: ",").compactMap { Double($0) }
        guard numbers.count == 4, let box = BoxArea(west: numbers[0], south: numbers[1], east: numbers[2], north: numbers[3]) else {
            throw BadList(line: line)
        }
        return box
    }
}
