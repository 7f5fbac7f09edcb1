import Descriptions
import Foundation
import Geo
import GeoNative
import LayerStore
import RecordStream

/// One way through a source: from the jail to a sealed layer file, with everything found on it noted in a report.
struct SourceLoad {
    let request: LoadRequest
    let settings: LoadSettings
    let jail: ImportJail
    let folder: LoadFolder
    let copy: OriginalCopy
    /// Files of the source itself among those that are copied; the rest is the coverage.
    let ownFiles: Int
    let startedAt: Date
    /// Everybody may see the layer.
    var isPublic = false

    /// What came of it.
    struct Sealed {
        var file: URL
        var summary: SealSummary
        var originals: [OriginalFile]
        /// The description's, and those that a preset added.
        var attributes: [AttributeDescription]
    }

    /// - Parameters:
    ///   - usesID: the id column identifies; false after its duplicates were accepted.
    ///   - report: filled in as far as the load comes.
    /// - Throws: `findings` when something blocks that nobody accepted.
    func run(previous: LayerFile?, nextNumber: UInt64, report: inout LoadReport) throws(LoadError) -> Sealed {
        var log = FindingLog()
        do throws(LoadError) {
            return try run(previous, nextNumber, usesID: true, &log, &report)
        } catch {
            // An id column that does not identify, and that was accepted: once more without it.
            let refused: FindingCode = error.code == "missing-id" ? .nullID : .duplicateID
            guard error.code == "missing-id" || error.code == "duplicate-id", request.accepted.contains(refused.rawValue) else {
                throw error
            }
            return try run(previous, nextNumber, usesID: false, &log, &report)
        }
    }

    private func run(
        _ previous: LayerFile?, _ nextNumber: UInt64, usesID: Bool, _ idFindings: inout FindingLog, _ report: inout LoadReport
    ) throws(LoadError) -> Sealed {
        let description = request.description
        let hazard = description.hazard
        let name = usesID ? "1" : "2"
        let stream = try SourceStream(
            ImportJail.Request(
                source: request.source, sourceLayer: request.sourceLayer, encoding: request.encoding,
                crs: request.crs.flatMap { CRSReference($0)?.name }, scratch: try folder.folder("import-\(name)")),
            in: jail, cancellation: settings.cancellation)
        let header = stream.header
        report.driver = header.driver
        report.sourceLayer = header.layer
        report.encoding = header.encoding.map { LoadReport.Encoding(name: $0.name, how: $0.how.rawValue) }
        let system = try SourceSystem(given: request.crs, header: header, gridDirectories: settings.gridDirectories)
        report.crs = system.report

        var log = idFindings
        for note in header.notes where note.code != "csv-degrees" {
            log.note(.sourceNote, Finding.Place(detail: "\(note.code): \(note.detail)"))
        }
        if system.how == .assumed { log.note(.assumedDegrees) }
        let preset = try request.preset.map { name throws(LoadError) in try Preset.named(name) }
        let attributes = try preset?.attributes(description.attributes, fields: header.fields) ?? description.attributes
        var facts = LayerFacts()
        if let hazard { try addCoverage(hazard, attributes, previous, to: &facts, &log) }

        let plan = try ColumnPlan(fields: header.fields, attributes: attributes, id: request.idColumn)
        try plan.check(description.time)
        if let previous { noteNewAttributes(plan, attributes, since: previous, &log) }
        let importance = try plan.importanceColumn(description.style.importance)
        if let importance { log.note(.importance, Finding.Place(detail: plan.columns[importance].attribute.name)) }
        let builder = try layerFile { () throws(LayerFileError) in
            try LayerBuilder(
                settings: LayerBuilder.Settings(
                    attributes: plan.attributes, idColumn: usesID ? plan.idColumn : nil,
                    keepsSourceCoordinates: system.transform.isProjected, importanceColumn: importance,
                    hazard: hazard.map { HazardRanks($0, plan) },
                    memoryLimit: settings.memoryLimit),
                scratch: try scratch("sort-\(name)"))
        }
        let pass = FeaturePass(system: system, isHazard: hazard != nil, plan: plan, builder: builder, log: log)
        let came = try take(stream, pass)

        report.counts = pass.counts
        report.repairedArea = pass.areas
        report.unknownAreas = pass.unknownAreas.count
        report.unknownEverywhere = pass.unknownEverywhere
        report.columns = plan.columns.map {
            LoadReport.Column(
                name: $0.attribute.name, source: $0.source, type: $0.attribute.type, visibility: $0.attribute.visibility, nulls: 0)
        }
        log = pass.log
        if came == 0 { log.note(.emptySource) }
        if let declared = header.featureCount, declared > came { log.note(.fewerFeatures, Finding.Place(detail: "\(declared) > \(came)")) }
        report.findings = log.findings(accepted: request.accepted)
        guard pass.counts.areConserved else {
            throw LoadError(
                "not-conserved", ja: "件数が合いません（元 \(pass.counts.source)、読込 \(pass.counts.loaded)、除外 \(pass.counts.rejected)）。",
                en: "Counts do not add up: \(pass.counts.source) came, \(pass.counts.loaded) were loaded, \(pass.counts.rejected) rejected."
            )
        }
        let isOpen = report.findings.contains(where: \.isOpen)
        // Ids are known to identify only when the file is sealed; without an id column there is nothing more to be found.
        if isOpen && (plan.idColumn == nil || !usesID) { throw Self.open(report) }

        let originals = try copy.finish()
        try settings.cancellation.check()
        report.source.files = originals
        report.source.sha256 = originals.first?.sha256
        report.source.byteCount = originals.prefix(ownFiles).reduce(0) { $0 + $1.byteCount }
        facts.crs = system.id ?? system.transform.sourceName
        facts.crsText = system.text
        facts.pipeline = system.transform.pipeline.isEmpty ? nil : system.transform.pipeline.joined(separator: " | ")
        facts.sourceName = request.source.lastPathComponent
        facts.sourceHash = originals.first?.sha256
        facts.loadedAt = startedAt.formatted(.iso8601)
        facts.unknownAreas = pass.unknownAreas
        facts.unknownEverywhere = pass.unknownEverywhere
        facts.sourceCount = pass.counts.source
        facts.rejectedCount = pass.counts.rejected

        let file = folder.url.appendingPathComponent("sealed-\(name).layer")
        FaultPoint.pass("before-seal")
        let summary: SealSummary
        do throws(LayerFileError) {
            summary = try builder.seal(as: file, identity: Identity(previous: previous, nextNumber: nextNumber), facts: facts)
        } catch {
            try noteID(error, &log, &idFindings, &report)
            throw LoadError(error)
        }
        FaultPoint.pass("after-seal")
        if summary.outlines == .tooManyVertices {
            log.note(.notSimplified)
            report.findings = log.findings(accepted: request.accepted)
        }
        report.counts.kept = summary.keptCount
        report.extent = summary.extent
        report.decimals = summary.decimals
        for index in report.columns.indices where index < summary.nullCounts.count {
            report.columns[index].nulls = summary.nullCounts[index]
        }
        guard summary.rowCount == pass.counts.loaded else {
            throw LoadError(
                "not-conserved", ja: "件数が合いません（読込 \(pass.counts.loaded)、保存 \(summary.rowCount)）。",
                en: "Counts do not add up: \(pass.counts.loaded) were loaded, \(summary.rowCount) sealed.")
        }
        if isOpen { throw Self.open(report) }
        return Sealed(file: file, summary: summary, originals: originals, attributes: attributes)
    }

    /// What the published version has not, or hides, and nobody has said a word about now: it may be anything, a name or an address too.
    private func noteNewAttributes(
        _ plan: ColumnPlan, _ attributes: [AttributeDescription], since previous: LayerFile, _ log: inout FindingLog
    ) {
        let known = Set(previous.attributes.filter { $0.visibility == .public }.map(\.name)).union(attributes.map(\.name))
        for name in plan.attributes.map(\.name) where !known.contains(name) {
            log.note(isPublic ? .newAttribute : .newInternalAttribute, Finding.Place(detail: name))
        }
    }

    /// - Returns: the number of features that came.
    private func take(_ stream: SourceStream, _ pass: FeaturePass) throws(LoadError) -> Int {
        var came = 0
        var lastShown = startedAt
        while let event = try stream.next() {
            switch event {
            case .batch(let batch):
                try layerFile { () throws(LayerFileError) in try pass.take(batch) }
                came += batch.count
                guard let progress = settings.progress, settings.clock().timeIntervalSince(lastShown) > 0.2 else { continue }
                lastShown = settings.clock()
                progress(LoadProgress(features: came, total: stream.header.featureCount, seconds: lastShown.timeIntervalSince(startedAt)))
            case .problem(let problem): pass.take(problem)
            default: break
            }
        }
        FaultPoint.pass("after-records")
        return came
    }

    private func addCoverage(
        _ hazard: HazardDescription, _ attributes: [AttributeDescription], _ previous: LayerFile?, to facts: inout LayerFacts,
        _ log: inout FindingLog
    ) throws(LoadError) {
        switch hazard.coverage {
        case .layer(let id): facts.coverageLayer = id
        case .box(let box):
            log.note(.coverageBox)
            facts.coverage = [CoverageReader.box(box)]
        case .file(let name) where Self.coverageFiles(request).isEmpty:
            // A new source for a known layer comes alone: what was surveyed stays as it was.
            guard let kept = previous?.facts.coverage, !kept.isEmpty else {
                throw LoadError(
                    "no-coverage-file", ja: "調査範囲のファイル（\(name)）がありません。", en: "The file of the surveyed area (\(name)) is not there.")
            }
            facts.coverage = kept
            log.note(.sourceNote, Finding.Place(detail: "coverage-kept: \(name)"))
        case .file(let name):
            facts.coverage = try CoverageReader(jail: jail, settings: settings).read(
                Self.coverageFile(name, request), hazard: hazard, attributes: attributes,
                scratch: try folder.folder("coverage-\(UUID().uuidString.prefix(8))"))
        case nil: log.note(.noCoverage)
        }
    }

    /// The files of the surveyed area, if they are there.
    static func coverageFiles(_ request: LoadRequest) -> [URL] {
        guard case .file(let name) = request.description.hazard?.coverage else { return [] }
        let file = coverageFile(name, request)
        return access(file.path, R_OK) == 0 ? ImportJail.family(of: file) : []
    }

    static func coverageFile(_ name: String, _ request: LoadRequest) -> URL {
        (request.folder ?? request.source.deletingLastPathComponent()).appendingPathComponent(name)
    }

    private func noteID(
        _ error: LayerFileError, _ log: inout FindingLog, _ idFindings: inout FindingLog, _ report: inout LoadReport
    ) throws(LoadError) {
        switch error {
        case .duplicateIdentifier(let example, let count):
            log.note(.duplicateID, count: count, Finding.Place(id: example))
            idFindings.note(.duplicateID, count: count, Finding.Place(id: example))
        case .missingIdentifier(let count):
            log.note(.nullID, count: count)
            idFindings.note(.nullID, count: count)
        default: return
        }
        report.findings = log.findings(accepted: request.accepted)
    }

    private static func open(_ report: LoadReport) -> LoadError {
        let codes = report.openFindings.map(\.code.rawValue)
        let flags = codes.map { "--accept \($0)" }.joined(separator: " ")
        return LoadError(
            "findings", ja: "対応が必要な指摘があるため読み込みません。直すか、承知のうえで \(flags) を付けてください。",
            en: "Not loaded: something must be looked at first. Correct it, or accept it with \(flags).")
    }

    private func scratch(_ name: String) throws(LayerFileError) -> URL {
        do throws(LoadError) {
            return try folder.folder(name)
        } catch {
            throw .system(call: "mkdir", path: folder.url.appendingPathComponent(name).path, code: errno)
        }
    }

    private func layerFile<T>(_ body: () throws(LayerFileError) -> T) throws(LoadError) -> T {
        do throws(LayerFileError) {
            return try body()
        } catch {
            throw LoadError(error)
        }
    }
}

extension LoadError {
    init(_ error: LayerFileError) {
        switch error {
        case .system(let call, let path, let code): self = .system(call, path, code)
        case .duplicateIdentifier(let example, let count):
            self.init(
                "duplicate-id", ja: "同じIDの地物があります（\(count) 件、例: \(example)）。--accept duplicate-id を付けると、この列を使わず番号を振ります。",
                en: "\(count) features share an id (such as \(example)). With --accept duplicate-id numbers are given instead.")
        case .missingIdentifier(let count):
            self.init(
                "missing-id", ja: "IDのない地物があります（\(count) 件）。--accept null-id を付けると、この列を使わず番号を振ります。",
                en: "\(count) features have no id. With --accept null-id numbers are given instead.")
        case .tooLarge(let what): self.init("too-large", ja: "大きすぎて保存できません（\(what)）。", en: "Too large to be stored: \(what).")
        default: self.init("layer-file", ja: "レイヤーファイルを扱えません（\(error)）。", en: "The layer file cannot be used: \(error).")
        }
    }
}
