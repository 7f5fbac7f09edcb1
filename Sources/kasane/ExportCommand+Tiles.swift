import Access
import Descriptions
import Foundation
import Geo
import HTTPAPI
import LayerAtlas
import LayerCatalog
import Query
import TileArchives

/// `kasane export LAYER… --format pmtiles|mbtiles --output FILE`
extension ExportCommand {
    /// Writes all tiles of the layers; a run that was cut off is gone on with.
    func exportTiles() throws {
        try checkTakesFile(format.rawValue)
        guard outputPlace == .free else {
            throw Refusal(ja: "\(output) はフォルダです。ファイル名を書いてください。", en: "\(output) is a folder. Name a file.", status: 2)
        }
        guard parameters.isEmpty else {
            throw Refusal(
                ja: "タイルの書き出しに条件や座標系は付けられません。", en: "Tiles are of whole layers: conditions and reference systems do not go with them.",
                status: 2)
        }
        let atlas = try openAtlas()
        let shown = try layers.map { try atlas.layer($0, for: isPublic ? .publicViewer : .commandLine) }
        guard Set(layers).count == layers.count else {
            throw Refusal(ja: "同じレイヤーが二度あります。", en: "A layer is named twice.", status: 2)
        }
        let zooms =
            try ZoomRange.parse(self.zooms)
            ?? shown.map(\.tileZooms).reduce(shown[0].tileZooms) { whole, one in
                min(whole.lowerBound, one.lowerBound)...max(whole.upperBound, one.upperBound)
            }
        let content = ArchiveContent(shown, zooms: zooms)
        let target = URL(fileURLWithPath: output)
        let archiver = TileArchiver(engine: QueryEngine(), layers: shown, zooms: zooms)
        let meter = ProgressMeter(showsProgress: isatty(2) == 1)
        do {
            let archive: any TileArchive =
                format == .pmtiles ? try PMTilesArchive(target, content) : try MBTilesArchive(target, content)
            if archive.count > 0 {
                Program.say(
                    LocalizedText(
                        ja: "途中までのファイルがあります。\(archive.count)枚の続きから書きます。",
                        en: "Going on after \(archive.count) tiles that were written before."))
            }
            try archiver.write(to: archive, deadline: Deadline(seconds: nil)) {
                meter.show(zoom: $0.zoom, done: $0.done, total: $0.total)
            }
            meter.end()
            Program.say(LocalizedText(ja: "\(archive.count)枚のタイルを書き出しました。", en: "\(archive.count) tiles written."))
        } catch let error as ArchiveError {
            meter.end()
            throw Refusal(error.message)
        }
    }
}

extension ArchiveContent {
    init(_ layers: [VisibleLayer], zooms: ClosedRange<Int>) {
        let extents = layers.compactMap(\.extent)
        var bounds = Envelope.empty
        for extent in extents { bounds.extend(extent) }
        if extents.isEmpty { bounds = Envelope(minX: -180, minY: -85, maxX: 180, maxY: 85) }
        // Tiles of Web Mercator hold nothing beyond, and readers take bounds beyond for no bounds at all.
        func within(_ latitude: Double) -> Double { max(-WebMercator.latitudeLimit, min(WebMercator.latitudeLimit, latitude)) }
        bounds = Envelope(minX: bounds.minX, minY: within(bounds.minY), maxX: bounds.maxX, maxY: within(bounds.maxY))
        let attributions = layers.compactMap { $0.description.attribution?.text("ja") }.reduce(into: [String]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        self.init(
            name: layers.map { $0.description.title.text("ja") }.joined(separator: "、"),
            description: layers.compactMap { $0.description.description?.text("ja") }.joined(separator: "\n"),
            attribution: attributions.joined(separator: "、"), versions: layers.map { "\($0.id) \($0.version)" }.joined(separator: ", "),
            zooms: zooms, bounds: bounds, vectorLayers: JSONTree.list(layers.map(\.vectorLayer)).string,
            leftOut: JSONTree.object(layers.map { .init($0.id, $0.leftOut(in: .webMercatorQuad)) }).string,
            origin: layers.map { "\($0.id) \($0.version) \($0.columns)" }.joined(separator: ", "))
    }
}

/// Says on a terminal how far the work is.
final class ProgressMeter {
    private let showsProgress: Bool
    private let start = ContinuousClock.now
    private var last = ContinuousClock.now
    private var hasShown = false

    init(showsProgress: Bool) {
        self.showsProgress = showsProgress
    }

    func show(zoom: Int, done: Int, total: Int) {
        guard showsProgress, ContinuousClock.now - last > .milliseconds(250) || done == total else { return }
        last = .now
        hasShown = true
        let seconds = (last - start) / .seconds(1)
        let left = seconds / Double(max(done, 1)) * Double(total - done)
        let percent = 100 * done / max(total, 1)
        write("\r\u{1B}[Kz\(zoom)  \(done)/\(total)  \(percent) %  残り \(Int(left.rounded(.up))) s left")
    }

    func end() {
        if hasShown { write("\n") }
    }

    private func write(_ text: String) {
        // A terminal that is gone does not stop the work.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
