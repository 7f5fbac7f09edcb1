import Access
import ArgumentParser
import Foundation
import Geo
import HTTPAPI
import LayerAtlas
import LayerCatalog
import Query
import TileArchives
import Tiles

/// `kasane warm LAYER… [--zooms RANGE]`
struct WarmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warm", abstract: "タイルを前もって作っておく / Make tiles beforehand.",
        discussion: """
            データ領域のタイルのディスクキャッシュを満たします。サーバーは設定 tile-cache-disk-mib があるとき、それを使います。
            サーバーが動いているときも使えます。途中で止めても、もう一度実行すれば続きから作ります。
            レイヤーごとのタイルを作ります。--together を付けると、並べた順に1枚に重ねたタイル（/tiles/…?collections=a,b）を作ります。
            Fills the cache of tiles on disk in the data directory, which a server uses that has the setting tile-cache-disk-mib.
            It may run beside the server. When it was stopped, running it again goes on where it was.
            Each layer has tiles of its own; with --together the layers are in one tile, in the order given, as /tiles/…?collections=a,b asks for.
            """)

    @Argument(help: "レイヤーのID（なければ公開中の全部） / The layers' ids; all published ones if there is none.")
    var layers: [String] = []

    @Option(
        name: .customLong("tile-matrix-set"),
        help: ArgumentHelp(
            "タイル行列セット（WebMercatorQuad, WorldCRS84Quad、繰り返し可） / Tile matrix set: WebMercatorQuad or WorldCRS84Quad; may be repeated.",
            valueName: "name"))
    var sets: [String] = []

    @Flag(help: "レイヤーを1枚のタイルに重ねる（8つまで） / The layers in one tile, up to eight.")
    var together = false

    @Option(help: ArgumentHelp("タイルのズーム（その行列セットで8-14など） / Zooms of tiles in their set, as 8-14.", valueName: "range"))
    var zooms: String?

    @Option(
        help: ArgumentHelp(
            "圧縮の形（identity, gzip, br、コンマ区切り） / How tiles are compressed: identity, gzip, br, with commas between them.",
            valueName: "names"))
    var codings: String = "gzip,br"

    @Flag(name: .customLong("internal"), help: "鍵を持つ人が見るタイル / Tiles as those with a key see them.")
    var isInternal = false

    @Option(help: "スレッド数（なければコア数より一つ少なく） / Threads; one less than there are cores unless told otherwise.")
    var threads: Int?

    @Option(help: ArgumentHelp("キャッシュの上限（MiB） / The most that the cache may hold.", valueName: "mib"))
    var diskMib: Int = 1024

    @Option(help: ArgumentHelp("キャッシュのフォルダ / The cache's folder, where it is not in the data directory.", valueName: "dir"))
    var folder: String?

    @OptionGroup var options: DataOptions

    func run() throws {
        let names = codings.split(separator: ",").map(String.init)
        guard !names.isEmpty, names.allSatisfy({ TileWarmer.codings.contains($0) }) else {
            throw Refusal(
                ja: "--codings \(codings) は読めません。使えるもの: \(TileWarmer.codings.joined(separator: ", "))",
                en: "--codings \(codings) cannot be read. There are: \(TileWarmer.codings.joined(separator: ", "))", status: 2)
        }
        guard (1...1024).contains(threads ?? 1), (1...1_048_576).contains(diskMib) else {
            throw Refusal(
                ja: "--threads は1から1024、--disk-mib は1から1048576です。", en: "--threads is 1 to 1024, --disk-mib 1 to 1048576.", status: 2)
        }
        let sets = try (self.sets.isEmpty ? [TileMatrixSet.webMercatorQuad.rawValue] : self.sets).map { name in
            guard let set = TileMatrixSet(rawValue: name) else {
                let known = TileMatrixSet.allCases.map(\.rawValue).joined(separator: ", ")
                throw Refusal(
                    ja: "--tile-matrix-set \(name) はありません。使えるもの: \(known)",
                    en: "There is no --tile-matrix-set \(name). There are: \(known)",
                    status: 2)
            }
            return set
        }
        guard Set(sets).count == sets.count else {
            throw Refusal(ja: "同じタイル行列セットが二度あります。", en: "A tile matrix set is named twice.", status: 2)
        }
        guard !together || (1...QueryEngine.layerLimit).contains(layers.count) else {
            throw Refusal(
                ja: "--together には、レイヤーのIDを1～\(QueryEngine.layerLimit)件、タイルを求めるときの順に指定してください。",
                en: "--together takes 1 to \(QueryEngine.layerLimit) ids of layers, in the order in which the tiles are asked for.",
                status: 2)
        }
        let range = try ZoomRange.parse(zooms)
        if let range, let set = sets.first(where: { range.upperBound > $0.zoomLimit }) {
            throw Refusal(
                ja: "\(set.rawValue) のズームは\(set.zoomLimit)までです。", en: "\(set.rawValue) has zooms up to \(set.zoomLimit).", status: 2)
        }
        do {
            try warm(sets, names, range)
        } catch let error as AtlasError {
            throw Refusal(Problem(any: error).detail)
        } catch let error as QueryError {
            throw Refusal(Problem(any: error).detail)
        } catch let error as CatalogueError {
            throw Refusal(error.message)
        }
    }

    private func warm(_ sets: [TileMatrixSet], _ codings: [String], _ range: ClosedRange<Int>?) throws {
        let atlas = try LayerAtlas(dataDirectory: options.directory, catalogue: Catalogue(directory: options.directory, readOnly: true))
        let viewer: Viewer = isInternal ? .commandLine : .publicViewer
        let chosen = try layers.isEmpty ? atlas.layers(for: viewer) : layers.map { try atlas.layer($0, for: viewer) }
        guard Set(layers).count == layers.count else {
            throw Refusal(ja: "同じレイヤーが二度あります。", en: "A layer is named twice.", status: 2)
        }
        let place = folder.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? TileShelf.folder(in: options.directory)
        let limit = diskMib << 20
        let shelf = TileShelf(place, limit: limit) { text in
            Program.say(LocalizedText(ja: "キャッシュ: \(text)", en: "The cache: \(text)"))
        }
        guard shelf.isOpen else {
            throw Refusal(
                ja: "タイルを置けません（\(place.path)）。フォルダと権限を確かめてください。",
                en: "Tiles cannot be kept in \(place.path). See whether the folder can be written.")
        }
        let history = TileHistory()
        history.add(from: shelf)
        let engine = QueryEngine(gridDirectories: [options.directory.appendingPathComponent("grids").path])
        let threads = threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        let groups = together ? [chosen] : chosen.map { [$0] }
        for (group, set) in groups.flatMap({ group in sets.map { (group, $0) } }) {
            let name = group.map(\.id).joined(separator: ",") + (sets == [.webMercatorQuad] ? "" : " \(set.rawValue)")
            let warmer = TileWarmer(engine: engine, layers: group, shelf: shelf, history: history)
            let meter = ProgressMeter(showsProgress: isatty(2) == 1)
            var last = TileWarmer.Progress.none
            var isFull = false
            try warmer.warm(set, zooms: range ?? warmer.zooms(of: set), codings: codings, threads: threads) { progress in
                last = progress
                meter.show(zoom: progress.zoom, done: progress.done, total: progress.total)
                // What is made from here on would only push out what was made before.
                isFull = shelf.lostCount > 0 || progress.done % 256 == 0 && shelf.byteCount > limit / 100 * 85
                return !isFull
            }
            shelf.flush()
            isFull = isFull || shelf.lostCount > 0
            meter.end()
            Program.say(
                LocalizedText(ja: "\(name): \(last.done)枚のうち\(last.made)枚を作りました。", en: "\(name): made \(last.made) of \(last.done) tiles."))
            guard !isFull else {
                throw Refusal(
                    ja: "キャッシュがいっぱいになったか、ディスクに書けませんでした。--disk-mib と設定 tile-cache-disk-mib を大きくするか、ディスクの空きを確かめてください。",
                    en:
                        "The cache is full, or the disk took no more. Give it more with --disk-mib and the setting tile-cache-disk-mib, or see to the disk."
                )
            }
        }
    }
}

/// Zooms as options give them.
enum ZoomRange {
    /// `8-14`, or `12`; nil for none.
    static func parse(_ text: String?) throws -> ClosedRange<Int>? {
        guard let text else { return nil }
        let numbers = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(numbers.count), let first = numbers[0], let last = numbers[numbers.count - 1], first <= last, first >= 0,
            last <= TileCoordinate.zoomLimit
        else {
            throw Refusal(
                ja: "--zooms \(text) は読めません。8-14 のように0から\(TileCoordinate.zoomLimit)までの範囲を書いてください。",
                en: "--zooms \(text) cannot be read. Give a range within 0 to \(TileCoordinate.zoomLimit), as in 8-14.", status: 2)
        }
        return first...last
    }
}
