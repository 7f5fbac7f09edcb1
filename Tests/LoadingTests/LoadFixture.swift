import Descriptions
import Foundation
import Geo
import LayerCatalog
import LayerStore
import TestKit
import Testing

@testable import Loading

/// A data directory and a folder of sources for one test.
final class LoadFixture {
    let folder: TemporaryFolder
    let catalogue: Catalogue

    init() throws {
        folder = try TemporaryFolder()
        catalogue = try Catalogue(directory: folder.path("data"))
    }

    /// The importer is built beside the tests; where it is not (an older build), tests that need it say so.
    static var hasImporter: Bool { (try? ImportJail.findImporter()) != nil }

    /// What cannot be tested here is a failure, not a skip.
    static var isStrict: Bool { ProcessInfo.processInfo.environment["KASANE_STRICT"] == "1" }

    /// The command, built beside the tests.
    static let command: URL? = {
        guard let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
        let file = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("kasane")
        return FileManager.default.isExecutableFile(atPath: file.path) && hasImporter ? file : nil
    }()

    func write(_ text: String, _ name: String) throws -> URL {
        let file = folder.path(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file
    }

    /// Each feature as (properties, geometry), both JSON text.
    func geoJSON(_ features: [(String, String)], _ name: String = "source.geojson") throws -> URL {
        let list = features.map { #"{"type":"Feature","properties":\#($0.0),"geometry":\#($0.1)}"# }
        return try write(#"{"type":"FeatureCollection","features":[\#(list.joined(separator: ",\n"))]}"#, name)
    }

    static func square(_ x: Double, _ y: Double, _ size: Double = 0.001) -> String {
        let corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)].map { "[\($0.0),\($0.1)]" }
        return #"{"type":"Polygon","coordinates":[[\#(corners.joined(separator: ","))]]}"#
    }

    static func bowtie(_ x: Double, _ y: Double, crossing: String = "") -> String {
        #"{"type":"Polygon","coordinates":[[[\#(x),\#(y)],[\#(x + 0.001),\#(y + 0.001)],[\#(x + 0.001),\#(y)],[\#(x),\#(y + 0.001)],[\#(x),\#(y)]]]}"#
    }

    /// Winds twice around its middle: filled there, or a hole?
    static func unclear(_ x: Double, _ y: Double) -> String {
        let ring = [(0, 0), (8, 0), (8, 8), (0, 8), (0, 2), (6, 2), (6, 6), (2, 6), (2, -2), (0, 0)]
        let text = ring.map { "[\(x + Double($0.0) * 0.001),\(y + Double($0.1) * 0.001)]" }.joined(separator: ",")
        return #"{"type":"Polygon","coordinates":[[\#(text)]]}"#
    }

    func description(_ id: String = "test", hazard: HazardDescription? = nil, attributes: [AttributeDescription] = []) -> LayerDescription {
        LayerDescription(id: id, title: LocalizedText(ja: id), attributes: attributes, hazard: hazard)
    }

    func request(_ source: URL, _ description: LayerDescription? = nil, accept: Set<String> = [], id: String? = nil, crs: String? = nil)
        -> LoadRequest
    {
        LoadRequest(
            source: source, description: description ?? self.description(), crs: crs, idColumn: id, accepted: accept, folder: folder.url,
            publishes: true)
    }

    func load(_ request: LoadRequest) -> LoadReport { LayerLoader(catalogue: catalogue).load(request) }

    func layer(_ id: String = "test") throws -> LayerFile {
        let current = try #require(try catalogue.layer(id)?.current)
        return try LayerFile.open(catalogue.file(of: id, version: current))
    }

    /// Names in the data directory, without those of SQLite.
    func files() throws -> [String] {
        let root = folder.path("data").path
        let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return all.filter { !$0.hasPrefix("catalogue") }.sorted()
    }
}

extension LoadReport {
    func count(_ code: FindingCode) -> Int { findings.first { $0.code == code }?.count ?? 0 }
}

extension LayerFile {
    func value(_ column: Int, _ row: Int) throws -> AttributeValue { try columns[column].attributeValue(row) }
}
