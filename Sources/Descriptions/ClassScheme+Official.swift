import Geo

extension ClassScheme {
    /// The official schemes by name: `depth-6`, `depth-8`, `duration-7`, `landslide`.
    public static let official: [String: ClassScheme] = Dictionary(
        uniqueKeysWithValues: [depth6, depth8, duration7, landslide].map { ($0.name, $0) })

    /// 浸水深, the standard six classes of floods, inland floods, storm surges and tsunamis.
    ///
    /// Bounds and colours: 国土交通省, 洪水浸水想定区域図作成マニュアル 第4版, 図-7.2-1.
    public static let depth6 = ClassScheme(
        name: "depth-6", title: LocalizedText(ja: "浸水深（6区分）", en: "Depth of water (6 classes)"), unit: "m",
        classes: [
            depth(1, nil, 0.5, "#F7F5A9", .dotsSparse, 20),
            depth(2, 0.5, 3, "#FFD8C0", .dots, 50),
            depth(3, 3, 5, "#FFB7B7", .linesSparse, 65),
            depth(4, 5, 10, "#FF9191", .lines, 80),
            depth(5, 10, 20, "#F285C9", .cross, 90),
            depth(6, 20, nil, "#DC7ADC", .crossDense, 100),
        ])

    /// 浸水深, the detailed eight classes.
    ///
    /// Bounds and colours: 洪水浸水想定区域図作成マニュアル 第4版, 図-7.2-2, 表-7.2.
    public static let depth8 = ClassScheme(
        name: "depth-8", title: LocalizedText(ja: "浸水深（8区分）", en: "Depth of water (8 classes)"), unit: "m",
        classes: [
            depth(1, nil, 0.3, "#FFFFB3", .plain, 15),
            depth(2, 0.3, 0.5, "#F7F5A9", .dotsSparse, 20),
            depth(3, 0.5, 1, "#F8E1A6", .dots, 40),
            depth(4, 1, 3, "#FFD8C0", .dotsDense, 50),
            depth(5, 3, 5, "#FFB7B7", .linesSparse, 65),
            depth(6, 5, 10, "#FF9191", .lines, 80),
            depth(7, 10, 20, "#F285C9", .cross, 90),
            depth(8, 20, nil, "#DC7ADC", .crossDense, 100),
        ])

    /// 浸水継続時間, seven classes.
    ///
    /// Bounds and colours: 洪水浸水想定区域図作成マニュアル 第4版, 表-7.4.
    public static let duration7 = ClassScheme(
        name: "duration-7", title: LocalizedText(ja: "浸水継続時間", en: "Duration of flooding"), unit: "h",
        classes: [
            duration(1, nil, 12, "#A0D2FF", .dotsSparse, 5),
            duration(2, 12, 24, "#0041FF", .dots, 10),
            duration(3, 24, 72, "#FAF500", .dotsDense, 25),
            duration(4, 72, 168, "#FF9900", .linesSparse, 35),
            duration(5, 168, 336, "#FF2800", .lines, 40),
            duration(6, 336, 672, "#B40068", .cross, 45),
            duration(7, 672, nil, "#600060", .crossDense, 48),
        ])

    /// 土砂災害警戒区域: the phenomenon (A33_001) and the zone (A33_002).
    ///
    /// Codes: 国土数値情報, CodeOfPhenomenon and CodeOfZone_h27. Colours: legend of 重ねるハザードマップ; no ordinance fixes them. Zones
    /// whose designation is pending (3 and 4) have the colours of those designated and another pattern.
    public static let landslide = ClassScheme(
        name: "landslide", title: LocalizedText(ja: "土砂災害警戒区域", en: "Sediment disaster warning zones"), unit: nil,
        classes: landslides(1, ja: "急傾斜地の崩壊", en: "Slope failure", warning: "#FAE600", special: "#FA2800")
            + landslides(2, ja: "土石流", en: "Debris flow", warning: "#E6C832", special: "#A50021")
            + landslides(3, ja: "地滑り", en: "Landslide", warning: "#FF9900", special: "#B40028")
            + landslides(nil, ja: "土砂災害", en: "Sediment disaster", warning: "#FAE600", special: "#FA2800"))

    private static func depth(
        _ rank: Int, _ min: Double?, _ max: Double?, _ color: String, _ pattern: FillPattern, _ gravity: Int
    ) -> HazardClass {
        func metres(_ number: Double) -> String { number.description }
        return HazardClass(
            rank: rank, min: min ?? 0, max: max, label: label(min.map(metres), max.map(metres), ja: "m", en: "m"), color: Color(color)!,
            pattern: pattern, gravity: gravity)
    }

    private static func duration(
        _ rank: Int, _ min: Double?, _ max: Double?, _ color: String, _ pattern: FillPattern, _ gravity: Int
    ) -> HazardClass {
        // From three days on people count in days and weeks, as the official legend does.
        func hours(_ number: Double) -> (ja: String, en: String) {
            switch number {
            case 24: ("1日", "1 day")
            case 72: ("3日", "3 days")
            case 168: ("1週間", "1 week")
            case 336: ("2週間", "2 weeks")
            case 672: ("4週間", "4 weeks")
            default: ("\(number.shortText)時間", "\(number.shortText) hours")
            }
        }
        let japanese = label(min.map { hours($0).ja }, max.map { hours($0).ja }, ja: "", en: "")
        let english = label(min.map { hours($0).en }, max.map { hours($0).en }, ja: "", en: "")
        return HazardClass(
            rank: rank, min: min ?? 0, max: max, label: LocalizedText(ja: japanese.text("ja"), en: english.text("en")),
            color: Color(color)!, pattern: pattern, gravity: gravity)
    }

    /// 「0.5m以上3.0m未満」 and “0.5 to 3.0 m”.
    static func label(_ min: String?, _ max: String?, ja: String, en: String) -> LocalizedText {
        let unit = en.isEmpty ? "" : " " + en
        return switch (min, max) {
        case (let min?, let max?): LocalizedText(ja: "\(min)\(ja)以上\(max)\(ja)未満", en: "\(min) to \(max)\(unit)")
        case (nil, let max?): LocalizedText(ja: "\(max)\(ja)未満", en: "under \(max)\(unit)")
        case (let min?, nil): LocalizedText(ja: "\(min)\(ja)以上", en: "\(min)\(unit) or more")
        case (nil, nil): LocalizedText(ja: "区分なし", en: "no class")
        }
    }

    private static func landslides(_ phenomenon: Int?, ja: String, en: String, warning: String, special: String) -> [HazardClass] {
        func zone(_ rank: Int, _ zoneJa: String, _ zoneEn: String, _ color: String, _ pattern: FillPattern, _ gravity: Int) -> HazardClass {
            HazardClass(
                rank: rank, phenomenon: phenomenon, label: LocalizedText(ja: ja + " " + zoneJa, en: en + ": " + zoneEn),
                color: Color(color)!,
                pattern: pattern, gravity: gravity)
        }
        return [
            zone(1, "警戒区域", "warning zone", warning, .linesSparse, 60),
            zone(2, "特別警戒区域", "special warning zone", special, .cross, 95),
            zone(3, "警戒区域（指定前）", "warning zone (not yet designated)", warning, .dots, 55),
            zone(4, "特別警戒区域（指定前）", "special warning zone (not yet designated)", special, .dotsDense, 92),
        ]
    }
}
