import Foundation
import Geo
import GeoNative
import Testing

/// The same 3,853 shops of Tokyo in four reference systems (gis-oer/datasets, converted by its authors): a check of both zone and datum.
@Suite struct DatumCheckTests {
    /// The points of a shapefile inside the archive, by `ogr2ogr` as the witness; nil where it or the data are not installed.
    private func points(_ layer: String) throws -> [Double]? {
        let root = ProcessInfo.processInfo.environment["KASANE_SHARED_DATA"] ?? "../shared/data"
        let archive = URL(fileURLWithPath: root).appendingPathComponent("japan/shapefiles/tokyo23ku-cvs.zip").path
        guard FileManager.default.fileExists(atPath: archive), FileManager.default.fileExists(atPath: "/usr/bin/ogr2ogr") else {
            return nil
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ogr2ogr")
        process.arguments = [
            "-f", "CSV", "/vsistdout/", "/vsizip/\(archive)/tokyo23ku-cvs/\(layer).shp", "-lco", "GEOMETRY=AS_XY", "-select", "",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        var numbers: [Double] = []
        for line in text.split(whereSeparator: \.isNewline).dropFirst() {
            let cells = line.split(separator: ",").prefix(2).compactMap { Double($0) }
            guard cells.count == 2 else { continue }
            numbers += cells
        }
        return numbers
    }

    @Test func `the same shops in four systems come to the same places`() throws {
        guard let reference = try points("tokyo23ku-cvs_jgd2000") else {
            if ProcessInfo.processInfo.environment["KASANE_STRICT"] == "1" { Issue.record("the shared data or ogr2ogr are not here") }
            print("skipped: the shared data or ogr2ogr are not here")
            return
        }
        #expect(reference.count == 2 * 3853)
        for (layer, code, tolerance) in [
            ("tokyo23ku-cvs_jgd2000_9kei", "2451", 0.02), ("tokyo23ku-cvs_tokyo", "4301", 9.0), ("tokyo23ku-cvs_tokyo_9kei", "30169", 9.0),
        ] {
            var numbers = try #require(try points(layer))
            #expect(numbers.count == reference.count)
            let transform = try CoordinateTransform(from: .registered(authority: "EPSG", code: code))
            #expect(transform.transform(&numbers) == 0)
            var worst = 0.0
            for i in stride(from: 0, to: numbers.count, by: 2) {
                let east = (numbers[i] - reference[i]) * 90_400
                let north = (numbers[i + 1] - reference[i + 1]) * 110_950
                worst = max(worst, (east * east + north * north).squareRoot())
            }
            #expect(worst < tolerance, "\(layer): \(worst) m")
        }
    }
}
