import Access
import AtlasKit
import Descriptions
import Geo
import LayerAtlas
import Query
import TestKit
import Testing

@testable import HazardAnswer

private func report(_ office: Office, _ x: Double, _ y: Double) throws -> HazardReport {
    try HazardFinder(atlas: office.atlas, engine: QueryEngine())
        .report(at: Point(x: x, y: y), for: .publicViewer, deadline: Deadline(seconds: nil))
}

private let shelters = LayerDescription(id: "shelters", title: LocalizedText(ja: "避難場所"), theme: "shelter", access: .public)

@Test(arguments: 0..<10)
func `the nearest shelters are those that a look at all of them finds`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let office = try Office()
    let spread = [0.01, 0.3, 8.0][Int(seed % 3)]
    let places = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
        Point(x: 140 + Double.random(in: 0...spread, using: &random), y: 37 + Double.random(in: 0...spread, using: &random))
    }
    try office.load(
        shelters, attributes: [Attribute(name: "name", type: .text)],
        rows: places.enumerated().map { Office.Row(.point($1.x, $1.y), [.text("\($0)")]) })
    for _ in 0..<20 {
        let place = Point(x: 140 + Double.random(in: 0...spread, using: &random), y: 37 + Double.random(in: 0...spread, using: &random))
        let found = try report(office, place.x, place.y).shelters
        let all = places.compactMap { Geometry.point($0.x, $0.y).nearest(to: place)?.distance }.sorted()
        #expect(found.count == min(5, places.count))
        for (shelter, distance) in zip(found, all) { #expect(abs(shelter.distance - distance) < 0.1) }
    }
}

@Test func `distances are those of the ellipsoid`() throws {
    // 1 degree of latitude and of longitude at 35° and 36° north: 110,941 m and 91,288 m (GRS80, Vincenty's formula).
    let north = try #require(Geometry.point(140, 35.5).nearest(to: Point(x: 140, y: 35)))
    #expect(abs(north.distance - 55_468) < 25)
    let east = try #require(Geometry.point(140.5, 35).nearest(to: Point(x: 140, y: 35)))
    #expect(abs(east.distance - 45_644) < 25)
}

@Test func `a line or area is as far as its nearest point`() throws {
    let line = Geometry.lineString([Point(x: 140, y: 37), Point(x: 141, y: 37)])
    let near = try #require(line.nearest(to: Point(x: 140.5, y: 37.001)))
    #expect(abs(near.distance - 111) < 1 && abs(near.point.x - 140.5) < 1e-9)
    #expect(Geometry.box(140, 37, 141, 38).nearest(to: Point(x: 140.5, y: 37.5))?.distance == 0)
    #expect(Geometry(kind: .polygon).nearest(to: Point(x: 0, y: 0)) == nil)
}

@Test func `a shelter says for which hazards it is designated, and nothing of others`() throws {
    let office = try Office()
    try office.load(
        shelters,
        attributes: [
            Attribute(name: "name", type: .text), Attribute(name: "name_en", type: .text), Attribute(name: "flood", type: .integer),
            Attribute(name: "storm_surge", type: .text), Attribute(name: "landslide", type: .integer),
        ], rows: [Office.Row(.point(140, 37), [.text("第一小学校"), .text("First School"), .integer(1), .text("○"), .null])])
    let found = try report(office, 140, 37.01).shelters
    #expect(found.first?.name == LocalizedText(ja: "第一小学校", en: "First School"))
    #expect(found.first?.json["designated"]?.string == #"{"flood":true,"landslide":false,"storm-surge":true}"#)
    #expect(found.first?.json["distance"] == .number(1110))
}

@Test func `inside a flood no shelter is offered that is not for floods`() throws {
    let office = try Office()
    // Every fourth is for floods; the place is 300 m and more from the nearest of them.
    try office.load(
        shelters, attributes: [Attribute(name: "flood", type: .integer)],
        rows: (0..<40).map { Office.Row(.point(140 + Double($0) * 0.001, 37), [$0 % 4 == 3 ? .integer(1) : .null]) })
    #expect(try report(office, 140, 37).shelters.map { $0.designated.first?.isDesignated } == [false, false, false, true, false])
    let flood = LayerDescription(
        id: "flood", title: LocalizedText(ja: "洪水"), theme: "hazard", access: .public, hazard: HazardDescription(kind: "flood"))
    try office.load(flood, rows: [Office.Row(.box(139.99, 36.99, 140.01, 37.01))])
    let offered = try report(office, 140, 37).shelters
    #expect(offered.count == 5)
    #expect(offered.allSatisfy { $0.designated.first?.isDesignated == true })
    #expect(offered.map { ($0.distance / 89).rounded() } == [3, 7, 11, 15, 19])
}

@Test func `there are no shelters where no layer has any`() throws {
    let office = try Office()
    try office.load(
        LayerDescription(id: "roads", title: LocalizedText(ja: "道路"), access: .public), rows: [Office.Row(.point(140, 37))])
    #expect(try report(office, 140, 37).shelters.isEmpty)
}
