import ArgumentParser
import Foundation
import LayerCatalog

/// Where the data directory is.
struct DataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("データ領域 / The data directory.", valueName: "dir"))
    var data: String = ProcessInfo.processInfo.environment["KASANE_DATA"] ?? "data"

    var directory: URL { URL(fileURLWithPath: data, isDirectory: true) }

    /// What `body` does with the catalogue; its errors become refusals.
    /// - Parameter changes: false where it only looks, which a disk that cannot be written to is enough for.
    func withCatalogue<Result>(changes: Bool = true, _ body: (Catalogue) throws -> Result) throws -> Result {
        do {
            return try body(try Catalogue(directory: directory, readOnly: !changes && access(directory.path, W_OK) != 0 && errno != ENOENT))
        } catch let error as CatalogueError {
            throw Refusal(error.message)
        }
    }
}
