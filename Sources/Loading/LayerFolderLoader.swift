import Access
import Crypto
import Descriptions
public import Foundation
import Geo
public import LayerCatalog
import LayerStore

/// Loads and publishes what lies in a folder of layers: every `DIR/<id>/layer.yaml` that was not loaded yet or has changed, and `DIR/town.yaml`.
///
/// What a layer folder is known by is the SHA-256 of its layer.yaml and of every file it names. It is loaded again too when the file that was made of it
/// is missing or damaged. A folder that fails does not stop the others: the layer
/// keeps the version it had, and the report says why. Only a town.yaml that cannot be read, where none ever could, ends it all.
public struct LayerFolderLoader: Sendable {
    public let catalogue: Catalogue
    public let directory: URL
    public var settings: LoadSettings

    /// What became of one folder.
    public struct Result: Sendable {
        /// The folder's name.
        public var folder: String
        /// Nil when nothing had changed, or when the layer.yaml itself is wrong.
        public var report: LoadReport?
        /// What is wrong with the layer.yaml or town.yaml.
        public var problem: LocalizedText?

        public var isFailure: Bool { problem != nil || report?.outcome.status == "refused" }
    }

    public init(catalogue: Catalogue, directory: URL, settings: LoadSettings = LoadSettings()) {
        self.catalogue = catalogue
        self.directory = directory
        self.settings = settings
    }

    /// - Parameter each: called after each folder that was looked at, in the order of their names.
    public func loadAll(_ each: (Result) -> Void = { _ in }) throws(LoadError) -> [Result] {
        let manager = FileManager.default
        guard let names = try? manager.contentsOfDirectory(atPath: directory.path) else {
            throw LoadError(
                "no-layers-folder", ja: "レイヤーのフォルダ「\(directory.path)」を読めません。",
                en: "The folder of layers “\(directory.path)” cannot be read.",
                isUsage: true)
        }
        var results: [Result] = []
        func add(_ result: Result) {
            results.append(result)
            each(result)
        }
        var town = TownDescription()
        let townFile = directory.appendingPathComponent("town.yaml")
        if manager.fileExists(atPath: townFile.path) {
            do {
                town = try TownDescription.parse(yaml: String(contentsOf: townFile, encoding: .utf8), file: "town.yaml")
                try catalogue.setTown(town)
            } catch {
                let problem = Self.message(error)
                // One that was read before still counts. Without any, a hazard that the town answers for and that no layer holds would be left out of
                // answers instead of being said to be unknown, and nobody would notice.
                guard try isTownKnown() else {
                    throw LoadError(
                        "town-unreadable", ja: "town.yaml を読めません。直してから起動してください。\(problem.text("ja"))",
                        en: "town.yaml cannot be read. Correct it and start again. \(problem.text("en"))")
                }
                add(Result(folder: "town.yaml", report: nil, problem: problem))
            }
        }
        for name in names.sorted() where !name.hasPrefix(".") {
            let folder = directory.appendingPathComponent(name, isDirectory: true)
            let file = folder.appendingPathComponent("layer.yaml")
            guard manager.fileExists(atPath: file.path) else { continue }
            try settings.cancellation.check()
            add(load(folder, name: name, file: file, town: town))
        }
        return results
    }

    private func load(_ folder: URL, name: String, file: URL, town: TownDescription) -> Result {
        do {
            let yaml = try String(contentsOf: file, encoding: .utf8)
            let description = try LayerDescription.parse(yaml: yaml, file: name + "/layer.yaml", town: town)
            guard description.id == name else {
                throw LoadError(
                    "id-mismatch", ja: "フォルダ名「\(name)」と id「\(description.id)」が違います。",
                    en: "The folder is called “\(name)” but its id is “\(description.id)”.")
            }
            var request = try LoadRequest(description, in: folder, actor: "layers")
            let hash = try Self.hash(yaml, request, town)
            let record = try catalogue.layer(name)
            // A layer that was withdrawn stays so; one whose file is gone or no layer file any more is made anew, from the source that is at hand.
            let isWhole = record?.current.map { canOpen(name, $0) } ?? true
            if record != nil, isWhole, try catalogue.sourceHash(of: name) == hash { return Result(folder: name) }
            request.folderHash = hash
            request.mayLoseNumbers = !isWhole
            return Result(folder: name, report: LayerLoader(catalogue: catalogue, settings: settings).load(request))
        } catch {
            return Result(folder: name, report: nil, problem: Self.message(error))
        }
    }

    private func isTownKnown() throws(LoadError) -> Bool {
        do throws(CatalogueError) {
            return try catalogue.town() != nil
        } catch {
            throw LoadError(error.code, ja: error.message.text("ja"), en: error.message.text("en"))
        }
    }

    private func canOpen(_ layer: String, _ version: String) -> Bool {
        do throws(LayerFileError) {
            _ = try LayerFile.open(catalogue.file(of: layer, version: version))
            return true
        } catch {
            return false
        }
    }

    /// Over everything that decides what the layer will be.
    private static func hash(_ yaml: String, _ request: LoadRequest, _ town: TownDescription) throws -> String {
        let files = ImportJail.family(of: request.source) + SourceLoad.coverageFiles(request)
        var whole = SHA256()
        whole.update(data: Data(yaml.utf8))
        // Schemes of the town's own are part of a description.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        whole.update(data: try encoder.encode(town.schemes))
        for file in files {
            whole.update(data: Data([0]) + Data(file.lastPathComponent.utf8) + Data([0]))
            let handle = try FileHandle(forReadingFrom: file)
            defer { try? handle.close() }
            while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty { whole.update(data: part) }
        }
        return whole.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private static func message(_ error: any Error) -> LocalizedText {
        switch error {
        case let error as LoadError: error.message
        case let error as DescriptionError: LocalizedText(ja: error.text("ja"), en: error.text("en"))
        case let error as CatalogueError: error.message
        default: LocalizedText(ja: "読めません（\(error)）。", en: "Cannot be read: \(error).")
        }
    }
}
