import Foundation
import Geo
import TestKit
import Testing

@Suite struct WebMercatorTests {
    /// Guidance note 7-2, method 1024: 24°22′54.433″N 100°20′00.000″W is E −11,169,055.58 m, N 2,800,000.00 m.
    @Test func `the example of the guidance note`() {
        let world = WebMercator.project(longitude: -(100 + 20.0 / 60), latitude: 24 + 22.0 / 60 + 54.433 / 3600)
        let metres = 2 * Double.pi * 6_378_137 / WebMercator.worldSize
        #expect(abs(Double(world.x) * metres - -11_169_055.58) < 0.02)
        #expect(abs(-Double(world.y) * metres - 2_800_000.00) < 0.02)
    }

    @Test func `edges of the world are clamped`() {
        #expect(WebMercator.project(longitude: 180, latitude: 0).x == .max)
        #expect(WebMercator.project(longitude: -180, latitude: 0).x == .min)
        #expect(WebMercator.project(longitude: 0, latitude: 90).y == WebMercator.project(longitude: 0, latitude: 85.06).y)
        #expect(WebMercator.project(longitude: 0, latitude: -90).y == .max)
    }

    @Test func `there and back is within a unit`() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<10_000 {
            let place = Point(x: Double.random(in: -180...180, using: &generator), y: Double.random(in: -85...85, using: &generator))
            let world = WebMercator.project(longitude: place.x, latitude: place.y)
            let back = WebMercator.unproject(x: Double(world.x), y: Double(world.y))
            #expect(abs(back.x - place.x) < 1e-7 && abs(back.y - place.y) < 1e-7)
        }
    }
}

@Suite struct TileCoordinateTests {
    @Test func `numbers that are no tile are refused before any arithmetic`() {
        for (zoom, column, row) in [(-1, 0, 0), (23, 0, 0), (64, 0, 0), (.max, .max, .max), (3, 8, 0), (3, 0, 8), (3, -1, 0), (0, 0, .min)]
        {
            #expect(TileCoordinate(zoom: zoom, column: column, row: row) == nil)
        }
    }

    @Test func `tiles of a zoom cover the world without gap`() throws {
        for zoom in 0...4 {
            for column in 0..<(1 << zoom) {
                let tile = try #require(TileCoordinate(zoom: zoom, column: column, row: 0))
                #expect(tile.minX == Int64(column) * tile.side - (1 << 31))
                #expect(abs(tile.envelope().minX - (-180 + 360 * Double(column) / Double(1 << zoom))) < 1e-9)
            }
        }
        let world = try #require(TileCoordinate(zoom: 0, column: 0, row: 0)).envelope(buffer: 0.1)
        #expect(world.minX == -180 && world.maxX == 180 && abs(world.maxY - WebMercator.latitudeLimit) < 1e-9)
    }
}

@Suite struct DayTests {
    @Test func `days agree with Foundation's calendar`() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0)!
        for days in stride(from: Int32(-100_000), through: 100_000, by: 37) {
            let parts = calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: Double(days) * 86400))
            let civil = Day(daysSince1970: days).civil
            #expect(civil.year == parts.year && civil.month == parts.month && civil.day == parts.day)
            #expect(Day(year: civil.year, month: civil.month, day: civil.day)?.daysSince1970 == days)
        }
    }

    @Test func `days that are not are refused`() {
        for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0), (10_000, 1, 1)] {
            #expect(Day(year: year, month: month, day: day) == nil)
        }
        #expect(Day(year: 2000, month: 2, day: 29) != nil)
    }
}
