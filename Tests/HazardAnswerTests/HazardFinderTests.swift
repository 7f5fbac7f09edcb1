import AtlasKit
import Descriptions
import Foundation
import GRDB
import Geo
import LayerAtlas
import LayerStore
import Query
import Testing

@testable import Access
@testable import HazardAnswer
@testable import LayerCatalog

private let mihon = LocalizedText(ja: "見本川", en: "Mihon River")
private let member = Viewer(name: "key", keyID: "0", departments: [], mayReadInternal: true, mayReadEverything: false)
private let rank = [Attribute(name: "rank", type: .integer)]

private func flood(_ id: String = "flood", _ access: LayerAccess = .public, scenario: String = "L2") -> LayerDescription {
    LayerDescription(
        id: id, title: LocalizedText(ja: "洪水"), theme: "hazard", access: access, baseDate: Day(year: 2024, month: 3, day: 31),
        attribution: LocalizedText(ja: "見本市"),
        hazard: HazardDescription(kind: "flood", scenario: scenario, river: mihon, scheme: "depth-6", classAttribute: "rank"))
}

private func facts(_ areas: Geometry..., river: String? = nil, scenario: String? = nil) -> LayerFacts {
    var facts = LayerFacts()
    facts.coverage = areas.map { CoverageArea(river: river, scenario: scenario, wkb: $0.wkb) }
    return facts
}

private func ask(_ office: Office, _ x: Double, _ y: Double, _ viewer: Viewer = .publicViewer) throws -> [HazardEntry] {
    try HazardFinder(atlas: office.atlas, engine: QueryEngine())
        .report(at: Point(x: x, y: y), for: viewer, deadline: Deadline(seconds: nil)).hazards
}

private func loadFlood(_ office: Office, _ facts: LayerFacts, as description: LayerDescription = flood()) throws {
    try office.load(
        description, attributes: rank,
        rows: [
            Office.Row(.box(140.1, 37.1, 140.3, 37.3), [.integer(2)]), Office.Row(.box(140.2, 37.2, 140.4, 37.4), [.integer(4)]),
        ], facts: facts)
}

@Test func `a place is inside, outside where it was surveyed, and unknown elsewhere`() throws {
    let office = try Office()
    try loadFlood(office, facts(.box(140, 37, 140.5, 37.5)))
    for (x, y, status, class_) in [
        (140.15, 37.15, HazardStatus.inside, 2), (140.25, 37.25, .inside, 4), (140.35, 37.35, .inside, 4),
        (140.1, 37.1, .inside, 2), (140.3, 37.2, .inside, 4), (140.45, 37.45, .outside, nil), (140, 37, .outside, nil),
        (140.6, 37.2, .unknown, nil), (139, 35, .unknown, nil),
    ] as [(Double, Double, HazardStatus, Int?)] {
        let found = try ask(office, x, y)
        #expect(found.count == 1)
        #expect(found[0].status == status, "\(x) \(y)")
        #expect(found[0].found?.hazardClass.rank == class_, "\(x) \(y)")
        #expect((found[0].reason != nil) == (status == .unknown))
    }
    #expect(try ask(office, 140.25, 37.25)[0].features.count == 2)
}

@Test func `the answer has the members and values of the interface`() throws {
    let office = try Office()
    try loadFlood(office, facts(.box(140, 37, 140.5, 37.5)))
    try office.catalogue.setTown(TownDescription(hazards: [ExpectedHazard(kind: "inland-flood")]))
    try office.atlas.refresh()
    let report = try HazardFinder(atlas: office.atlas, engine: QueryEngine())
        .report(at: Point(x: 140.15, y: 37.15), for: .publicViewer, deadline: Deadline(seconds: nil))
    let expected = [
        ##"{"point":[140.15,37.15],"hazards":[{"layer":"flood","title":{"ja":"洪水"},"kind":"flood","scenario":"L2","##,
        ##""river":{"ja":"見本川","en":"Mihon River"},"status":"inside","class":{"scheme":"depth-6","rank":2,"min":0.5,"max":3,"##,
        ##""unit":"m","label":{"ja":"0.5m以上3.0m未満","en":"0.5 to 3.0 m"},"color":"#FFD8C0","pattern":"dots"},"##,
        ##""features":["1"],"baseDate":"2024-03-31","attribution":{"ja":"見本市"}},{"layer":null,"kind":"inland-flood","##,
        ##""scenario":null,"river":null,"status":"unknown","reason":"not-loaded","class":null,"features":[],"baseDate":null,"##,
        ##""attribution":null}],"shelters":[]}"##,
    ].joined()
    #expect(report.json.string == expected)
}

@Test func `without coverage nothing is outside`() throws {
    let office = try Office()
    try loadFlood(office, LayerFacts())
    #expect(try ask(office, 140.45, 37.45).map(\.status) == [.unknown])
    #expect(try ask(office, 140.45, 37.45).map(\.reason) == [.noCoverage])
    #expect(try ask(office, 140.15, 37.15).map(\.status) == [.inside])
}

@Test func `coverage of another river or scenario does not count`() throws {
    let area = Geometry.box(140, 37, 140.5, 37.5)
    for (river, scenario, status) in [
        (nil, nil, HazardStatus.outside), ("見本川", "L2", .outside), ("Mihon River", nil, .outside), ("見取川", nil, .unknown),
        (nil, "L1", .unknown), ("見本川", "L1", .unknown),
    ] {
        let office = try Office()
        try loadFlood(office, facts(area, river: river, scenario: scenario))
        #expect(try ask(office, 140.45, 37.45).map(\.status) == [status], "\(river ?? "") \(scenario ?? "")")
    }
}

@Test func `features that could not be loaded leave their place unknown`() throws {
    var some = facts(.box(140, 37, 140.5, 37.5))
    some.unknownAreas = [Envelope(minX: 140.4, minY: 37, maxX: 140.5, maxY: 37.1)]
    let office = try Office()
    try loadFlood(office, some)
    #expect(try ask(office, 140.45, 37.05).map(\.reason) == [.incomplete])
    #expect(try ask(office, 140.4, 37.1).map(\.reason) == [.incomplete])
    #expect(try ask(office, 140.45, 37.45).map(\.status) == [.outside])
    some.unknownEverywhere = true
    try loadFlood(office, some)
    #expect(try ask(office, 140.45, 37.45).map(\.reason) == [.incomplete])
    #expect(try ask(office, 140.15, 37.15).map(\.status) == [.inside])
}

@Test func `a feature without a place, or without an area, forbids to say outside`() throws {
    for row in [Office.Row(nil, [.integer(1)]), Office.Row(.lineString([Point(x: 140, y: 37), Point(x: 141, y: 38)]), [.integer(1)])] {
        let office = try Office()
        try office.load(flood(), attributes: rank, rows: [row], facts: facts(.box(140, 37, 140.5, 37.5)))
        #expect(try ask(office, 140.45, 37.1).map(\.status) == [.unknown])
    }
}

@Test func `coverage that cannot be read covers nothing`() throws {
    let office = try Office()
    var broken = LayerFacts()
    broken.coverage = [CoverageArea(wkb: Data([1, 3, 0, 0, 0, 255, 255, 255, 255])), CoverageArea(wkb: Data())]
    try loadFlood(office, broken)
    #expect(try ask(office, 140.45, 37.45).map(\.status) == [.unknown])
}

@Test func `a damaged or missing file is unknown, not absent`() throws {
    let office = try Office()
    try loadFlood(office, facts(.box(140, 37, 140.5, 37.5)))
    let version = try office.atlas.layer("flood", for: .publicViewer).version
    try office.damage("flood", version: version)
    let atlas = try LayerAtlas(dataDirectory: office.folder.url, catalogue: office.catalogue)
    let finder = HazardFinder(atlas: atlas, engine: QueryEngine())
    for x in [140.15, 140.45] {
        let found = try finder.report(at: Point(x: x, y: 37.15), for: .publicViewer, deadline: Deadline(seconds: nil)).hazards
        #expect(found.map(\.status) == [.unknown])
        #expect(found.map(\.reason) == [.unreadable])
        #expect(found.map(\.layer) == ["flood"])
    }
}

@Test func `what the town answers for is never left out`() throws {
    let office = try Office()
    try loadFlood(office, facts(.box(140, 37, 140.5, 37.5)), as: flood("flood", .internal))
    try office.catalogue.setTown(
        TownDescription(hazards: [
            ExpectedHazard(kind: "flood", scenario: "L2", river: mihon), ExpectedHazard(kind: "flood", scenario: "L1", river: mihon),
            ExpectedHazard(kind: "landslide"),
        ]))
    try office.atlas.refresh()
    let seen = try ask(office, 140.15, 37.15)
    #expect(seen.map(\.status) == [.unknown, .unknown, .unknown])
    #expect(seen.allSatisfy { $0.layer == nil && $0.reason == .notLoaded })
    let known = try ask(office, 140.15, 37.15, member)
    #expect(known.map(\.status) == [.inside, .unknown, .unknown])
    #expect(known.map(\.layer) == ["flood", nil, nil])
}

@Test func `an unknown class is never a lesser one`() throws {
    for (values, class_) in [
        ([.null], nil), ([.integer(9)], nil), ([.integer(2), .null], nil), ([.integer(6), .null], 6), ([.integer(1), .integer(3)], 3),
    ] as [([AttributeValue], Int?)] {
        let office = try Office()
        try office.load(
            flood(), attributes: rank, rows: values.map { Office.Row(.box(140, 37, 141, 38), [$0]) }, facts: facts(.box(140, 37, 141, 38)))
        let found = try ask(office, 140.5, 37.5)
        #expect(found.map(\.status) == [.inside])
        #expect(found[0].found?.hazardClass.rank == class_)
    }
}

@Test func `a class in words is told in its own words`() throws {
    let office = try Office()
    try office.load(
        flood(), attributes: [Attribute(name: "rank", type: .text)], rows: [Office.Row(.box(140, 37, 141, 38), [.text("0.3m以上1.0m未満")])])
    let found = try ask(office, 140.5, 37.5)
    #expect(found[0].found == nil && found[0].value == "0.3m以上1.0m未満")
}

@Test func `a special zone over its warning zone is told as the special one`() throws {
    let office = try Office()
    let description = LayerDescription(
        id: "slides", title: LocalizedText(ja: "土砂"), theme: "hazard", access: .public,
        hazard: HazardDescription(kind: "landslide", scheme: "landslide", classAttribute: "zone", phenomenonAttribute: "what"))
    let box = Geometry.box(140, 37, 141, 38)
    try office.load(
        description, attributes: [Attribute(name: "what", type: .integer), Attribute(name: "zone", type: .integer)],
        rows: [Office.Row(box, [.integer(2), .integer(1)]), Office.Row(box, [.integer(2), .integer(2)])])
    let found = try ask(office, 140.5, 37.5)
    #expect(found[0].found?.hazardClass.label.text("ja") == "土石流 特別警戒区域")
    #expect(found[0].found?.hazardClass.color.description == "#A50021")
}

private func rivers(_ access: Visibility = .public) -> LayerDescription {
    LayerDescription(
        id: "rivers", title: LocalizedText(ja: "洪水"), theme: "hazard", access: .public,
        attributes: [AttributeDescription(name: "river", visibility: access)],
        hazard: HazardDescription(kind: "flood", scenario: "L2", riverAttribute: "river", scheme: "depth-6", classAttribute: "rank"))
}

private func loadRivers(_ office: Office, _ description: LayerDescription = rivers(), extra: [Office.Row] = []) throws {
    var facts = LayerFacts()
    facts.coverage = [
        CoverageArea(river: "甲川", scenario: "L2", wkb: Geometry.box(140, 37, 140.5, 38).wkb),
        CoverageArea(river: "乙川", scenario: "L2", wkb: Geometry.box(140.4, 37, 141, 38).wkb),
        CoverageArea(river: "丙川", wkb: Geometry.box(140, 37, 140.1, 38).wkb),
        CoverageArea(wkb: Geometry.box(130, 30, 150, 40).wkb),
    ]
    try office.load(
        description, attributes: [Attribute(name: "river", type: .text)] + rank,
        rows: [
            Office.Row(.box(140.2, 37, 140.3, 38), [.text("甲川"), .integer(1)]),
            Office.Row(.box(140.6, 37, 140.7, 38), [.text("乙川"), .integer(2)]),
            Office.Row(.box(142, 37, 143, 38), [.text("丁川"), .integer(2)]),
        ] + extra, facts: facts)
}

@Test func `each river of a layer has its own answer`() throws {
    let office = try Office()
    try loadRivers(office)
    func answers(_ x: Double) throws -> [String: HazardStatus] {
        let found = try ask(office, x, 37.5)
        return Dictionary(uniqueKeysWithValues: found.map { ($0.river?.text("ja") ?? "", $0.status) })
    }
    #expect(try answers(140.05) == ["甲川": .outside, "乙川": .unknown, "丙川": .outside, "丁川": .unknown])
    #expect(try answers(140.25) == ["甲川": .inside, "乙川": .unknown, "丙川": .unknown, "丁川": .unknown])
    #expect(try answers(140.45) == ["甲川": .outside, "乙川": .outside, "丙川": .unknown, "丁川": .unknown])
    #expect(try answers(140.65) == ["甲川": .unknown, "乙川": .inside, "丙川": .unknown, "丁川": .unknown])
    #expect(try answers(145) == ["甲川": .unknown, "乙川": .unknown, "丙川": .unknown, "丁川": .unknown])
    #expect(try ask(office, 140.65, 37.5)[0].river?.text("ja") == "乙川")
}

@Test func `a feature of an unnamed river lets no river be outside`() throws {
    let office = try Office()
    try loadRivers(office, extra: [Office.Row(.box(140.4, 37, 140.5, 38), [.null, .integer(3)])])
    let found = try ask(office, 140.45, 37.5)
    #expect(found[0].status == .inside && found[0].river == nil)
    #expect(found.dropFirst().allSatisfy { $0.status == .unknown })
    // The same where the viewer may not see whose river it is.
    try loadRivers(office, rivers(.internal))
    let hidden = try ask(office, 140.25, 37.5)
    #expect(hidden[0].status == .inside && hidden[0].river == nil)
    #expect(hidden.dropFirst().allSatisfy { $0.status == .unknown })
}

@Test func `a coverage layer tells what was surveyed, to those who may see it`() throws {
    let office = try Office()
    var description = flood()
    description.hazard?.coverage = .layer("surveyed")
    try loadFlood(office, LayerFacts(), as: description)
    #expect(try ask(office, 140.45, 37.45).map(\.reason) == [.noCoverage])
    for (access, reason) in [(LayerAccess.public, nil), (.internal, UnknownReason.noCoverage)] {
        try office.load(
            LayerDescription(id: "surveyed", title: LocalizedText(ja: "調査範囲"), access: access),
            attributes: [Attribute(name: "scenario", type: .text)],
            rows: [Office.Row(.box(140.4, 37, 140.5, 38), [.text("L2")]), Office.Row(.box(140.5, 37, 140.6, 38), [.text("L1")])])
        #expect(try ask(office, 140.45, 37.45).map(\.reason) == [reason])
        #expect(try ask(office, 140.55, 37.45)[0].status == .unknown)
    }
    #expect(try ask(office, 140.45, 37.45, member).map(\.status) == [.outside])
}

@Test func `a coverage layer of another river, or of a scenario that the viewer does not see, is not one of all`() throws {
    let office = try Office()
    var description = flood()
    description.hazard?.coverage = .layer("surveyed")
    try loadFlood(office, LayerFacts(), as: description)
    var surveyed = LayerDescription(
        id: "surveyed", title: LocalizedText(ja: "調査範囲"), access: .public,
        attributes: [
            AttributeDescription(name: "river", visibility: .internal), AttributeDescription(name: "scenario", visibility: .internal),
        ])
    let attributes = [Attribute(name: "river", type: .text), Attribute(name: "scenario", type: .text), Attribute(name: "odd", type: .real)]
    let values: [([AttributeValue], HazardStatus)] = [
        ([.text("見本川"), .text("L2"), .null], .outside), ([.text("Mihon River"), .null, .null], .outside),
        ([.null, .null, .null], .outside),
        ([.text("支川"), .text("L2"), .null], .unknown), ([.text("見本川"), .text("L1"), .null], .unknown),
        ([.null, .text(""), .null], .unknown),
    ]
    let rows = values.enumerated().map { Office.Row(.box(141 + Double($0.offset), 37, 141.9 + Double($0.offset), 38), $0.element.0) }
    for isHidden in [true, false] {
        if !isHidden { surveyed.attributes = [] }
        try office.load(surveyed, attributes: attributes, rows: rows)
        for (place, (_, status)) in values.enumerated() {
            for viewer in [Viewer.publicViewer, member] {
                #expect(try ask(office, 141.5 + Double(place), 37.5, viewer).map(\.status) == [status], "\(place) \(isHidden)")
            }
        }
    }
    // A scenario that is no text is not understood.
    let numbers = [Attribute(name: "scenario", type: .real)]
    try office.load(surveyed, attributes: numbers, rows: [Office.Row(.box(141, 37, 142, 38), [.real(2)])])
    #expect(try ask(office, 141.5, 37.5).map(\.status) == [.unknown])
}

@Test func `a layer whose description cannot be read is unknown, not absent`() throws {
    let office = try Office()
    try loadFlood(office, facts(.box(130, 30, 150, 45)))
    try office.load(LayerDescription(id: "roads", title: LocalizedText(ja: "道路"), access: .public), rows: [Office.Row(.point(140, 37))])
    #expect(try ask(office, 140.15, 37.15).map(\.layer) == ["flood"])
    try office.catalogue.pool.write { try $0.execute(sql: "UPDATE version SET description = '{\"hazarc\":1}' WHERE layer = 'flood'") }
    let atlas = try LayerAtlas(dataDirectory: office.folder.url, catalogue: office.catalogue)
    let found = try HazardFinder(atlas: atlas, engine: QueryEngine())
        .report(at: Point(x: 140.15, y: 37.15), for: .publicViewer, deadline: Deadline(seconds: nil)).hazards
    #expect(found.map(\.layer) == ["flood"] && found.map(\.status) == [.unknown] && found.map(\.reason) == [.unreadable])
}

@Test func `the gravest comes first, and the unknown before what is outside`() throws {
    let office = try Office()
    let everywhere = facts(.box(130, 30, 150, 45))
    for (id, scenario, value, place) in [
        ("a", "outside", 6, 135.0), ("b", "shallow", 1, 140), ("c", "deep", 6, 140), ("d", "middle", 3, 140), ("e", "no class", 99, 140),
    ] {
        try office.load(
            flood(id, scenario: scenario), attributes: rank,
            rows: [Office.Row(.box(place, 37, place + 1, 38), [.integer(Int64(value))])], facts: everywhere)
    }
    try loadFlood(office, LayerFacts(), as: flood("f", scenario: "not surveyed"))
    #expect(
        try ask(office, 140.9, 37.9).map(\.scenario) == ["deep", "no class", "middle", "shallow", "not surveyed", "outside"])
}
