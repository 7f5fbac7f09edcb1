import Foundation
import Geo

extension LoadReport {
    /// For a person, in Japanese or English; ends with a line feed.
    /// - Parameter places: how many places are shown a finding.
    public func text(_ language: String = "ja", places: Int = 3) -> String {
        let isJapanese = language == "ja"
        func label(_ ja: String, _ en: String) -> String { isJapanese ? ja : en }
        var lines: [String] = []
        func add(_ name: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            lines.append("  \(name): \(value)")
        }

        switch outcome.status {
        case "loaded":
            lines.append(
                outcome.published
                    ? label("読み込んで公開しました: \(layer)", "Loaded and published: \(layer)")
                    : label("下書きとして読み込みました: \(layer)", "Loaded as a draft: \(layer)"))
        case "checked": lines.append(label("検査しました: \(source.name)", "Checked: \(source.name)"))
        default: lines.append(label("読み込みませんでした: \(source.name)", "Not loaded: \(source.name)"))
        }
        add(label("版", "version"), outcome.version)
        add(label("元データ", "source"), [source.name, driver, sourceLayer].compactMap { $0 }.joined(separator: " · "))
        add("SHA-256", source.sha256)
        add(label("文字コード", "encoding"), encoding.map { "\($0.name) (\($0.how))" })
        if let crs {
            let name = [crs.id, crs.name].compactMap { $0 }.joined(separator: " ")
            add(label("座標参照系", "reference system"), "\(name) (\(crs.how))")
            add(label("測地系の変換", "datum shift"), ([crs.shift] + crs.grids).joined(separator: " "))
        }
        add(label("隔離", "jail"), jail?.rawValue)
        if counts.source > 0 {
            var parts = [
                label("元 \(counts.source)", "\(counts.source) in the source"), label("読込 \(counts.loaded)", "\(counts.loaded) loaded"),
                label("除外 \(counts.rejected)", "\(counts.rejected) rejected"),
            ]
            if counts.repaired > 0 { parts.append(label("修復 \(counts.repaired)", "\(counts.repaired) repaired")) }
            if counts.withoutGeometry > 0 {
                parts.append(label("図形なし \(counts.withoutGeometry)", "\(counts.withoutGeometry) without geometry"))
            }
            add(label("件数", "features"), parts.joined(separator: ", "))
        }
        if let area = repairedArea {
            add(
                label("修復した面積", "area repaired"),
                label(
                    "前 \(Self.squareMetres(area.before)) → 後 \(Self.squareMetres(area.after))",
                    "\(Self.squareMetres(area.before)) before, \(Self.squareMetres(area.after)) after"))
        }
        if let extent {
            add(
                label("範囲", "extent"),
                [extent.minX, extent.minY, extent.maxX, extent.maxY].map { Self.decimal($0, 6) }.joined(separator: ", "))
        }
        if !columns.isEmpty {
            add(
                label("属性", "attributes"),
                columns.map { "\($0.name) (\($0.type.rawValue)\($0.nulls > 0 ? label(", 空 \($0.nulls)", ", \($0.nulls) null") : ""))" }
                    .joined(separator: ", "))
        }
        if seconds > 0 {
            let rate = featuresPerSecond.map { label("、毎秒 \(Int($0)) 件", ", \(Int($0)) features a second") } ?? ""
            add(label("時間", "time"), label("\(Self.decimal(seconds, 1)) 秒\(rate)", "\(Self.decimal(seconds, 1)) s\(rate)"))
        }
        for finding in findings { lines += describe(finding, language, places) }
        for path in setAside ?? [] {
            lines.append(
                label(
                    "脇に置きました: \(path)\n    → カタログに記録のない版のファイルです。カタログを復元すれば元に戻ります。要らなければ消してください。",
                    "Set aside: \(path)\n    → The catalogue has no record of this version's file. It is put back when the right catalogue is restored; remove it if it is not needed."
                ))
        }
        for path in restored ?? [] { lines.append(label("元に戻しました: \(path)", "Put back: \(path)")) }
        if let message = outcome.message { lines.append("[\(outcome.error ?? "")] \(message.text(language))") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func describe(_ finding: Finding, _ language: String, _ places: Int) -> [String] {
        let isJapanese = language == "ja"
        let mark =
            switch finding.severity {
            case .blocking: finding.accepted ? (isJapanese ? "承認済" : "accepted") : (isJapanese ? "要対応" : "blocking")
            case .warning: isJapanese ? "注意" : "warning"
            case .info: isJapanese ? "情報" : "info"
            }
        var lines = ["\(mark) [\(finding.code.rawValue)] × \(finding.count): \(finding.message.text(language))"]
        if finding.severity != .info, let advice = finding.advice { lines.append("    → \(advice.text(language))") }
        for place in finding.places.prefix(places) {
            var parts: [String] = []
            if let row = place.row { parts.append(isJapanese ? "行 \(row)" : "row \(row)") }
            if let id = place.id { parts.append("id \(id)") }
            if let x = place.longitude, let y = place.latitude { parts.append("\(Self.decimal(x, 6)), \(Self.decimal(y, 6))") }
            if let detail = place.detail { parts.append(detail) }
            if !parts.isEmpty { lines.append("    - " + parts.joined(separator: " · ")) }
        }
        return lines
    }

    private static func decimal(_ number: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", number) }

    private static func squareMetres(_ number: Double) -> String {
        number >= 1e6 ? String(format: "%.6f km²", number / 1e6) : String(format: "%.2f m²", number)
    }
}
