import ArgumentParser
import Descriptions
import Foundation
import Geo
import Loading

/// `kasane check SOURCE`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "データを読み込まずに検査する / Look at a source as a load would, without loading it.")

    @OptionGroup var source: SourceOptions

    @Option(help: ArgumentHelp("補正パラメータを探すデータ領域 / A data directory, for its grids.", valueName: "dir"))
    var data: String = ProcessInfo.processInfo.environment["KASANE_DATA"] ?? "data"

    func run() throws {
        let name = URL(fileURLWithPath: source.source).deletingPathExtension().lastPathComponent
        var description = LayerDescription(id: name, title: LocalizedText(ja: name))
        description.source = source.layerSource(keptID: nil)
        var settings = source.settings()
        settings.gridDirectories = [URL(fileURLWithPath: data, isDirectory: true).appendingPathComponent("grids").path]
        try source.finish(LayerLoader.check(source.request(description, idColumn: source.idColumn), settings: settings))
    }
}
