import ArgumentParser
import Foundation
import LayerCatalog

/// Where the data directory is.
struct DataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("データ領域 / The data directory.", valueName: "dir"))
    var data: String = ProcessInfo.processInfo.environment["KASANE_DATA"] ?? "data"

    var directory: URL { URL(fileURLWithPath: data, isDirectory: true) }

    /// What `body` does with the catalogue; its errors become refusals.
    func withCatalogue<Result>(_ body: (Catalogue) throws -> Result) throws -> Result {
        do {
            return try body(try Catalogue(directory: directory))
        } catch let error as CatalogueError {
            throw Refusal(error.message)
        }
    }
}
