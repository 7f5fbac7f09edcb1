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
        _ folder: TemporaryFolder, _ name: String, _ geometries: [Geometry?], facts: LayerFacts = LayerFacts()
    ) throws -> RowSource {
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: [Attribute(name: "rank", type: .integer)]), scratch: scratch.url)
        for (i, geometry) in geometries.enumerated() {
            builder.set(0, integer: Int64(i))
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
        let result = try houses.overlay(zone, OverlayRequest(relation: .intersects), isHazard: isHazard, deadline: Deadline(seconds: nil))
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
