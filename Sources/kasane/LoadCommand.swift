import ArgumentParser
import Descriptions
import Foundation
import Geo
import LayerCatalog
import Loading

/// `kasane load SOURCE --layer ID`
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "データを読み込む / Load a source as a new version of a layer.",
        discussion: """
            シェープファイル（.zip も）、GeoPackage、FlatGeobuf、GeoJSON、GML、KML、CSV を読みます。--publish を付けなければ下書きになります。
            指摘で止まったときは、直すか、内容を確かめたうえで --accept コード を付けてください。
            Without --publish the version is a draft. When a finding blocks, correct it or accept it by its code.
            """)

    @OptionGroup var source: SourceOptions

    @Option(help: "レイヤーのID / The layer's id.")
    var layer: String

    @Option(help: "公開範囲 / Who may see it: public or internal.")
    var access: AccessOption?

    @Flag(help: "読み込んだ版を公開する / Publish the version.")
    var publish = false

    @Option(help: "受け入れる理由 / Why the codes are accepted.")
    var reason: String?

    @Option(help: ArgumentHelp("データ領域 / The data directory.", valueName: "dir"))
    var data: String = ProcessInfo.processInfo.environment["KASANE_DATA"] ?? "data"

    enum AccessOption: String, ExpressibleByArgument, CaseIterable {
        case `public`
        case `internal`
    }

    func run() throws {
        let directory = URL(fileURLWithPath: data, isDirectory: true)
        let report: LoadReport
        do {
            let catalogue = try Catalogue(directory: directory, usesReserve: false)
            var description = try known(in: catalogue)
            // What an earlier load said counts no more: access may have been changed since.
            description.access = access.map { $0 == .public ? .public : .internal }
            let keptID = description.source?.id
            description.source = source.layerSource(keptID: keptID)
            var request = source.request(description, idColumn: source.idColumn ?? keptID)
            request.publishes = publish
            request.actor = NSUserName()
            if let reason { for code in source.accept { request.reasons[code] = reason } }
            var settings = source.settings()
            settings.gridDirectories = [directory.appendingPathComponent("grids").path]
            report = LayerLoader(catalogue: catalogue, settings: settings).load(request)
        } catch let error as CatalogueError {
            source.say("[\(error.code)] \(error.message.text("ja"))\n[\(error.code)] \(error.message.text("en"))")
            throw ExitCode(1)
        }
        try source.finish(report)
    }

    /// What the layer is, where it was loaded before. What was said of it and cannot be read any more has to be said again.
    private func known(in catalogue: Catalogue) throws -> LayerDescription {
        let unknown = LayerDescription(id: layer, title: LocalizedText(ja: layer))
        guard let record = try catalogue.layer(layer) else { return unknown }
        let versions = try catalogue.versions(of: layer)
        guard let version = versions.first(where: { $0.name == record.current }) ?? versions.first else { return unknown }
        do throws(CatalogueError) {
            return try version.description
        } catch {
            source.say("\(error.message.text("ja"))\n\(error.message.text("en"))")
            return unknown
        }
    }
}
