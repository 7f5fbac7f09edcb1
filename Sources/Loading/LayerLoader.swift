import Access
import Descriptions
import Foundation
import Geo
public import LayerCatalog
import LayerStore

/// Brings a source into the data directory as a new version of a layer, or leaves everything as it was.
///
/// The order makes it safe to lose power anywhere: records are read, checked and sealed in a folder of the load's own (`layers/<id>/.loading-…`);
/// the source's own bytes go to `originals/<sha256>`; the sealed file is synced, renamed to `layers/<id>/<version>.layer` and the folder
/// synced; last comes the catalogue's record, in one transaction. Before the record nobody looks at the file, and what is left of a load that died there is
/// removed by the next load of the layer or by `LoadCleanup`.
public struct LayerLoader: Sendable {
    public let catalogue: Catalogue
    public let settings: LoadSettings

    public init(catalogue: Catalogue, settings: LoadSettings = LoadSettings()) {
        self.catalogue = catalogue
        self.settings = settings
    }

    /// Loads, and says what came of it; the report's outcome tells whether it did.
    public func load(_ request: LoadRequest) -> LoadReport {
        let startedAt = settings.clock()
        var report = LoadReport(layer: request.description.id, source: request.source.lastPathComponent, startedAt: startedAt)
        report.reasons = request.reasons
        do throws(LoadError) {
            try load(request, startedAt, &report)
        } catch {
            report.fail(error)
        }
        report.time(from: startedAt, to: settings.clock())
        return report
    }

    /// Everything that a load does, but in a folder of its own that is removed again; no data directory is needed.
    public static func check(_ request: LoadRequest, settings: LoadSettings = LoadSettings()) -> LoadReport {
        let startedAt = settings.clock()
        var report = LoadReport(layer: request.description.id, source: request.source.lastPathComponent, startedAt: startedAt)
        do throws(LoadError) {
            let folder = try LoadFolder(in: FileManager.default.temporaryDirectory)
            let run = try prepare(request, settings, folder, startedAt, copies: false, &report)
            defer { run.copy.abandon() }
            _ = try run.run(previous: nil, nextNumber: 1, report: &report)
            report.outcome.status = "checked"
        } catch {
            report.fail(error)
        }
        report.time(from: startedAt, to: settings.clock())
        return report
    }

    private func load(_ request: LoadRequest, _ startedAt: Date, _ report: inout LoadReport) throws(LoadError) {
        let id = request.description.id
        guard Identifier.isValid(id) else {
            throw LoadError(
                "bad-id", ja: "レイヤーのID「\(id)」は使えません。半角英数字と - _ だけです。", en: "“\(id)” is no layer id: letters, digits, - and _ only.",
                isUsage: true)
        }
        let layerFolder = catalogue.folder(of: id)
        try Durability.makeFolder(layerFolder)
        guard let lock = try LayerLock(folder: layerFolder) else {
            throw LoadError(
                "layer-busy", ja: "レイヤー「\(id)」は別の処理が読み込み中です。", en: "The layer “\(id)” is being loaded by another process.")
        }
        defer { withExtendedLifetime(lock) {} }
        let cleared = try storage { try LoadCleanup.removeAbandoned(lock, layer: id, catalogue) }
        if !cleared.setAside.isEmpty { report.setAside = cleared.setAside }
        if !cleared.restored.isEmpty { report.restored = cleared.restored }

        let record = try storage { try catalogue.layer(id) }
        let nextNumber = try storage { record == nil ? 1 : try catalogue.nextNumber(of: id) }
        let previous = try record?.current.flatMap { version throws(LoadError) in
            try open(id, version, isNeeded: !request.mayLoseNumbers)
        }

        let folder = try LoadFolder(in: layerFolder)
        var run = try Self.prepare(request, settings, folder, startedAt, copies: true, &report)
        run.isPublic = (request.description.access ?? record?.access) == .public
        defer { run.copy.abandon() }
        let sealed = try run.run(previous: previous, nextNumber: nextNumber, report: &report)
        try settings.cancellation.check()
        try publish(sealed, request, run, startedAt, &report)
    }

    /// From here on nothing is read or checked any more; only names change.
    private func publish(
        _ sealed: SourceLoad.Sealed, _ request: LoadRequest, _ run: SourceLoad, _ startedAt: Date, _ report: inout LoadReport
    ) throws(LoadError) {
        let id = request.description.id
        try run.copy.publish(sealed.originals, to: catalogue.directory.appendingPathComponent("originals", isDirectory: true))
        FaultPoint.pass("before-register")
        var complete = request.description
        complete.attributes = sealed.attributes
        try storage { try catalogue.register(complete) }
        FaultPoint.pass("after-register")
        let version = try storage { try catalogue.reserveVersion(of: id) }
        FaultPoint.pass("after-reserve")
        try Durability.syncFile(sealed.file)
        let place = catalogue.file(of: id, version: version)
        try Durability.move(sealed.file, to: place)
        try Durability.syncFolder(place.deletingLastPathComponent())

        var answer = stat()
        guard stat(place.path, &answer) == 0 else { throw .system("stat", place.path, errno) }
        report.outcome = LoadReport.Outcome(status: "loaded", version: version, published: request.publishes, error: nil, message: nil)
        report.time(from: startedAt, to: settings.clock())
        FaultPoint.pass("before-record")
        try storage {
            try catalogue.addVersion(
                NewVersion(
                    layer: id, name: version, description: complete, byteCount: Int(answer.st_size),
                    featureCount: sealed.summary.rowCount,
                    nextNumber: sealed.summary.nextNumber, sourceHash: request.folderHash,
                    report: String(decoding: try report.brief().json(), as: UTF8.self)),
                publishing: request.publishes, by: request.actor)
        }
        FaultPoint.pass("after-record")
    }

    private static func prepare(
        _ request: LoadRequest, _ settings: LoadSettings, _ folder: LoadFolder, _ startedAt: Date, copies: Bool, _ report: inout LoadReport
    ) throws(LoadError) -> SourceLoad {
        guard access(request.source.path, R_OK) == 0 else {
            throw LoadError(
                "unreadable", ja: "ファイルを読めません（\(request.source.path): \(String(cString: strerror(errno)))）。",
                en: "The file cannot be read (\(request.source.path): \(String(cString: strerror(errno)))).", isUsage: errno == ENOENT)
        }
        var limits = settings.limits
        limits.memory = max(limits.memory, 256 << 20)
        let jail = try ImportJail.prepare(allowsNone: request.isTrusted, limits: limits)
        report.jail = jail.kind
        let own = try originals(of: request.source)
        let files = own + SourceLoad.coverageFiles(request)
        let copy = try OriginalCopy(files: files, folder: copies ? folder.url : nil, cancellation: settings.cancellation)
        copy.start()
        return SourceLoad(
            request: request, settings: settings, jail: jail, folder: folder, copy: copy, ownFiles: own.count, startedAt: startedAt)
    }

    /// The files to keep: the source and what belongs to it, or every file of a folder.
    private static func originals(of source: URL) throws(LoadError) -> [URL] {
        var answer = stat()
        guard stat(source.path, &answer) == 0 else { throw .system("stat", source.path, errno) }
        guard answer.st_mode & S_IFMT == S_IFDIR else { return ImportJail.family(of: source) }
        guard let all = FileManager.default.enumerator(at: source, includingPropertiesForKeys: [.isRegularFileKey]) else {
            throw .system("opendir", source.path, errno)
        }
        var files: [URL] = []
        for case let file as URL in all where (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true {
            files.append(file)
        }
        return files.sorted { $0.path < $1.path }
    }

    private func open(_ layer: String, _ version: String, isNeeded: Bool) throws(LoadError) -> LayerFile? {
        do throws(LayerFileError) {
            return try LayerFile.open(catalogue.file(of: layer, version: version))
        } catch {
            guard isNeeded else { return nil }
            throw LoadError(
                "previous-damaged",
                ja:
                    "公開中の版（\(version)）のファイルを開けないため、番号を引き継げません（\(error)）。バックアップから戻すか、kasane layers rollback \(layer) で前の版に戻してください。どちらもできなければ kasane layers retire \(layer) のあとで読み込めます（IDの列がない地物の番号は変わります）。",
                en:
                    "The file of the published version (\(version)) cannot be opened, so numbers cannot be carried over: \(error). Restore it, or go back with kasane layers rollback \(layer). Failing both, kasane layers retire \(layer) and load again: features without an id column get new numbers."
            )
        }
    }

    private func storage<T>(_ body: () throws -> T) throws(LoadError) -> T {
        do {
            return try body()
        } catch let error as LoadError {
            throw error
        } catch let error as CatalogueError {
            throw LoadError(error.code, ja: error.message.text("ja"), en: error.message.text("en"))
        } catch {
            throw LoadError("storage", ja: "保存できません（\(error)）。", en: "Cannot be stored: \(error).")
        }
    }
}

extension LoadReport {
    mutating func fail(_ error: LoadError) {
        outcome = Outcome(status: "refused", version: nil, published: false, error: error.code, message: error.message)
        isUsageError = error.isUsage
    }

    mutating func time(from start: Date, to end: Date) {
        seconds = end.timeIntervalSince(start)
        if seconds > 0, counts.source > 0 { featuresPerSecond = (Double(counts.source) / seconds).rounded() }
    }

    /// 0 all well, 1 findings or refusal, 2 wrong use.
    public var exitStatus: Int32 {
        if isUsageError == true { return 2 }
        return outcome.status == "refused" ? 1 : 0
    }
}
