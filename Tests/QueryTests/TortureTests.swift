import Geo
import GeoNative
import TestKit
import Testing

@testable import Query

/// Layers made to break tiles: whatever the zoom, every polygon of every tile decodes and is valid, and no tile is too large.
@Suite struct TortureTests {
    enum Torture: String, CaseIterable, CustomTestStringConvertible {
        case spikes
        case slivers
        case touchingRings
        case checkerboard
        case manyVertices
        case combs
        case crowd

        var testDescription: String { rawValue }

        func geometries(_ surveyor: inout Surveyor) -> [Geometry] {
            switch self {
            case .spikes:
                // Thin needles in all directions around a small body.
                return (0..<40).map { _ in
                    let (x, y) = (surveyor.number(0...3000), surveyor.number(0...3000))
                    return surveyor.polygon([
                        [
                            (x, y), (x + 5, y + 0.5), (x + surveyor.number(200...900), y + 1), (x + 5, y + 1.5), (x + 5, y + 5),
                            (x + 3, y + 5),
                            (x + 2.5, y + surveyor.number(200...900)), (x + 2, y + 5), (x, y + 5),
                        ]
                    ])
                }
            case .slivers:
                return (0..<300).map { i in
                    surveyor.house(surveyor.number(0...3000), surveyor.number(0...3000), surveyor.number(100...800), [0.1, 0.5, 2][i % 3])
                }
            case .touchingRings:
                // Holes that touch their shell and one another at one vertex.
                return (0..<60).map { i in
                    let (x, y, s) = (Double(i % 8) * 300, Double(i / 8) * 300, surveyor.number(5...250))
                    return surveyor.polygon([
                        [(x, y), (x + s, y), (x + s, y + s), (x, y + s)],
                        [(x, y), (x + s / 3, y + s / 6), (x + s / 6, y + s / 3)],
                        [(x + s / 3, y + s / 6), (x + s / 2, y + s / 6), (x + s / 2, y + s / 3)],
                    ])
                }
            case .checkerboard:
                return (0..<900).compactMap { i in
                    let (column, row) = (i % 30, i / 30)
                    guard (column + row) % 2 == 0 else { return nil }
                    let (x, y) = (Double(column) * 7, Double(row) * 7)
                    return surveyor.polygon([[(x, y), (x + 7, y), (x + 7, y + 7), (x, y + 7)]])
                }
            case .manyVertices:
                // One ring of 100,000 vertices, jagged; x grows and comes back below.
                let count = 50_000
                let top = (0..<count).map { (Double($0) * 0.2, 500 + surveyor.number(0...30)) }
                let bottom = (0..<count).reversed().map { (Double($0) * 0.2, surveyor.number(0...30)) }
                return [surveyor.polygon([top + bottom])]
            case .combs:
                return (0..<4).map { i in
                    let teeth = 200
                    let (x, y, pitch) = (Double(i) * 50, Double(i) * 900, [0.3, 1, 4, 9][i])
                    var ring: [(Double, Double)] = [(x, y)]
                    ring.append((x + Double(teeth) * pitch, y))
                    for tooth in (0..<teeth).reversed() {
                        let west = x + Double(tooth) * pitch
                        ring += [(west + pitch, y + 10), (west + pitch * 0.6, y + 800), (west + pitch * 0.4, y + 800), (west, y + 10)]
                    }
                    return surveyor.polygon([ring])
                }
            case .crowd:
                return (0..<20_000).map { _ in
                    .point(139.7 + surveyor.number(0...0.0001), 35.6 + surveyor.number(0...0.0001))
                }
            }
        }
    }

    @Test(arguments: Torture.allCases)
    func `every tile of the pyramid is valid`(torture: Torture) throws {
        var surveyor = Surveyor(seed: 11)
        let layer = try TileLayer(torture.geometries(&surveyor), text: torture == .crowd ? 40 : 0)
        let context = GEOSContext()
        var features = 0
        for zoom in stride(from: 3, through: torture == .manyVertices ? 14 : 18, by: torture == .manyVertices ? 3 : 1) {
            var tiles = layer.tiles(zoom)
            if tiles.count > 60 { tiles = Array(tiles.prefix(30) + tiles.suffix(30)) }
            for tile in tiles {
                let drawn = try layer.draw(tile)
                #expect(drawn.bytes.count <= TilePolicy.byteLimit, "\(torture) \(tile)")
                for feature in drawn.tile?.features ?? [] {
                    features += 1
                    for place in feature.paths.joined() {
                        #expect((-64...4160).contains(place.x) && (-64...4160).contains(place.y))
                    }
                    guard feature.type == 3 else { continue }
                    let polygons = feature.polygons.map { polygon in
                        polygon.map { ring in (ring + ring.prefix(1)).map { Point(x: Double($0.x), y: Double($0.y)) } }
                    }
                    #expect(try NativeGeometry(.multiPolygon(polygons), in: context).isValid(), "\(torture) \(tile) \(feature.id ?? 0)")
                }
            }
        }
        #expect(features > 0)
    }
}
