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
        guard output != "-" else {
            throw Refusal(ja: "\(format.rawValue)は標準出力に書けません。", en: "\(format.rawValue) cannot go to standard output.", status: 2)
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
            try zoomRange
            ?? shown.map(\.tileZooms).reduce(shown[0].tileZooms) { whole, one in
                min(whole.lowerBound, one.lowerBound)...max(whole.upperBound, one.upperBound)
            }
        let content = ArchiveContent(shown, zooms: zooms)
        let target = URL(fileURLWithPath: output)
        let archiver = TileArchiver(engine: QueryEngine(), layers: shown, zooms: zooms)
        let meter = TileMeter(showsProgress: isatty(2) == 1)
        do {
            let archive: any TileArchive =
                format == .pmtiles ? try PMTilesArchive(target, content) : try MBTilesArchive(target, content)
            if archive.count > 0 {
                Program.say(
                    LocalizedText(
                        ja: "途中までのファイルがあります。\(archive.count)枚の続きから書きます。",
                        en: "Going on after \(archive.count) tiles that were written before."))
            }
            try archiver.write(to: archive, deadline: Deadline(seconds: nil)) { meter.show($0) }
            meter.end()
            Program.say(LocalizedText(ja: "\(archive.count)枚のタイルを書き出しました。", en: "\(archive.count) tiles written."))
        } catch let error as ArchiveError {
            meter.end()
            throw Refusal(error.message)
        }
    }

    /// `8-14`, or `12`.
    private var zoomRange: ClosedRange<Int>? {
        get throws {
            guard let zooms else { return nil }
            let numbers = zooms.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(numbers.count), let first = numbers[0], let last = numbers[numbers.count - 1], first <= last,
                first >= 0, last <= TileCoordinate.zoomLimit
            else {
                throw Refusal(
                    ja: "--zooms \(zooms) は読めません。8-14 のように0から\(TileCoordinate.zoomLimit)までの範囲を書いてください。",
                    en: "--zooms \(zooms) cannot be read. Give a range within 0 to \(TileCoordinate.zoomLimit), as in 8-14.", status: 2)
            }
            return first...last
        }
    }
}

extension ArchiveContent {
    init(_ layers: [VisibleLayer], zooms: ClosedRange<Int>) {
        let extents = layers.compactMap(\.extent)
        var bounds = Envelope.empty
        for extent in extents { bounds.extend(extent) }
        if extents.isEmpty { bounds = Envelope(minX: -180, minY: -85, maxX: 180, maxY: 85) }
        let attributions = layers.compactMap { $0.description.attribution?.text("ja") }.reduce(into: [String]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        self.init(
            name: layers.map { $0.description.title.text("ja") }.joined(separator: "、"),
            description: layers.compactMap { $0.description.description?.text("ja") }.joined(separator: "\n"),
            attribution: attributions.joined(separator: "、"), version: layers.map(\.version).joined(separator: " "), zooms: zooms,
            bounds: bounds, vectorLayers: JSONTree.list(layers.map(\.vectorLayer)).string,
            origin: layers.map { "\($0.id) \($0.version) \($0.columns)" }.joined(separator: ", "))
    }
}

/// Says on a terminal how far the work is.
private final class TileMeter {
    private let showsProgress: Bool
    private let start = ContinuousClock.now
    private var last = ContinuousClock.now
    private var hasShown = false

    init(showsProgress: Bool) {
        self.showsProgress = showsProgress
    }

    func show(_ progress: TileArchiver.Progress) {
        guard showsProgress, ContinuousClock.now - last > .milliseconds(250) || progress.done == progress.total else { return }
        last = .now
        hasShown = true
        let seconds = (last - start) / .seconds(1)
        let left = seconds / Double(max(progress.done, 1)) * Double(progress.total - progress.done)
        let percent = 100 * progress.done / max(progress.total, 1)
        write("\r\u{1B}[Kz\(progress.zoom)  \(progress.done)/\(progress.total)  \(percent) %  残り \(Int(left.rounded(.up))) s left")
    }

    func end() {
        if hasShown { write("\n") }
    }

    private func write(_ text: String) {
        // A terminal that is gone does not stop the work.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
