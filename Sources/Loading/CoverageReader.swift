import Descriptions
import Foundation
import Geo
import GeoNative
import LayerStore
import RecordStream

/// Reads where a hazard was surveyed from a file, through the same jail and checks as the hazard itself.
///
/// Here a feature that cannot be used refuses the load: a missing piece of coverage would do no harm, but a wrong one would call unknown ground safe.
struct CoverageReader {
    let jail: ImportJail
    let settings: LoadSettings

    func read(_ file: URL, hazard: HazardDescription, attributes: [AttributeDescription], scratch: URL) throws(LoadError) -> [CoverageArea]
    {
        let stream = try SourceStream(ImportJail.Request(source: file, scratch: scratch), in: jail, cancellation: settings.cancellation)
        let system = try SourceSystem(given: nil, header: stream.header, gridDirectories: settings.gridDirectories)
        let names = stream.header.fields.map(\.name)
        // Called as in the layer, or as the layer's own column is in its source.
        let riverNames = hazard.riverAttribute.map { name in [name, attributes.first { $0.name == name }?.column ?? name] } ?? ["river"]
        let river = names.firstIndex { riverNames.contains($0) }
        let scenario = names.firstIndex(of: "scenario")
        let checker = GeometryChecker(context: GEOSContext())
        let reader = WKBReader()
        var areas: [CoverageArea] = []
        while let event = try stream.next() {
            guard case .batch(let batch) = event else { continue }
            for index in 0..<batch.count {
                try batch.withFeature(index) { row, wkb, fields throws(LoadError) in
                    var geometry = Geometry(kind: .point)
                    var none: [Double] = []
                    guard let wkb, (try? reader.read(wkb, into: &geometry)) != nil, system.transform.transform(&geometry.coordinates) == 0,
                        geometry.coordinates.allSatisfy({ $0.isFinite && abs($0) <= 180 }), geometry.kind.dimension == 2
                    else { throw Self.refused(file, row) }
                    geometry.roundToStorage()
                    guard checker.check(&geometry, source: &none).rejection == nil else { throw Self.refused(file, row) }
                    var area = CoverageArea(wkb: Data())
                    var index = 0
                    while let value = fields.next() {
                        if case .text(let bytes) = value {
                            if index == river { area.river = String(decoding: bytes, as: UTF8.self) }
                            if index == scenario { area.scenario = String(decoding: bytes, as: UTF8.self) }
                        }
                        index += 1
                    }
                    var bytes: [UInt8] = []
                    WKBWriter.write(geometry, to: &bytes)
                    area.wkb = Data(bytes)
                    areas.append(area)
                }
            }
        }
        guard !areas.isEmpty else { throw Self.refused(file, 0) }
        return areas
    }

    static func box(_ box: Envelope) -> CoverageArea {
        let corners = [(box.minX, box.minY), (box.maxX, box.minY), (box.maxX, box.maxY), (box.minX, box.maxY), (box.minX, box.minY)]
        var bytes: [UInt8] = []
        WKBWriter.write(.polygon([corners.map { Point(x: $0.0, y: $0.1) }]), to: &bytes)
        return CoverageArea(wkb: Data(bytes))
    }

    private static func refused(_ file: URL, _ row: UInt64) -> LoadError {
        LoadError(
            "bad-coverage", ja: "調査範囲のファイル（\(file.lastPathComponent)）の行 \(row) が面として使えません。",
            en: "Row \(row) of the surveyed area (\(file.lastPathComponent)) cannot be used as an area.")
    }
}
