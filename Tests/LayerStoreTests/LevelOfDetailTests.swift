import Foundation
import Geo
import SpatialIndex
import TestKit
import Testing

@testable import LayerStore

@Suite struct LevelOfDetailTests {
    @Test(arguments: 0..<50 as Range<UInt64>)
    func `the last to have a place is the one that counting from the greatest finds`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...300, using: &generator)
        let ranks = UInt64.random(in: 2...1000, using: &generator)
        var candidates = (0..<count).map { _ in
            LevelOfDetail.Candidate(
                rank: .random(in: 0..<ranks, using: &generator), bytes: Float(Int.random(in: 1...100, using: &generator)))
        }
        let budget = Double(Int.random(in: 1...20_000, using: &generator))
        var expected = UInt64.max
        var used = 0.0
        let sorted = candidates.sorted { $0.rank > $1.rank }
        for (i, candidate) in sorted.enumerated() {
            // Equal ones share their fate.
            if used >= budget && (i == 0 || candidate.rank != sorted[i - 1].rank) { break }
            expected = candidate.rank
            used += Double(candidate.bytes)
        }
        #expect(LevelOfDetail.leastRank(&candidates, budget: budget) == expected)
    }

    /// Entries in the order of their keys.
    private func entries(_ count: Int, using generator: inout SeededGenerator) -> [LevelOfDetail.Entry] {
        (0..<count).map { i in
            // Half of them in one town.
            let wide = i % 2 == 0 ? 20.0 : 0.01
            let key = HilbertCurve.key(
                longitude: 139 + Double.random(in: 0...wide, using: &generator),
                latitude: 35 + Double.random(in: 0...wide, using: &generator))
            let area = Float.random(in: 1...200, using: &generator)
            return LevelOfDetail.Entry(
                key: key, rank: LevelOfDetail.rank(area: area, length: 1, isPoint: false, number: UInt64(i)), length: 1e4, vertices: 5,
                area: area)
        }.sorted { $0.key < $1.key }
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `in every cell the greatest come first and the budget is kept`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let entries = entries(6000, using: &generator)
        var levels = LevelOfDetail(capacity: entries.count, attributeBytes: 100)
        for entry in entries { levels.add(entry) }
        let zooms = levels.leastZooms()
        #expect(zooms.contains(0) && zooms.contains { $0 > 8 } && !zooms.contains(FeatureDetail.never))
        for zoom in 0...LevelOfDetail.lastZoom {
            let cells = Dictionary(grouping: entries.indices) { zoom == 0 ? 0 : entries[$0].key >> UInt64(64 - 2 * zoom) }
            for rows in cells.values {
                let shown = rows.filter { Int(zooms[$0]) <= zoom }
                let bytes = shown.reduce(0) { $0 + entries[$1].bytes(zoom: zoom, attributeBytes: 100) }
                if shown.count == rows.count {
                    #expect(bytes <= LevelOfDetail.budget(zoom: zoom) + 200)
                    continue
                }
                #expect(bytes <= LevelOfDetail.budget(zoom: zoom, areas: rows.count) + 200)
                let leastShown = shown.map { entries[$0].rank }.min() ?? .max
                let greatestLeftOut = rows.filter { Int(zooms[$0]) > zoom }.map { entries[$0].rank }.max() ?? 0
                #expect(leastShown > greatestLeftOut)
            }
        }
    }

    @Test(arguments: [(count: 1500, isShown: true), (count: 3000, isShown: false)])
    func `what is as large as what stands for others is shown by itself, unless there is too much of it`(count: Int, isShown: Bool) {
        // At zoom 9, with 2^11 world units a grid unit: 70 units wide in one cell, with more bytes than the budget has.
        let area = Float(70 * 70) * exp2(22)
        var levels = LevelOfDetail(capacity: count, attributeBytes: 80)
        for i in 0..<count {
            levels.add(
                LevelOfDetail.Entry(
                    key: UInt64(i),
                    rank: LevelOfDetail.rank(importance: Float(i), area: area, length: 1, isPoint: false, number: UInt64(i)),
                    length: 4 * 70 * exp2(11), vertices: 5, area: area))
        }
        let zooms = levels.leastZooms()
        #expect(zooms.allSatisfy { $0 <= 9 } == isShown)
        #expect(!zooms.allSatisfy { $0 <= 8 })
    }

    @Test func `polygons go before lines, lines before points, and larger before smaller`() {
        let small = LevelOfDetail.rank(area: 1, length: 9, isPoint: false, number: 5)
        let large = LevelOfDetail.rank(area: 1e15, length: 9, isPoint: false, number: 6)
        let short = LevelOfDetail.rank(area: 0, length: 1, isPoint: false, number: 7)
        let long = LevelOfDetail.rank(area: 0, length: 1e9, isPoint: false, number: 8)
        for number in 0..<1000 as Range<UInt64> {
            #expect(LevelOfDetail.rank(area: 0, length: 0, isPoint: true, number: number) < short)
        }
        #expect(short < long && long < small && small < large)
        let values: [Float] = [-.infinity, -1e9, -1, -0.5, 0, 1e-9, 3, 1e20]
        let ranks = values.map { LevelOfDetail.rank(importance: $0, area: 0, length: 0, isPoint: true, number: 1) }
        #expect(ranks == ranks.sorted())
    }

    @Test(arguments: [80.0, 120, 300, 1000])
    func `a cell that is just too large shows nearly all of it`(bytes: Double) {
        for zoom in 0...LevelOfDetail.lastZoom {
            let whole = LevelOfDetail.budget(zoom: zoom)
            #expect(LevelOfDetail.budget(zoom: zoom, areas: Int(whole / bytes) + 1) > 0.7 * whole)
            #expect(zoom == 0 || whole >= LevelOfDetail.budget(zoom: zoom - 1))
            // Lines and points leave no rectangles.
            #expect(LevelOfDetail.budget(zoom: zoom, areas: 0) == whole)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `of equal importance larger areas go first, then longer lines, then points`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        struct Thing {
            var importance: Float
            /// 2 for areas, 1 for lines, 0 for points.
            var kind: Int
            var size: Float
            var rank: UInt64
        }
        let things = (0..<200).map { number in
            let importance = Float(Int.random(in: -2...2, using: &generator))
            let kind = Int.random(in: 0...2, using: &generator)
            let size = exp2(Float.random(in: 0...60, using: &generator))
            return Thing(
                importance: importance, kind: kind, size: kind == 0 ? 0 : size,
                rank: LevelOfDetail.rank(
                    importance: importance, area: kind == 2 ? size : 0, length: kind == 0 ? 0 : size, isPoint: kind == 0,
                    number: UInt64(number))
            )
        }
        for a in things {
            for b in things
            where (a.importance, a.kind) > (b.importance, b.kind)
                || (a.importance, a.kind) == (b.importance, b.kind) && a.size > 1.005 * b.size
            {
                #expect(a.rank > b.rank, "seed \(seed): \(a) before \(b)")
            }
        }
        #expect(Set(things.map(\.rank)).count == things.count)
    }

    @Test func `a declared attribute decides, and nulls go last`() throws {
        var generator = SeededGenerator(seed: 1)
        let folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let attributes = [Attribute(name: "人口", type: .integer), Attribute(name: "説明", type: .text)]
        let builder = try LayerBuilder(settings: .init(attributes: attributes, importanceColumn: 0), scratch: scratch.url)
        for i in 0..<4000 {
            if i % 10 > 0 { builder.set(0, integer: Int64(i)) }
            try builder.set(1, text: "\(i)" + String(repeating: "あ", count: 60))
            let place = (139 + Double.random(in: 0...0.01, using: &generator), 35 + Double.random(in: 0...0.01, using: &generator))
            var point = Geometry.point(place.0, place.1)
            point.roundToStorage()
            try builder.endFeature(geometry: point, sourceRow: UInt64(i))
        }
        let url = folder.url.appending(path: "a.layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: LayerFacts())
        let file = try LayerFile.open(url)
        let details = try #require(try file.details())
        try details.touch(0..<file.geometryCount)
        var first: [Int64] = []
        var counts = [Int](repeating: 0, count: LevelOfDetail.lastZoom + 2)
        for row in 0..<file.rowCount {
            counts[Int(details[row].leastZoom)] += 1
            guard details[row].leastZoom == 0 else { continue }
            guard case .integer(let value) = try file.columns[0].attributeValue(row) else {
                Issue.record("a null came first")
                continue
            }
            first.append(value)
        }
        #expect(counts == file.leastZoomCounts)
        #expect(first.count > 50 && first.count < 1000)
        // Of the greatest values none is missing.
        let expected = (0..<4000).filter { $0 % 10 > 0 }.suffix(first.count).map { Int64($0) }
        #expect(first.sorted() == expected)
    }
}
