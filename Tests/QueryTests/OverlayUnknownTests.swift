import CQL2
import Descriptions
import FoundationEssentials
import Geo
import LayerStore
import TestKit
import Testing

@testable import Query

/// Unknown is never shown as safe: what an overlay cannot know goes with its table.
@Suite struct OverlayUnknownTests {
    private let folder: TemporaryFolder
    private let houses: RowSource

    init() throws {
        folder = try TemporaryFolder()
        houses = try OverlayUnknownTests.layer(folder, "houses", (0..<10).map { .point(140 + 0.01 * Double($0), 37) })
    }

    private static func layer(
        _ folder: TemporaryFolder, _ name: String, _ geometries: [Geometry?], facts: LayerFacts = LayerFacts(), ranks: [Int64?]? = nil
    ) throws -> RowSource {
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: [Attribute(name: "rank", type: .integer)]), scratch: scratch.url)
        for (i, geometry) in geometries.enumerated() {
            if let rank = ranks.map({ $0[i] }) ?? Int64(i) { builder.set(0, integer: rank) }
            var rounded = geometry
            rounded?.roundToStorage()
            try builder.endFeature(geometry: rounded, sourceRow: UInt64(i))
        }
        let url = folder.path(name + ".layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: facts)
        return RowSource(layer: name, file: try LayerFile.open(url), columns: [0])
    }

    private static func box(_ minX: Double, _ maxX: Double) -> Geometry {
        .polygon([
            [(minX, 36.9), (maxX, 36.9), (maxX, 37.1), (minX, 37.1), (minX, 36.9)].map { Point(x: $0.0, y: $0.1) }
        ])
    }

    private func notes(_ facts: LayerFacts, isHazard: Bool, _ zones: [Geometry?] = [box(139.995, 140.025)]) throws -> [OverlayResult.Note] {
        let zone = try OverlayUnknownTests.layer(folder, "zone\(UInt64.random(in: 0 ... .max))", zones, facts: facts)
        let hazard = isHazard ? HazardDescription(kind: "flood") : nil
        let result = try houses.overlay(zone, OverlayRequest(relation: .intersects), hazard: hazard, deadline: Deadline(seconds: nil))
        #expect(result.rows == [[.integer(3)]] && result.unmatchedCount == 7)
        return result.notes
    }

    private func codes(_ notes: [OverlayResult.Note]) -> [String] { notes.map { "\($0.code.rawValue) \($0.features ?? -1)" } }

    private static func coverage(_ boxes: Geometry...) -> [CoverageArea] {
        boxes.map { box in
            var bytes: [UInt8] = []
            WKBWriter.write(box, to: &bytes)
            return CoverageArea(wkb: Data(bytes))
        }
    }

    @Test func `of a layer that is no hazard everything is known`() throws {
        #expect(try notes(LayerFacts(), isHazard: false) == [])
    }

    @Test func `without a survey, houses outside of the hazard are not known to be safe`() throws {
        let notes = try notes(LayerFacts(), isHazard: true)
        #expect(codes(notes) == ["no-coverage 7"])
        #expect(notes[0].side == .overlay && notes[0].text.text("ja") != notes[0].text.text("en"))
    }

    @Test func `houses outside of the survey are counted`() throws {
        var facts = LayerFacts()
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.045))
        #expect(try codes(notes(facts, isHazard: true)) == ["not-surveyed 5"])
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.045), OverlayUnknownTests.box(140.065, 140.2))
        #expect(try codes(notes(facts, isHazard: true)) == ["not-surveyed 2"])
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.2))
        #expect(try codes(notes(facts, isHazard: true)) == [])
        // What cannot be read covers nothing.
        facts.coverage = [CoverageArea(wkb: Data([1, 2, 3]))]
        #expect(try codes(notes(facts, isHazard: true)) == ["no-coverage 7"])
    }

    @Test func `where features are missing, nothing is known, even of houses that lie in another`() throws {
        var facts = LayerFacts()
        facts.unknownAreas = [Envelope(minX: 140.015, minY: 36.95, maxX: 140.035, maxY: 37.05)]
        facts.rejectedCount = 1
        #expect(try codes(notes(facts, isHazard: false)) == ["incomplete 2"])
        facts.unknownEverywhere = true
        #expect(try codes(notes(facts, isHazard: false)) == ["incomplete 10"])
        facts = LayerFacts()
        facts.rejectedCount = 4
        #expect(try codes(notes(facts, isHazard: false)) == ["incomplete -1"])
    }

    /// The notes about a hazard whose zone reaches from 139.995 to 140.025.
    private func notes(
        _ targets: [Geometry], _ relation: OverlayRequest.Relation, _ facts: LayerFacts,
        _ hazard: HazardDescription = HazardDescription(kind: "flood"), overlayFilter: String? = nil
    ) throws -> [String] {
        let zone = try OverlayUnknownTests.layer(
            folder, "zone\(UInt64.random(in: 0 ... .max))", [OverlayUnknownTests.box(139.995, 140.025)], facts: facts)
        let asking = try OverlayUnknownTests.layer(folder, "asking\(UInt64.random(in: 0 ... .max))", targets)
        let request = OverlayRequest(overlayFilter: try overlayFilter.map { try Expression(text: $0) }, relation: relation)
        return codes(try asking.overlay(zone, request, hazard: hazard, deadline: Deadline(seconds: nil)).notes)
    }

    @Test func `a survey of another river or scenario says nothing`() throws {
        var facts = LayerFacts()
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.2))
        let place = [Geometry.point(140.1, 37)]
        let flood = HazardDescription(kind: "flood", scenario: "L2", river: LocalizedText(ja: "見本川", en: "Mihon"))
        #expect(try notes(place, .intersects, facts, flood) == [])
        for (river, scenario, isKnown) in [
            ("見本川", "L2", true), ("Mihon", nil, true), ("支川", "L2", false), (nil, "L1", false), ("見本川", "", false),
        ] {
            facts.coverage[0].river = river
            facts.coverage[0].scenario = scenario
            #expect(try notes(place, .intersects, facts, flood) == (isKnown ? [] : ["no-coverage 1"]), "\(river ?? "-") \(scenario ?? "-")")
        }
        // Of several rivers each must have been surveyed.
        let rivers = HazardDescription(kind: "flood", riverAttribute: "river")
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.2), OverlayUnknownTests.box(139.9, 140.08))
        #expect(try notes(place, .intersects, facts, rivers) == ["no-coverage 1"])
        (facts.coverage[0].river, facts.coverage[1].river) = ("見本川", "支川")
        #expect(try notes(place, .intersects, facts, rivers) == ["not-surveyed 1"])
        #expect(try notes([.point(140.05, 37)], .intersects, facts, rivers) == [])
    }

    @Test func `what lies around counts as far as was asked for`() throws {
        var facts = LayerFacts()
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.1))
        // 45 m inside of the survey's edge.
        let edge = [Geometry.point(140.0995, 37)]
        #expect(try notes(edge, .intersects, facts) == [])
        #expect(try notes(edge, .distance(30), facts) == [])
        #expect(try notes(edge, .distance(500), facts) == ["not-surveyed 1"])
        #expect(try notes(edge, .nearest(1, within: 500), facts) == ["not-surveyed 1"])
        // The nearest is 6.6 km away: nearer ones may lie where nobody looked.
        #expect(try notes(edge, .nearest(1, within: nil), facts) == ["partly-surveyed 1"])
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139, 141))
        facts.unknownAreas = [Envelope(minX: 140.1, minY: 36.99, maxX: 140.11, maxY: 37.01)]
        facts.rejectedCount = 1
        #expect(try notes(edge, .intersects, facts) == ["incomplete -1"])
        #expect(try notes(edge, .distance(500), facts).contains("incomplete 1"))
    }

    @Test func `who is affected and reaches out of the survey is counted apart`() throws {
        var facts = LayerFacts()
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.1))
        func road(_ to: Double) -> [Geometry] { [.lineString([Point(x: 140, y: 37), Point(x: to, y: 37)])] }
        #expect(try notes(road(140.02), .intersects, facts) == [])
        #expect(try notes(road(140.05), .intersects, facts) == [])
        #expect(try notes(road(140.15), .intersects, facts) == ["partly-surveyed 1"])
    }

    @Test func `a filter by class says how many it passes over for want of a class`() throws {
        var facts = LayerFacts()
        facts.coverage = OverlayUnknownTests.coverage(OverlayUnknownTests.box(139.9, 140.1))
        let flood = HazardDescription(kind: "flood", classAttribute: "rank")
        let place = [Geometry.point(140, 37)]
        #expect(try notes(place, .intersects, facts, flood, overlayFilter: "rank >= 3") == [])
        let zone = try OverlayUnknownTests.layer(
            folder, "unclassed", [OverlayUnknownTests.box(139.995, 140.025), nil], facts: facts, ranks: [nil, nil])
        for (filter, count) in [("rank >= 3", 2), ("area_m2(geometry) > 0", 0)] {
            let request = OverlayRequest(overlayFilter: try Expression(text: filter), relation: .intersects)
            let found = codes(try houses.overlay(zone, request, hazard: flood, deadline: Deadline(seconds: nil)).notes)
            #expect(found.contains("unknown-class 2") == (count == 2), "\(filter)")
        }
    }

    @Test func `features without a place are told on both sides`() throws {
        #expect(
            try codes(notes(LayerFacts(), isHazard: false, [OverlayUnknownTests.box(139.995, 140.025), nil, nil])) == ["no-geometry 2"])
        let lost = try OverlayUnknownTests.layer(folder, "lost", [nil, .point(140, 37)])
        let result = try lost.overlay(lost, OverlayRequest(relation: .intersects), deadline: Deadline(seconds: nil))
        #expect(result.rows == [[.integer(1)]] && result.targetCount == 1)
        #expect(codes(result.notes) == ["no-geometry 1", "no-geometry 1"])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `the side of a line is exact where plain arithmetic is not`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func whole(_ size: Int) -> Int { Int.random(in: -size...size, using: &generator) }
        for _ in 0..<500 {
            // Points on one line through the origin, one of them moved by a unit or not: as whole numbers, and as doubles that hold them exactly.
            let (x, y) = (whole(1 << 20), whole(1 << 20))
            let (a, b, p) = ((x * 3, y * 3), (x * 97_003, y * 97_003), (x * 1_003_331 + whole(1), y * 1_003_331 + whole(1)))
            let exact = Int128(b.0 - a.0) * Int128(p.1 - a.1) - Int128(b.1 - a.1) * Int128(p.0 - a.0)
            func double(_ value: Int) -> Double { Double(value) / Double(1 << 33) }
            let side = Orientation.side(double(a.0), double(a.1), double(b.0), double(b.1), double(p.0), double(p.1))
            #expect(side == (exact > 0 ? 1 : exact < 0 ? -1 : 0))
        }
    }
}
