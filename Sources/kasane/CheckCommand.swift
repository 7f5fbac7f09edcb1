import ArgumentParser
import Descriptions
import Foundation
import Geo
import Loading

/// `kasane check SOURCE`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "データを読み込まずに検査する / Look at a source as a load would, without loading it.",
        discussion: "layer.yaml（またはそのフォルダ）も検査できます。 / A layer.yaml, or its folder, is looked at with the source that it names.")

    @OptionGroup var source: SourceOptions

    @Option(help: ArgumentHelp("補正パラメータを探すデータ領域 / A data directory, for its grids.", valueName: "dir"))
    var data: String = ProcessInfo.processInfo.environment["KASANE_DATA"] ?? "data"

    func run() throws {
        var settings = source.settings()
        settings.gridDirectories = [URL(fileURLWithPath: data, isDirectory: true).appendingPathComponent("grids").path]
        if let description = LayerLoader.description(at: URL(fileURLWithPath: source.source)) {
            guard [source.sourceLayer, source.crs, source.encoding, source.idColumn, source.preset].allSatisfy({ $0 == nil }) else {
                throw ValidationError("layer.yaml が読み方を決めます。 / How to read the source is for the layer.yaml to say.")
            }
            try source.finish(LayerLoader.check(description: description, accepted: Set(source.accept), settings: settings))
            return
        }
        let name = URL(fileURLWithPath: source.source).deletingPathExtension().lastPathComponent
        var description = LayerDescription(id: name, title: LocalizedText(ja: name))
        description.source = source.layerSource(keptID: nil)
        try source.finish(LayerLoader.check(source.request(description, idColumn: source.idColumn), settings: settings))
    }
}
