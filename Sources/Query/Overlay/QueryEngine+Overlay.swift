import Descriptions
import Geo
@_spi(Rows) public import LayerAtlas
import LayerStore

extension QueryEngine {
    /// Which target features belong to which overlay features, in groups, with figures for each group.
    ///
    /// Exact on the stored coordinates: the features are those that GEOS, PostGIS and shapely would choose. Figures do not depend on the number of threads.
    /// Attributes that the viewer may not see are unknown ones. What is not known comes as notes: see `OverlayResult.Note`.
    ///
    /// - Parameter progress: given the fraction done, now and then, on the calling thread.
    /// - Throws: `unknownProperty`, `invalidValue` (an aggregate that the attribute's type has not), `limitExceeded`, `overdue`, `cancelled`, `damaged`.
    /// - Complexity: O(target features + pairs whose boxes meet, and the edges near borders)
    public func overlay(
        target: VisibleLayer, overlay: VisibleLayer, _ request: OverlayRequest, limits: OverlayLimits = OverlayLimits(), deadline: Deadline,
        progress: (Double) -> Void = { _ in }
    ) throws(QueryError) -> OverlayResult {
        try source(target).overlay(
            source(overlay), request, limits: limits, hazard: overlay.description.hazard, deadline: deadline, progress: progress)
    }
}

extension RowSource {
    func overlay(
        _ other: RowSource, _ request: OverlayRequest, limits: OverlayLimits = OverlayLimits(), hazard: HazardDescription? = nil,
        deadline: Deadline,
        progress: (Double) -> Void = { _ in }
    ) throws(QueryError) -> OverlayResult {
        let plan = try OverlayPlan(target: self, overlay: other, request, limits: limits, hazard: hazard, deadline: deadline)
        var all = OverlayPartial(plan)
        let rows = plan.targetRows.count
        // Pieces depend on nothing but the rows, so that sums of real numbers come out the same with any number of threads.
        let size = min(8192, max(1, rows / 256))
        let pieces = (rows + size - 1) / size
        var taken = 0
        try ParallelPieces(count: pieces, threads: limits.threads).run(
            worker: { OverlayWorker(plan) },
            work: { worker, piece throws(QueryError) in try worker.run(piece * size..<min(rows, (piece + 1) * size)) }
        ) { partial throws(QueryError) in
            try all.merge(partial, limits: limits)
            taken += 1
            progress(Double(taken) / Double(pieces))
        }
        if request.groupBy.isEmpty { _ = all.slot(target: 0, overlay: 0) }
        try all.finish(plan)
        return plan.result(all)
    }
}

extension OverlayPlan {
    /// The table of the groups, sorted.
    fileprivate func result(_ partial: OverlayPartial) -> OverlayResult {
        var rows: [[AttributeValue]] = []
        for (slot, key) in partial.keys.enumerated() {
            var (targets, overlays) = (targetKeys.values[key.target][...], overlayKeys.values[key.overlay][...])
            var row: [AttributeValue] = []
            for property in request.groupBy { row.append(property.side == .target ? targets.removeFirst() : overlays.removeFirst()) }
            for (number, figure) in figures.enumerated() {
                row.append(partial.tallies[slot * figures.count + number].result(figure.aggregate, isInteger: figure.isInteger))
            }
            rows.append(row)
        }
        let keys = request.groupBy.count
        rows.sort { a, b in
            for i in 0..<keys {
                if a[i].precedes(b[i]) { return true }
                if b[i].precedes(a[i]) { return false }
            }
            return false
        }
        return OverlayResult(
            columns: columns, rows: rows, targetCount: targetRows.count, unmatchedCount: partial.unmatched,
            notes: notes(partial) + notesOfSize(partial))
    }

    /// Of figures that are empty because no number is as large.
    private func notesOfSize(_ partial: OverlayPartial) -> [OverlayResult.Note] {
        let names = columns.map(\.name).dropFirst(request.groupBy.count)
        return zip(figures.indices, names).compactMap { number, name in
            let figure = figures[number]
            let groups = partial.keys.indices.count { slot in
                partial.tallies[slot * figures.count + number].isTooLarge(figure.aggregate, isInteger: figure.isInteger)
            }
            guard groups > 0 else { return nil }
            return OverlayResult.Note(
                code: .tooLarge, side: figure.side, features: nil,
                text: LocalizedText(
                    ja: "「\(name)」は\(groups)行で、数として表せる大きさ（約1.8×10³⁰⁸）を超えるため空欄です。0や該当なしという意味ではありません。",
                    en:
                        "“\(name)” is larger than a number can be (some 1.8 × 10³⁰⁸) in \(groups) rows and left empty there. It does not mean zero or none."
                ))
        }
    }

    /// Attributes by their names, figures by their functions (`sum_people`); where two would be the same, with their side before them.
    private var columns: [OverlayResult.Column] {
        var names: [(short: String, long: String)] = []
        var columns: [OverlayResult.Column] = []
        for property in request.groupBy {
            let source = property.side == .target ? target : table.source
            let type = source.column(named: property.name).map { source.file.attributes[$0].type } ?? .text
            names.append((property.name, "\(property.side.rawValue).\(property.name)"))
            columns.append(OverlayResult.Column(name: property.name, type: type, unit: nil))
        }
        for figure in figures {
            let function = figure.aggregate.function
            if let property = figure.aggregate.property {
                names.append(("\(function)_\(property.name)", "\(function)_\(property.side.rawValue).\(property.name)"))
            } else {
                names.append((function, function))
            }
            columns.append(OverlayResult.Column(name: function, type: figure.type, unit: figure.unit))
        }
        for i in columns.indices {
            columns[i].name = names.filter { $0.short == names[i].short }.count > 1 ? names[i].long : names[i].short
        }
        return columns
    }

    private func notes(_ partial: OverlayPartial) -> [OverlayResult.Note] {
        var notes: [OverlayResult.Note] = []
        func note(_ code: OverlayResult.Note.Code, _ side: OverlayRequest.Side, _ features: Int?, ja: String, en: String) {
            notes.append(OverlayResult.Note(code: code, side: side, features: features, text: LocalizedText(ja: ja, en: en)))
        }
        if partial.incomplete > 0 {
            note(
                .incomplete, .overlay, partial.incomplete,
                ja: "重ねる側に読み込めなかった地物があり、対象の\(partial.incomplete)件については該当の有無や区分が判定できません。",
                en:
                    "Overlay features are missing: of \(partial.incomplete) target features it is not known whether, or in which class, they lie in one."
            )
        } else if table.source.file.facts.rejectedCount > 0 {
            note(
                .incomplete, .overlay, nil, ja: "重ねる側に読み込めなかった地物が\(table.source.file.facts.rejectedCount)件あります。",
                en: "\(table.source.file.facts.rejectedCount) overlay features could not be loaded.")
        }
        let lost = target.file.facts.rejectedCount
        if lost > 0 {
            note(
                .incomplete, .target, lost, ja: "対象の側に読み込めなかった地物が\(lost)件あり、数に入っていません。",
                en: "\(lost) target features could not be loaded and are not counted.")
        }
        if partial.notSurveyed > 0 {
            if case .areas = survey.coverage {
                note(
                    .notSurveyed, .overlay, partial.notSurveyed,
                    ja: "対象の\(partial.notSurveyed)件は調査された範囲の外にかかり、該当の有無は判定できません（未整備）。該当しないという意味ではありません。",
                    en:
                        "\(partial.notSurveyed) target features lie, in whole or in part, outside of what was surveyed: it is not known whether they are affected."
                )
            } else {
                note(
                    .noCoverage, .overlay, partial.notSurveyed,
                    ja: "どこが調査されたかがわからないため、どの区域とも重ならない\(partial.notSurveyed)件は該当の有無を判定できません。該当しないという意味ではありません。",
                    en:
                        "Where the hazard was surveyed is not known, so of the \(partial.notSurveyed) target features that meet no area it is not known whether they are affected."
                )
            }
        }
        if partial.partlySurveyed > 0 {
            note(
                .partlySurveyed, .overlay, partial.partlySurveyed,
                ja: "対象の\(partial.partlySurveyed)件は区域に該当しますが、調査されていない所（未整備）にもかかるため、数・面積・延長は実際より少ないことがあります。",
                en:
                    "\(partial.partlySurveyed) target features are affected and also reach where nobody surveyed: counts, areas and lengths may be too small."
            )
        }
        if unclassed > 0 {
            note(
                .unknownClass, .overlay, unclassed,
                ja: "重ねる側に区分のわからない地物が\(unclassed)件あり、区分による条件では選ばれません。該当しないという意味ではありません。",
                en: "Of \(unclassed) overlay features the class is not known, and a filter by class passes over them.")
        }
        for (side, count) in [(OverlayRequest.Side.target, withoutGeometry.target), (.overlay, withoutGeometry.overlay)] where count > 0 {
            note(
                .noGeometry, side, count, ja: "\(side == .target ? "対象" : "重ねる側")の\(count)件は位置がなく、数に入っていません。",
                en: "\(count) \(side.rawValue) features have no geometry and were left out.")
        }
        return notes
    }
}

extension OverlayPlan.Figure {
    fileprivate var isInteger: Bool { column?.attribute.type == .integer }

    fileprivate var type: AttributeType {
        switch aggregate {
        case .count, .distinct: .integer
        case .area, .length, .mean: .real
        case .sum: isInteger ? .integer : .real
        case .min, .max: column?.attribute.type ?? .text
        }
    }

    fileprivate var unit: String? {
        switch aggregate {
        case .area: "m2"
        case .length: "m"
        default: nil
        }
    }
}
