import Foundation
import Geo
import GeoNative
import LayerStore
import RecordStream

/// Takes the features of one source one after another: reads the geometry, moves it to longitude and latitude, rounds, checks and repairs it, and hands it
/// with its attributes to the builder. Memory is used again from feature to feature.
final class FeaturePass {
    private let system: SourceSystem
    private let isHazard: Bool
    private let values: ValueWriter
    private let builder: LayerBuilder
    private let checker: GeometryChecker
    private let reader = WKBReader()
    private let needsDatumCheck: Bool

    private var geometry = Geometry(kind: .point)
    private var source: [Double] = []

    private(set) var log: FindingLog
    private(set) var counts = LoadReport.Counts()
    private(set) var areas: LoadReport.Areas?
    /// Where features of a hazard lie that were rejected.
    private(set) var unknownAreas: [Envelope] = []
    private(set) var unknownEverywhere = false

    /// More rejected places than this are drawn together into one.
    private static let unknownAreaLimit = 10_000

    /// What rounds to ±180 and ±90 is of this world: sources have 180.00000000000006.
    private static let world = Envelope(minX: -180 - 4e-10, minY: -90 - 4e-10, maxX: 180 + 4e-10, maxY: 90 + 4e-10)
    private static let japan = Envelope(minX: 122, minY: 20, maxX: 154, maxY: 46)
    /// Japan as it looks with latitude for longitude.
    private static let japanSwapped = Envelope(minX: 20, minY: 122, maxX: 46, maxY: 154)

    init(system: SourceSystem, isHazard: Bool, plan: ColumnPlan, builder: LayerBuilder, log: FindingLog) {
        self.system = system
        self.isHazard = isHazard
        self.builder = builder
        self.log = log
        values = ValueWriter(plan: plan, builder: builder)
        checker = GeometryChecker(context: GEOSContext())
        switch system.transform.shift {
        case .none, .grid: needsDatumCheck = false
        default: needsDatumCheck = true
        }
        let transform = system.transform
        checker.sourceCoordinates = { transform.inverse(&$0) == 0 }
    }

    func take(_ batch: RecordBatch) throws(LayerFileError) {
        for index in 0..<batch.count {
            try batch.withFeature(index) { row, wkb, fields throws(LayerFileError) in try take(row, wkb, &fields) }
        }
    }

    /// Something the importer met; some of it means a feature that did not come.
    func take(_ problem: RecordProblem) {
        let count = Int(clamping: problem.count ?? 1)
        log.note(
            FindingCode(rawValue: problem.code), count: count,
            Finding.Place(row: problem.row, detail: [problem.field, problem.detail].compactMap { $0 }.joined(separator: ": ")))
        if problem.code == "feature-too-large" {
            counts.source += count
            counts.rejected += count
            reject(within: nil)
        }
    }

    private func take(_ row: UInt64, _ wkb: UnsafeRawBufferPointer?, _ fields: inout FieldCursor) throws(LayerFileError) {
        counts.source += 1
        guard let wkb else { return try takeWithoutGeometry(row, &fields) }
        do throws(WKBError) {
            try reader.read(wkb, into: &geometry)
        } catch {
            return reject(.badGeometry, row, fields, near: nil, within: nil, detail: "\(error)")
        }
        if geometry.isEmpty { return try takeWithoutGeometry(row, &fields) }
        let keepsSource = system.transform.isProjected
        source.removeAll(keepingCapacity: true)
        if keepsSource { source.append(contentsOf: geometry.coordinates) }

        var envelope = finiteEnvelope()
        guard !envelope.isEmpty else { return reject(.notFinite, row, fields, near: nil, within: nil) }
        if !system.transform.isIdentity {
            guard system.transform.transform(&geometry.coordinates) == 0 else {
                return reject(.notTransformable, row, fields, near: nil, within: nil)
            }
            envelope = finiteEnvelope()
        }
        let isInJapan = Self.japan.contains(envelope)
        if !isInJapan {
            if Self.japanSwapped.contains(envelope) { log.note(.axesSwapped, place(row, fields, envelope.centre)) }
            guard Self.world.contains(envelope) else { return reject(.outsideWorld, row, fields, near: envelope.centre, within: nil) }
            log.note(.outsideJapan, place(row, fields, envelope.centre))
        }
        if needsDatumCheck, let (code, severity) = system.doubt(envelope) {
            log.note(code, severity: severity, place(row, fields, envelope.centre))
        }

        geometry.roundToStorage()
        let verdict = checker.check(&geometry, source: &source)
        if let rejection = verdict.rejection {
            return reject(rejection, row, fields, near: verdict.near ?? envelope.centre, within: envelope)
        }
        if !verdict.changes.isEmpty { note(verdict, row, fields) }
        try write(&fields, row)
        try builder.endFeature(geometry: geometry, source: keepsSource ? source : nil, sourceRow: row)
        counts.loaded += 1
        counts.vertices += geometry.vertexCount
    }

    /// Of all vertices; empty when one is not finite.
    private func finiteEnvelope() -> Envelope {
        geometry.coordinates.withUnsafeBufferPointer { numbers in
            var box = Envelope.empty
            // Anything times zero is zero, but for what is not finite.
            var zero = 0.0
            for i in stride(from: 0, to: numbers.count, by: 2) {
                let (x, y) = (numbers[i], numbers[i + 1])
                zero += x * 0 + y * 0
                box.extend(x: x, y: y)
            }
            return zero == 0 ? box : .empty
        }
    }

    private func takeWithoutGeometry(_ row: UInt64, _ fields: inout FieldCursor) throws(LayerFileError) {
        log.note(isHazard ? .hazardWithoutGeometry : .nullGeometry, place(row, fields, nil))
        if isHazard { unknownEverywhere = true }
        try write(&fields, row)
        try builder.endFeature(geometry: nil, source: nil, sourceRow: row)
        counts.loaded += 1
        counts.withoutGeometry += 1
    }

    private func write(_ fields: inout FieldCursor, _ row: UInt64) throws(LayerFileError) {
        let start = fields
        try values.write(&fields) { column in
            let plan = values.plan.columns[column]
            log.note(.castFailed, Finding.Place(row: row, id: identifier(start), detail: "\(plan.source): \(plan.attribute.type.rawValue)"))
        }
    }

    // MARK: Findings

    private func note(_ verdict: GeometryChecker.Verdict, _ row: UInt64, _ fields: FieldCursor) {
        let near = verdict.near ?? geometry.vertex(0)
        var detail: String?
        if let before = verdict.areaBefore, let after = verdict.areaAfter {
            var sum = areas ?? LoadReport.Areas()
            sum.before += before
            sum.after += after
            areas = sum
            detail = String(format: "%.2f m² → %.2f m²", before, after)
        }
        for code in verdict.changes {
            // Nobody has to look at every ring that shapefiles draw the other way round.
            log.note(code, code == .winding ? nil : place(row, fields, near, detail: code.isRepair ? detail : nil))
        }
        if verdict.changes.contains(where: \.isRepair) { counts.repaired += 1 }
    }

    private func reject(
        _ code: FindingCode, _ row: UInt64, _ fields: FieldCursor, near: Point?, within envelope: Envelope?, detail: String? = nil
    ) {
        counts.rejected += 1
        log.note(code, place(row, fields, near, detail: detail))
        log.note(.rejectedFeatures, place(row, fields, near, detail: code.rawValue))
        reject(within: envelope)
    }

    private func reject(within envelope: Envelope?) {
        guard isHazard else { return }
        guard let envelope else {
            unknownEverywhere = true
            return
        }
        if unknownAreas.count < Self.unknownAreaLimit {
            unknownAreas.append(envelope)
        } else {
            unknownAreas[unknownAreas.count - 1].extend(envelope)
        }
    }

    private func place(_ row: UInt64, _ fields: FieldCursor, _ near: Point?, detail: String? = nil) -> Finding.Place {
        Finding.Place(row: row, id: identifier(fields), near: near, detail: detail)
    }

    /// The feature's own id, where a column holds it.
    private func identifier(_ fields: FieldCursor) -> String? {
        guard let column = values.plan.idColumn else { return nil }
        var cursor = fields
        for _ in 0..<column { _ = cursor.next() }
        switch cursor.next() {
        case .integer(let number): return String(number)
        case .real(let number): return Int64(exactly: number).map { String($0) }
        case .text(let bytes): return String(decoding: bytes.prefix(200), as: UTF8.self)
        default: return nil
        }
    }
}

extension Envelope {
    fileprivate func contains(_ other: Envelope) -> Bool {
        minX <= other.minX && minY <= other.minY && maxX >= other.maxX && maxY >= other.maxY
    }
}
