import Geo
import TestKit
import Testing

@testable import Tiles

@Suite struct CoverageTests {
    private let tile = TileCoordinate(zoom: 10, column: 900, row: 400)!
    private let witness = Witness()

    /// Polygons gathered and arranged, each drawn as a feature whose id is its place plus one; nil for what is not drawn.
    private func drawn(_ polygons: [[RandomShapes.Place]], ranks: [UInt8] = [], covers: Bool = false) throws -> [Witness.Figure?] {
        var encoder = TileEncoder()
        encoder.start(MapTile(tile), layer: "t", keys: [], keepsStraight: true, covers: covers)
        let shapes = polygons.map { ring in WorldShape(.polygon, [[ring.map { WorldShape.vertex($0.x, $0.y, in: tile) }]]) }
        let owners = shapes.enumerated().map { place, shape in
            encoder.gather(shape.shape, levels: nil, rank: ranks.isEmpty ? 1 : ranks[place], isInside: false)
        }
        encoder.arrangeGathered()
        for (place, shape) in shapes.enumerated() where encoder.draw(shape.shape, id: UInt64(place + 1), owner: owners[place]) {
            encoder.endFeature()
        }
        let features = try DecodedTile(encoder.finish()).layers.first?.features ?? []
        return polygons.indices.map { place in
            features.first { $0.id == UInt64(place + 1) }.map { feature in
                witness.polygons(feature.polygons.map { $0.map { $0.map { (Double($0.x), Double($0.y)) } } })
            }
        }
    }

    private func square(_ x: Double, _ y: Double, _ side: Double) -> [RandomShapes.Place] {
        [(x, y), (x, y + side), (x + side, y + side), (x + side, y)]
    }

    @Test func `what falls onto a line takes its place from its neighbours, and several beside each other`() throws {
        // A wall of a quarter unit between two squares, and three more like it in the same place.
        let wall: [RandomShapes.Place] = [(100.1, 50), (100.1, 80), (100.35, 80), (100.35, 50)]
        let figures = try drawn([square(60, 45, 40.1), [(100.35, 45), (100.35, 85.1), (140, 85.1), (140, 45)], wall, wall, wall])
        let all = try figures.map { try #require($0) }
        for (i, figure) in all.enumerated() {
            #expect(figure.invalidity == nil)
            for other in all[..<i] { #expect(figure.intersection(other).area == 0) }
        }
        // A quarter of 30 square units, in whole ones; the others have what it leaves them.
        #expect(all[2].area == 8)
        #expect(all[3...].allSatisfy { (1...8).contains($0.area) })
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `hazards cover what they are, and graver ones have what rounding leaves`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        // A row of squares with crooked borders between them.
        var borders: [[RandomShapes.Place]] = []
        for i in 0...6 {
            let x = 500 + 60 * Double(i)
            borders.append((0...20).map { (x + shapes.number(-20...20), 500 + 10 * Double($0)) })
        }
        let polygons = (0..<6).map { borders[$0] + borders[$0 + 1].reversed() }
        let ranks = (0..<6).map { _ in UInt8(shapes.whole(1...3)) }
        let figures = try drawn(polygons, ranks: ranks, covers: true).map { try #require($0) }
        for (i, figure) in figures.enumerated() {
            #expect(figure.invalidity == nil, "seed \(seed)")
            for other in figures[..<i] { #expect(figure.intersection(other).area == 0, "seed \(seed)") }
            // What the encoder was given, in world units rounded.
            let truth = witness.polygons([[polygons[i].map { WorldShape.place(WorldShape.vertex($0.x, $0.y, in: tile), in: tile) }]])
            let graver = figures.indices.filter { ranks[$0] >= ranks[i] }.reduce(0.0) { $0 + truth.intersection(figures[$1]).area }
            #expect(truth.area - graver < 1e-6, "seed \(seed): \(truth.area - graver) of class \(ranks[i]) is drawn as less")
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `what is squeezed out takes nothing from a graver class`(seed: UInt64) throws {
        var shapes = RandomShapes(seed: seed)
        // Frames a third of a unit wide around each other, the gravest in the middle, as four pieces each.
        var sides = [shapes.number(3...9)]
        for _ in 0..<18 { sides.append(sides.last! + shapes.number(0.2...0.6)) }
        let centre = (x: shapes.number(1000...1010), y: shapes.number(1000...1010))
        var polygons = [square(centre.x - sides[0], centre.y - sides[0], 2 * sides[0])]
        var ranks: [UInt8] = [7]
        for (i, (inner, outer)) in zip(sides, sides.dropFirst()).enumerated() {
            let corners = [(-1.0, -1.0), (-1, 1), (1, 1), (1, -1)]
            for (a, b) in zip(corners, corners.dropFirst() + corners.prefix(1)) {
                polygons.append([
                    (centre.x + a.0 * inner, centre.y + a.1 * inner), (centre.x + a.0 * outer, centre.y + a.1 * outer),
                    (centre.x + b.0 * outer, centre.y + b.1 * outer), (centre.x + b.0 * inner, centre.y + b.1 * inner),
                ])
                ranks.append(UInt8(6 - i / 3))
            }
        }
        let figures = try drawn(polygons, ranks: ranks, covers: true)
        for rank in 1...7 as ClosedRange<UInt8> {
            let those = polygons.indices.filter { ranks[$0] >= rank }
            let truths = those.map { place in
                witness.polygons([[polygons[place].map { WorldShape.place(WorldShape.vertex($0.x, $0.y, in: tile), in: tile) }]])
            }
            let truth = truths.dropFirst().reduce(truths[0]) { $0.union($1) }
            let all = those.compactMap { figures[$0] }
            let covered = all.dropFirst().reduce(all[0]) { $0.union($1) }
            #expect(truth.area - truth.intersection(covered).area < 1e-6, "seed \(seed), rank \(rank)")
        }
    }

    @Test func `of more than a place holds the rest is squeezed out, and nothing else`() throws {
        var encoder = TileEncoder()
        encoder.start(MapTile(tile), layer: "t", keys: [], keepsStraight: true)
        // Thirty in the same place, one by itself, one of no area, and one in another tile.
        let rings = (0..<30).map { _ in square(100.1, 100.1, 0.2) } + [square(200.1, 200.1, 0.2), square(300, 300, 0), square(9000, 0, 9)]
        let shapes = rings.map { ring in WorldShape(.polygon, [[ring.map { WorldShape.vertex($0.x, $0.y, in: tile) }]]) }
        let owners = shapes.map { encoder.gather($0.shape, levels: nil, rank: 1, isInside: false) }
        encoder.arrangeGathered()
        var drawn = 0
        for (shape, owner) in zip(shapes, owners).prefix(30) {
            let isDrawn = encoder.draw(shape.shape, id: 1, owner: owner)
            if isDrawn { drawn += 1 }
            let isSqueezedOut = encoder.isSqueezedOut(owner)
            #expect(isDrawn != isSqueezedOut)
        }
        #expect((1...9).contains(drawn), "\(drawn)")
        let others = owners[30...].map { encoder.isSqueezedOut($0) }
        #expect(others == [false, false, false])
    }

    @Test func `a coverage is full when it has as many segments as it may, and begins anew`() {
        var encoder = TileEncoder()
        encoder.coverage = Coverage(segmentLimit: 9)
        encoder.start(MapTile(tile), layer: "t", keys: [])
        let shapes = [square(10, 10, 50), square(100, 10, 50), square(200, 10, 50)].map { ring in
            WorldShape(.polygon, [[ring.map { WorldShape.vertex($0.x, $0.y, in: tile) }]])
        }
        let isFull = shapes.map { shape in
            _ = encoder.gather(shape.shape, levels: nil, rank: 1, isInside: false)
            return encoder.isFullOfGathered
        }
        #expect(isFull == [false, false, true])
        encoder.clearGathered()
        let isStillFull = encoder.isFullOfGathered
        #expect(!isStillFull)
    }

    @Test func `too many zones over each other are each drawn by themselves`() throws {
        let polygons = (0..<2090).map { square(Double($0), Double($0), 4180 - 2 * Double($0)) }
        let figures = try drawn(polygons, ranks: polygons.indices.map { UInt8($0 % 3 + 1) }, covers: true)
        for place in stride(from: 0, to: 2090, by: 190) {
            let figure = try #require(figures[place])
            let inTile = witness.polygons([[polygons[place]]]).intersection(witness.bufferedTile)
            #expect(figure.invalidity == nil && figure.area >= inTile.area)
        }
    }
}
