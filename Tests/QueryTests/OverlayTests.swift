import CQL2
import Geo
import GeoNative
import LayerStore
import TestKit
import Testing

@testable import Query

@Suite struct OverlayTests {
    let never = Deadline(seconds: nil)

    static let everyFigure: [OverlayRequest.Aggregate] = [
        .count, .distinct(.init(.target, "usage")), .distinct(.init(.overlay, "storeys")), .sum(.init(.target, "storeys")),
        .sum(.init(.overlay, "height")), .mean(.init(.target, "height")), .mean(.init(.overlay, "storeys")), .min(.init(.target, "name")),
        .max(.init(.target, "built")), .min(.init(.overlay, "height")), .max(.init(.overlay, "usage")),
    ]
    static let groupings: [[OverlayRequest.Property]] = [
        [], [.init(.overlay, "usage")], [.init(.target, "storeys")], [.init(.target, "usage"), .init(.overlay, "listed")],
        [.init(.overlay, "storeys"), .init(.overlay, "usage")], [.init(.overlay, "name"), .init(.target, "built")],
    ]

    @Test(arguments: 0..<4 as Range<UInt64>, [OverlayRequest.Relation.intersects, .within, .contains])
    func `every pair, group and figure is that of a double loop with GEOS`(seed: UInt64, relation: OverlayRequest.Relation) throws {
        let target = try SampleLayer(count: 140, seed: 2 * seed) { latticeGeometry(&$0) }
        let overlay = try SampleLayer(count: 110, seed: 2 * seed + 1) { latticeGeometry(&$0) }
        let witness = OverlayWitness(target, overlay)
        let pairs = try witness.pairs(relation)
        #expect(pairs.count > 10)
        for grouping in OverlayTests.groupings {
            let request = OverlayRequest(relation: relation, groupBy: grouping, aggregates: OverlayTests.everyFigure)
            let result = try target.publicSource.overlay(overlay.publicSource, request, deadline: never)
            #expect(OverlayWitness.agree(result.rows, try witness.table(request, pairs)))
            let counted = OverlayRequest(relation: relation, groupBy: grouping, aggregates: [.count])
            #expect(try target.publicSource.overlay(overlay.publicSource, counted, deadline: never).rows == witness.table(counted, pairs))
            #expect(result.unmatchedCount == result.targetCount - Set(pairs.map(\.target)).count)
        }
    }

    @Test(arguments: 0..<3 as Range<UInt64>)
    func `filters choose the features of either side`(seed: UInt64) throws {
        let target = try SampleLayer(count: 120, seed: 20 + 2 * seed) { latticeGeometry(&$0) }
        let overlay = try SampleLayer(count: 100, seed: 21 + 2 * seed) { latticeGeometry(&$0) }
        let witness = OverlayWitness(target, overlay)
        let pairs = try witness.pairs(.intersects).filter { pair in
            guard target.values[pair.target][0] == .text("住宅"), case .integer(let storeys) = overlay.values[pair.overlay][1] else {
                return false
            }
            return storeys > 12
        }
        #expect(pairs.count > 3)
        for grouping in OverlayTests.groupings {
            let request = try OverlayRequest(
                targetFilter: Expression(text: "usage = '住宅'"), overlayFilter: Expression(text: "storeys > 12"), relation: .intersects,
                groupBy: grouping, aggregates: OverlayTests.everyFigure)
            let result = try target.publicSource.overlay(overlay.publicSource, request, deadline: never)
            #expect(OverlayWitness.agree(result.rows, try witness.table(request, pairs)))
        }
        #expect(throws: QueryError.unknownProperty("keeper")) {
            let hidden = try OverlayRequest(overlayFilter: Expression(text: "keeper = 'a'"), relation: .intersects)
            return try target.publicSource.overlay(overlay.publicSource, hidden, deadline: never)
        }
    }

    @Test(arguments: 0..<3 as Range<UInt64>)
    func `areas and lengths are those of the intersection with the union`(seed: UInt64) throws {
        let target = try SampleLayer(count: 60, seed: 40 + 2 * seed) { looseGeometry(&$0) }
        let overlay = try SampleLayer(count: 50, seed: 41 + 2 * seed) { looseGeometry(&$0) }
        let witness = OverlayWitness(target, overlay)
        let pairs = try witness.pairs(.intersects)
        for grouping in OverlayTests.groupings {
            let request = OverlayRequest(relation: .intersects, groupBy: grouping, aggregates: [.area, .length, .count])
            let result = try target.publicSource.overlay(overlay.publicSource, request, deadline: never)
            #expect(OverlayWitness.agree(result.rows, try witness.table(request, pairs)))
        }
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `neither the number of threads nor the second run shows in a single bit`(seed: UInt64) throws {
        let target = try SampleLayer(count: 500, seed: 60 + 2 * seed) { latticeGeometry(&$0) }
        let overlay = try SampleLayer(count: 60, seed: 61 + 2 * seed) { latticeGeometry(&$0) }
        let request = OverlayRequest(
            relation: .intersects, groupBy: [.init(.overlay, "usage")],
            aggregates: [.area, .length, .mean(.init(.target, "height")), .mean(.init(.overlay, "height"))])
        var results: [OverlayResult] = []
        for threads in [1, 2, 3, 7, 2] {
            var limits = OverlayLimits()
            limits.threads = threads
            results.append(try target.publicSource.overlay(overlay.publicSource, request, limits: limits, deadline: never))
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    /// Thousands of features in one place: blocks, grids and cells all come into play.
    @Test(arguments: 0..<3 as Range<UInt64>)
    func `many small features in few large ones are counted as GEOS counts them`(seed: UInt64) throws {
        let target = try SampleLayer(count: 800, seed: 80 + 2 * seed) { generator in
            let low = Point(x: Double.random(in: 139.5...139.56, using: &generator), y: Double.random(in: 35.5...35.56, using: &generator))
            var result = Geometry.polygon([RandomGeometry().ring(centre: low, radius: 0.0002, vertices: 7, using: &generator)])
            result.roundToStorage()
            return result
        }
        let overlay = try SampleLayer(count: 8, seed: 81 + 2 * seed) { generator in
            let low = Point(x: Double.random(in: 139.5...139.56, using: &generator), y: Double.random(in: 35.5...35.56, using: &generator))
            let radius = Double.random(in: 0.002...0.03, using: &generator)
            let hole = RandomGeometry().ring(centre: low, radius: radius * 0.4, vertices: 50, using: &generator)
            var result = Geometry.polygon([
                RandomGeometry().ring(centre: low, radius: radius, vertices: 300, using: &generator), hole.reversed(),
            ])
            result.roundToStorage()
            return result
        }
        for relation in [OverlayRequest.Relation.intersects, .within] {
            let witness = OverlayWitness(target, overlay)
            let request = OverlayRequest(relation: relation, groupBy: [.init(.overlay, "usage")], aggregates: [.count, .area])
            let result = try target.publicSource.overlay(overlay.publicSource, request, deadline: never)
            #expect(OverlayWitness.agree(result.rows, try witness.table(request, witness.pairs(relation))))
        }
        let inverse = OverlayRequest(relation: .contains, groupBy: [.init(.target, "usage")], aggregates: [.count, .area])
        let witness = OverlayWitness(overlay, target)
        let result = try overlay.publicSource.overlay(target.publicSource, inverse, deadline: never)
        #expect(OverlayWitness.agree(result.rows, try witness.table(inverse, witness.pairs(.contains))))
    }

    @Test func `a polygon of many thousand vertices is cut up and gives the same area`() throws {
        var generator = SeededGenerator(seed: 9)
        var ring = RandomGeometry().ring(centre: Point(x: 139.6, y: 35.6), radius: 0.05, vertices: 9_000, using: &generator)
        ring[ring.count - 1] = ring[0]
        var large = Geometry.polygon([ring])
        large.roundToStorage()
        var made = 0
        let overlay = try SampleLayer(count: 1, seed: 3) { _ in
            made += 1
            return large
        }
        let target = try SampleLayer(count: 20, seed: 5) { generator in
            let centre = Point(
                x: Double.random(in: 139.56...139.64, using: &generator), y: Double.random(in: 35.56...35.64, using: &generator))
            var result = Geometry.polygon([
                RandomGeometry().ring(centre: centre, radius: generator.next() & 1 == 0 ? 0.01 : 0.0005, vertices: 9, using: &generator)
            ])
            result.roundToStorage()
            return result
        }
        #expect(made == 1)
        let witness = OverlayWitness(target, overlay)
        let request = OverlayRequest(relation: .intersects, aggregates: [.count, .area])
        let result = try target.publicSource.overlay(overlay.publicSource, request, deadline: never)
        #expect(OverlayWitness.agree(result.rows, try witness.table(request, witness.pairs(.intersects))))
    }

    @Test(arguments: [2, 3000])
    func `texts that look alike and differ are different values, with a dictionary or without`(count: Int) throws {
        let folder = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: [Attribute(name: "t", type: .text)]), scratch: try TemporaryFolder().url)
        for i in 0..<count {
            let text = ["が", "か\u{3099}", "é", "e\u{301}"][i % 4] + (count > 100 ? "\(i / 4)" : "")
            try builder.set(0, text: text)
            try builder.endFeature(geometry: .point(140, 37), sourceRow: UInt64(i))
        }
        let url = folder.path("norm.layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: LayerFacts())
        let source = RowSource(layer: "norm", file: try LayerFile.open(url), columns: [0])
        let result = try source.overlay(
            source,
            OverlayRequest(
                relation: .nearest(1, within: nil), groupBy: [.init(.target, "t")], aggregates: [.distinct(.init(.target, "t"))]),
            deadline: never)
        #expect(result.rows.count == count)
    }

    // MARK: Refusals

    @Test func `hidden and unknown attributes are the same: there is no such attribute`() throws {
        let sample = try SampleLayer(count: 20, seed: 1)
        for name in ["keeper", "nothing"] {
            for side in OverlayRequest.Side.allCases {
                for request in [
                    OverlayRequest(relation: .intersects, groupBy: [.init(side, name)]),
                    OverlayRequest(relation: .intersects, aggregates: [.distinct(.init(side, name))]),
                ] {
                    #expect(throws: QueryError.unknownProperty(name)) {
                        try sample.publicSource.overlay(sample.publicSource, request, deadline: never)
                    }
                }
            }
        }
        #expect(throws: QueryError.invalidValue(property: "usage", value: "sum")) {
            try sample.publicSource.overlay(
                sample.publicSource, OverlayRequest(relation: .intersects, aggregates: [.sum(.init(.target, "usage"))]), deadline: never)
        }
    }

    @Test func `too many groups, vertices or values are refused in words`() throws {
        let sample = try SampleLayer(count: 300, seed: 2) { latticeGeometry(&$0) }
        func refused(_ request: OverlayRequest, _ change: (inout OverlayLimits) -> Void) -> Bool {
            var limits = OverlayLimits()
            change(&limits)
            do throws(QueryError) {
                _ = try sample.publicSource.overlay(sample.publicSource, request, limits: limits, deadline: never)
            } catch {
                if case .limitExceeded(let ja, let en) = error { return !ja.isEmpty && !en.isEmpty }
            }
            return false
        }
        let grouped = OverlayRequest(
            relation: .intersects, groupBy: [.init(.target, "name"), .init(.overlay, "name")],
            aggregates: [.distinct(.init(.overlay, "name"))])
        #expect(refused(grouped) { $0.groups = 60 })
        #expect(refused(grouped) { $0.groups = 20 })
        #expect(refused(grouped) { $0.overlayVertices = 100 })
        #expect(refused(grouped) { $0.remembered = 100 })
        #expect(!refused(grouped) { _ in })
    }

    @Test func `a deadline that has passed and a client that has gone end the work`() throws {
        let sample = try SampleLayer(count: 300, seed: 2) { latticeGeometry(&$0) }
        let request = OverlayRequest(relation: .intersects)
        #expect(throws: QueryError.overdue) {
            try sample.publicSource.overlay(sample.publicSource, request, deadline: Deadline(seconds: -1))
        }
        let cancelled = Deadline(seconds: nil)
        #expect(throws: QueryError.cancelled) {
            try sample.publicSource.overlay(sample.publicSource, request, deadline: cancelled) { _ in cancelled.cancel() }
        }
    }

    @Test func `progress rises to one`() throws {
        let sample = try SampleLayer(count: 300, seed: 2) { latticeGeometry(&$0) }
        var fractions: [Double] = []
        _ = try sample.publicSource.overlay(sample.publicSource, OverlayRequest(relation: .intersects), deadline: never) {
            fractions.append($0)
        }
        #expect(fractions.last == 1 && fractions == fractions.sorted())
    }
}
