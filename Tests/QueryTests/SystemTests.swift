import CQL2
import Foundation
import Geo
import TestKit
import Testing

@testable import Query

@Suite struct SystemTests {
    let engine = QueryEngine()

    @Test func `there are CRS84 and 62 systems of EPSG, each known by its address`() throws {
        #expect(MapSystem.all.count == 63 && Set(MapSystem.all).count == 63)
        for system in MapSystem.all { #expect(MapSystem(system.uri) == system) }
        #expect(MapSystem("EPSG:6677")?.uri == "http://www.opengis.net/def/crs/EPSG/0/6677")
        #expect(MapSystem("[EPSG:3857]")?.code == 3857)
        for text in [
            "", "EPSG:", "6677", "EPSG:32654", "http://www.opengis.net/def/crs/EPSG/0/06677", "http://www.opengis.net/def/crs/EPSG/0/6677/",
            "http://evil.example/def/crs/EPSG/0/6677", "EPSG:６６７７", "http://www.opengis.net/def/crs/OGC/1.3/CRS83",
        ] { #expect(MapSystem(text) == nil, "\(text)") }
    }

    @Test func `axes are in the order of the authority`() {
        for code in [4326, 6668, 6677, 4612, 2451, 4301, 30169] { #expect(MapSystem("EPSG:\(code)")?.isNorthFirst == true, "\(code)") }
        #expect(MapSystem("EPSG:3857")?.isNorthFirst == false && !MapSystem.crs84.isNorthFirst)
    }

    @Test func `a box in latitude and longitude is the same box, over the antimeridian too`() throws {
        let system = try #require(MapSystem("EPSG:4326"))
        #expect(
            try engine.area(first: (35, 139), second: (36, 140), in: system) == .box(BoxArea(west: 139, south: 35, east: 140, north: 36)!))
        #expect(
            try engine.area(first: (65, 177), second: (70, -177), in: system) == .box(BoxArea(west: 177, south: 65, east: -177, north: 70)!)
        )
        #expect(try engine.area(first: (36, 139), second: (35, 140), in: system) == nil)
        #expect(try engine.area(first: (35, 139), second: (91, 140), in: system) == nil)
    }

    @Test func `a box in Web Mercator is a box, cut off where the world ends`() throws {
        let system = try #require(MapSystem("EPSG:3857"))
        guard case .box(let area) = try engine.area(first: (15_550_408.91, 4_257_980.73), second: (15_600_000, 4_300_000), in: system)
        else {
            Issue.record("not a box")
            return
        }
        let radius = 6_378_137.0
        #expect(abs(area.boxes[0].minX - 15_550_408.91 / radius * 180 / .pi) < 1e-9)
        #expect(abs(area.boxes[0].minY - atan(sinh(4_257_980.73 / radius)) * 180 / .pi) < 1e-9)
        guard case .box(let world) = try engine.area(first: (-3e7, -9e9), second: (3e7, 9e9), in: system) else {
            Issue.record("not a box")
            return
        }
        #expect(world.boxes == [Envelope(minX: -180, minY: -90, maxX: 180, maxY: 90)])
        #expect(throws: QueryError.self) { try engine.area(first: (3e7, 0), second: (4e7, 1), in: system) }
    }

    /// 位置参照情報, 福島県本宮市岩根下桶126: zone IX, X 164065.1, Y 43616.6, latitude 37.477545, longitude 140.326492.
    @Test(arguments: ["EPSG:6677", "EPSG:2451"])
    func `a box of a plane zone goes north first, and lies where the published point lies`(name: String) throws {
        let system = try #require(MapSystem(name))
        guard
            case .outline(let outline) = try engine.area(
                first: (164_065.1 - 500, 43_616.6 - 500), second: (164_065.1 + 500, 43_616.6 + 500), in: system)
        else {
            Issue.record("not a polygon")
            return
        }
        let centre = outline.envelope.centre
        #expect(abs(centre.x - 140.326492) < 1e-5 && abs(centre.y - 37.477545) < 1e-5)
        #expect(outline.vertex(0) == outline.vertex(outline.vertexCount - 1) && outline.vertexCount > 16)
        // A kilometre is some 0.009 degrees of latitude.
        #expect(abs(outline.envelope.maxY - outline.envelope.minY - 0.009) < 0.0002)
    }

    @Test func `what a system has no places for is refused`() throws {
        for (name, box) in [
            ("EPSG:6677", (1e9, 1e9, 1.1e9, 1.1e9)), ("EPSG:2443", (-3e7, -3e7, 3e7, 3e7)), ("EPSG:4301", (35.0, 139.0, 95.0, 140.0)),
            ("EPSG:4612", (35.0, 139.0, 36.0, 200.0)),
        ] {
            let system = try #require(MapSystem(name))
            #expect(throws: QueryError.self, "\(name)") { try engine.area(first: (box.0, box.1), second: (box.2, box.3), in: system) }
        }
    }

    @Test func `the Tokyo datum lies some 450 m off, and comes back`() throws {
        let system = try #require(MapSystem("EPSG:4301"))
        guard case .outline(let outline) = try engine.area(first: (35.6, 139.7), second: (35.7, 139.8), in: system) else {
            Issue.record("not a polygon")
            return
        }
        let corner = outline.vertex(0)
        #expect(abs(corner.x - 139.7 + 0.0032) < 0.0005 && abs(corner.y - 35.6 - 0.0032) < 0.0005)
    }

    @Test func `places of a filter are moved from its system`() throws {
        let filter = try Expression(text: "S_INTERSECTS(geometry, POINT(36 139.5)) OR S_WITHIN(geometry, BBOX(35, 139, 36, 140))")
        let moved = try engine.filter(filter, in: #require(MapSystem("EPSG:4326")))
        let expected = try Expression(text: "S_INTERSECTS(geometry, POINT(139.5 36)) OR S_WITHIN(geometry, BBOX(139, 35, 140, 36))")
        #expect(moved == expected)
        #expect(try engine.filter(filter, in: .crs84) == filter)
    }
}
