import Access
import AtlasKit
import Descriptions
import Foundation
import Geo
import HazardAnswer
import LayerAtlas
import LayerStore
import Query
import TestKit
import Testing

/// A hazard of boxes, made at random, and what is to be said of a place by the rules in their plainest form.
private struct RandomHazard {
    var description: LayerDescription
    var boxes: [Envelope] = []
    var coverage: [Envelope] = []
    var unknownAreas: [Envelope] = []
    var isUnknownEverywhere = false

    init(_ index: Int, using random: inout SeededGenerator) {
        let scenario = ["L1", "L2"][index % 2]
        description = LayerDescription(
            id: "flood-\(index)", title: LocalizedText(ja: "題"), theme: "hazard", access: Bool.random(using: &random) ? .public : .internal,
            hazard: HazardDescription(
                kind: "flood", scenario: scenario, river: LocalizedText(ja: "川\(index)"), scheme: "depth-6", classAttribute: "rank"))
        func boxes(_ count: ClosedRange<Int>) -> [Envelope] {
            (0..<Int.random(in: count, using: &random)).map { _ in
                // On a coarse grid, so that borders are often met.
                let (x, y) = (Int.random(in: 0..<8, using: &random), Int.random(in: 0..<8, using: &random))
                let (w, h) = (Int.random(in: 1...5, using: &random), Int.random(in: 1...5, using: &random))
                return Envelope(
                    minX: 140 + Double(x) / 10, minY: 37 + Double(y) / 10, maxX: 140 + Double(x + w) / 10, maxY: 37 + Double(y + h) / 10)
            }
        }
        self.boxes = boxes(0...3)
        coverage = boxes(0...3)
        unknownAreas = boxes(0...1)
        isUnknownEverywhere = Int.random(in: 0..<6, using: &random) == 0
    }

    func status(_ point: Point) -> HazardStatus {
        if boxes.contains(where: { $0.contains(point) }) { return .inside }
        if isUnknownEverywhere || unknownAreas.contains(where: { $0.contains(point) }) { return .unknown }
        return coverage.contains { $0.contains(point) } ? .outside : .unknown
    }

    func load(into office: Office, withCoverage: Bool) throws {
        var facts = LayerFacts()
        if withCoverage { facts.coverage = coverage.map { CoverageArea(wkb: Geometry($0).wkb) } }
        facts.unknownAreas = unknownAreas
        facts.unknownEverywhere = isUnknownEverywhere
        try office.load(
            description, attributes: [Attribute(name: "rank", type: .integer)],
            rows: boxes.enumerated().map { Office.Row(Geometry($1), [.integer(Int64(1 + $0 % 6))]) }, facts: facts)
    }
}

extension Geometry {
    fileprivate init(_ box: Envelope) { self = .box(box.minX, box.minY, box.maxX, box.maxY) }
}

@Test(arguments: 0..<20)
func `answers follow the plain rules, and without coverage nothing is outside`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let hazards = (0..<4).map { RandomHazard($0, using: &random) }
    let expected = (0..<6).map { index in
        ExpectedHazard(kind: "flood", scenario: ["L1", "L2"][index % 2], river: LocalizedText(ja: "川\(index)"))
    }
    let office = try Office()
    try office.catalogue.setTown(TownDescription(hazards: expected))
    for hazard in hazards { try hazard.load(into: office, withCoverage: true) }
    let finder = HazardFinder(atlas: office.atlas, engine: QueryEngine())
    let points = (0..<60).map { _ in
        Point(x: 140 + Double(Int.random(in: 0...28, using: &random)) / 20, y: 37 + Double(Int.random(in: 0...28, using: &random)) / 20)
    }
    func check(covered: Bool) throws {
        for point in points {
            for viewer in [Viewer.publicViewer, .commandLine] {
                let found = try finder.report(at: point, for: viewer, deadline: Deadline(seconds: nil)).hazards
                #expect(found.count == expected.count)
                // What the town answers for is there, whoever asks and whatever is loaded.
                for hazard in expected {
                    #expect(found.contains { hazard.isFulfilled(kind: $0.kind, scenario: $0.scenario, river: $0.river) })
                }
                for hazard in hazards {
                    let entry = found.first { $0.river == hazard.description.hazard?.river }
                    let isVisible = viewer == .commandLine || hazard.description.isPublic
                    let status = isVisible ? hazard.status(point) : .unknown
                    #expect(entry?.status == (covered || status == .inside ? status : .unknown), "\(hazard.description.id) \(point)")
                    #expect((entry?.found == nil) == (entry?.status != .inside))
                }
                let ranks = found.map { $0.status == .inside ? 0 : $0.status == .unknown ? 1 : 2 }
                #expect(ranks == ranks.sorted())
                if !covered { #expect(!found.contains { $0.status == .outside }) }
            }
        }
    }
    try check(covered: true)
    for hazard in hazards { try hazard.load(into: office, withCoverage: false) }
    try check(covered: false)
}
