import Access
import ArgumentParser
import Descriptions
import Files
import Foundation
import Geo
import Glibc
import HTTPAPI
import LayerAtlas
import LayerCatalog
import Query

/// `kasane export LAYER --format F --output FILE`
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "レイヤーをファイルに書き出す / Write a layer to a file.",
        discussion: """
            条件などはサーバーの …/download と同じ名前で、同じ内容のファイルができます。gpkg と shapefile にはGDALの ogr2ogr を使います。
            Conditions have the names of …/download, and the file is the same. gpkg and shapefile need GDAL’s ogr2ogr.
            """)

    @Argument(help: "レイヤーのID（pmtilesとmbtilesは複数でよい） / The layer's id; several for pmtiles and mbtiles.")
    var layers: [String]

    @Option(help: "形式 / geojson, geojsonseq, csv, flatgeobuf, gpkg, shapefile, pmtiles or mbtiles.")
    var format: Format

    @Option(help: ArgumentHelp("タイルのズーム（8-14など） / Zooms of tiles, as 8-14.", valueName: "range"))
    var zooms: String?

    @Option(help: ArgumentHelp("書き出すファイル（-は標準出力） / The file; - is standard output.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("CQL2の条件 / A condition in CQL2.", valueName: "cql2"))
    var filter: String?

    @Option(help: "cql2-text か cql2-json / How the filter is written.")
    var filterLang: String?

    @Option(help: ArgumentHelp("条件の図形の座標系 / The reference system of the filter's geometries.", valueName: "crs"))
    var filterCrs: String?

    @Option(help: ArgumentHelp("範囲 / West, south, east, north.", valueName: "box"))
    var bbox: String?

    @Option(help: ArgumentHelp("範囲の座標系 / The reference system of the box.", valueName: "crs"))
    var bboxCrs: String?

    @Option(help: "日時か期間 / A time or an interval.")
    var datetime: String?

    @Option(help: ArgumentHelp("座標系（EPSG:6677など） / The reference system, as EPSG:6677.", valueName: "crs"))
    var crs: String?

    @Option(help: ArgumentHelp("属性（コンマ区切り） / Attributes, with commas between them.", valueName: "names"))
    var properties: String?

    @Flag(help: "図形を書かない / Without geometries.")
    var skipGeometry = false

    @Option(help: "CSVとシェープファイルの文字コード / Of CSV and shapefiles: utf-8, utf-8-bom or cp932.")
    var encoding: Encoding = .utf8

    @Flag(name: .customLong("public"), help: "だれでも見られる属性だけ / Only what everybody may see.")
    var isPublic = false

    @OptionGroup var options: DataOptions

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case geojson, geojsonseq, csv, flatgeobuf, gpkg, shapefile, pmtiles, mbtiles

        var isTiles: Bool { self == .pmtiles || self == .mbtiles }

        /// How the features are written by us.
        var features: FeatureFormat { FeatureFormat(rawValue: rawValue) ?? .flatGeobuf }

        /// What GDAL writes, where we do not.
        var converted: GDALForm? { GDALForm(rawValue: rawValue) }
    }

    enum Encoding: String, ExpressibleByArgument, CaseIterable {
        case utf8 = "utf-8"
        case utf8WithMark = "utf-8-bom"
        case cp932
    }

    func run() throws {
        do {
            if format.isTiles { try exportTiles() } else { try export() }
        } catch let problem as Problem {
            throw Refusal(problem.detail)
        } catch let error as AtlasError {
            throw Refusal(Problem(any: error).detail)
        } catch let error as QueryError {
            throw Refusal(Problem(any: error).detail)
        } catch let error as CatalogueError {
            throw Refusal(error.message)
        }
    }

    private func export() throws {
        if let driver = format.converted?.driver, GDALProgram.path == nil {
            throw Refusal(
                ja: "\(driver)にはGDALのogr2ogrが要ります（Debianでは gdal-bin）。見つかりません。",
                en: "\(driver) needs GDAL’s ogr2ogr (gdal-bin on Debian), which is not there.")
        }
        guard layers.count == 1, let layer = layers.first, zooms == nil else {
            throw Refusal(
                ja: "複数のレイヤーと --zooms は、pmtiles と mbtiles だけで使えます。", en: "Several layers and --zooms go with pmtiles and mbtiles only.",
                status: 2)
        }
        let atlas = try openAtlas()
        let shown = try atlas.layer(layer, for: isPublic ? .publicViewer : .commandLine)
        let engine = QueryEngine(gridDirectories: [options.directory.appendingPathComponent("grids").path])
        let request = try DownloadRequest(parameters, format: format.features, layer: shown, engine: engine)
        let stream = try request.stream(shown, engine)
        if let form = format.converted {
            try convert(stream, form, layer)
        } else if output == "-" {
            try write(stream, to: FileHandle.standardOutput, name: output)
        } else if outputPlace == .stream {
            guard let handle = FileHandle(forWritingAtPath: output) else { throw unwritable(output) }
            try write(stream, to: handle, name: output)
        } else {
            try replacing(output) { handle in
                try write(stream, to: handle, name: output)
                try handle.close()
            }
        }
        Program.say(LocalizedText(ja: "\(stream.count)件を書き出しました。", en: "\(stream.count) features written."))
        if stream.replacedCharacters > 0 {
            Program.say(
                LocalizedText(
                    ja: "CP932にない文字を\(stream.replacedCharacters)字、〓に置き換えました。",
                    en: "\(stream.replacedCharacters) characters that CP932 does not have became 〓."))
        }
    }

    /// What is where the output goes.
    enum OutputPlace {
        /// Nothing, or a file, whose place is taken when all is written.
        case free
        /// A pipe or a device, into which one can write, but whose place one must not take.
        case stream
        case folder
    }

    var outputPlace: OutputPlace {
        var facts = stat()
        guard stat(output, &facts) == 0 else { return .free }
        switch facts.st_mode & S_IFMT {
        case S_IFREG: return .free
        case S_IFDIR: return .folder
        default: return .stream
        }
    }

    /// Says before any work that a whole file cannot come where the output goes.
    func checkTakesFile(_ what: String) throws {
        if outputPlace == .stream || output == "-" {
            throw Refusal(
                ja: "\(what)は、標準出力やパイプ、デバイスには書けません。", en: "\(what) cannot go to standard output, a pipe or a device.", status: 2)
        }
    }

    func openAtlas() throws -> LayerAtlas {
        try LayerAtlas(dataDirectory: options.directory, catalogue: Catalogue(directory: options.directory, readOnly: true))
    }

    var parameters: [(name: String, value: String)] {
        let table = format == .csv ? encoding.rawValue : nil
        let all: [(String, String?)] = [
            ("bbox", bbox), ("bbox-crs", bboxCrs), ("datetime", datetime), ("filter", filter), ("filter-lang", filterLang),
            ("filter-crs", filterCrs), ("crs", crs), ("properties", properties), ("skipGeometry", skipGeometry ? "true" : nil),
            ("encoding", table),
        ]
        return all.compactMap { name, value in value.map { (name: name, value: $0) } }
    }

    private func write(_ stream: FeatureStream, to handle: FileHandle, name: String) throws {
        let deadline = Deadline(seconds: nil)
        while !stream.isDone {
            var piece = Data()
            _ = try stream.next(deadline) { piece = Data($0) }
            do { try handle.write(contentsOf: piece) } catch { throw unwritable(name) }
        }
    }

    /// Has a file written elsewhere and puts it in its place when it is whole.
    private func replacing(_ path: String, _ write: (FileHandle) throws -> Void) throws {
        let target = URL(fileURLWithPath: path)
        do {
            let part = try WorkFolder(.export, in: target.deletingLastPathComponent())
            try write(part.newFile(target.lastPathComponent))
            try part.move(target.lastPathComponent, to: target)
        } catch is WorkFolder.Failure {
            throw unwritable(path)
        }
    }

    private func unwritable(_ path: String) -> Refusal {
        Refusal(ja: "\(path) に書けません。", en: "\(path) cannot be written.")
    }

    // MARK: GDAL

    /// Writes a FlatGeobuf and has GDAL make the file from it.
    private func convert(_ stream: FeatureStream, _ form: GDALForm, _ layer: String) throws {
        try checkTakesFile(form.driver)
        do {
            try convert(
                stream, form, layer, in: WorkFolder(.export),
                // Beside the target, so that what was there stays until all is written and a rename is enough.
                part: WorkFolder(.export, in: URL(fileURLWithPath: output).deletingLastPathComponent()))
        } catch is WorkFolder.Failure {
            throw unwritable(output)
        }
    }

    /// - Parameters:
    ///   - work: where the FlatGeobuf is.
    ///   - part: where GDAL writes.
    private func convert(_ stream: FeatureStream, _ form: GDALForm, _ layer: String, in work: WorkFolder, part: WorkFolder) throws {
        let source = work.url.appendingPathComponent("\(layer).fgb")
        let handle = try work.newFile(source.lastPathComponent)
        if form == .shapefile {
            tellShortNames(stream.columnNames)
            stream.rename(GDALProgram.shortNames(stream.columnNames).map(\.short))
        }
        try write(stream, to: handle, name: source.path)
        try handle.close()
        let process = Process()
        let complaints = Pipe()
        process.executableURL = URL(fileURLWithPath: GDALProgram.path ?? "")
        let target = URL(fileURLWithPath: output)
        process.arguments = GDALProgram.arguments(
            form, from: source.path, to: part.url.appendingPathComponent(target.lastPathComponent).path, layer: layer,
            columns: stream.columnNames, encoding: encoding == .cp932 ? .cp932 : .utf8)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = complaints
        try process.run()
        // Read while it runs: it would wait for a full pipe.
        let text = complaints.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let reason = String(decoding: text.prefix(2000), as: UTF8.self)
            throw Refusal(ja: "ogr2ogrが失敗しました。\(reason)", en: "ogr2ogr failed. \(reason)")
        }
        // A shapefile has several parts.
        for name in try FileManager.default.contentsOfDirectory(atPath: part.url.path).sorted() {
            let to = target.deletingLastPathComponent().appendingPathComponent(name)
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: to.path, isDirectory: &isFolder), isFolder.boolValue {
                try FileManager.default.removeItem(at: to)
            }
            try part.move(name, to: to)
        }
    }

    /// What was changed is told.
    private func tellShortNames(_ names: [String]) {
        let told = GDALProgram.shortNames(names).filter { $0.name != $0.short }.map { "\($0.name) → \($0.short)" }
        guard !told.isEmpty else { return }
        let list = told.joined(separator: "、")
        Program.say(LocalizedText(ja: "シェープファイルのため、属性名を短くしました: \(list)", en: "Names were shortened for the shapefile: \(list)"))
    }
}

extension WorkFolder.Kind {
    /// Hidden, since it lies beside the files of the person who exports.
    fileprivate static let export = WorkFolder.Kind(".kasane-export-")
}
