import Geo

/// How much a finding weighs.
public enum Severity: String, Sendable, Codable, Comparable {
    /// Told, for the record.
    case info
    /// Should be looked at.
    case warning
    /// Stops the load until somebody accepts it by its code.
    case blocking

    public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .info: 0
        case .warning: 1
        case .blocking: 2
        }
    }
}

/// The stable name of something found in a source, which people and programs count by and accept by.
public struct FindingCode: RawRepresentable, Hashable, Sendable, Codable, ExpressibleByStringLiteral {
    public var rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
    public init(stringLiteral value: String) { rawValue = value }

    public init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    // Geometry that cannot be loaded
    public static let badGeometry: FindingCode = "bad-geometry"
    public static let notFinite: FindingCode = "not-finite"
    public static let outsideWorld: FindingCode = "outside-world"
    public static let notTransformable: FindingCode = "not-transformable"
    public static let tooFewPoints: FindingCode = "too-few-points"
    public static let unclearGeometry: FindingCode = "unclear-geometry"
    public static let unrepairable: FindingCode = "unrepairable"
    public static let rejectedFeatures: FindingCode = "rejected-features"
    // Geometry that was repaired
    public static let ringNotClosed: FindingCode = "ring-not-closed"
    public static let duplicateVertices: FindingCode = "duplicate-vertices"
    public static let collapsedRing: FindingCode = "collapsed-ring"
    public static let winding: FindingCode = "winding"
    public static let partsMerged: FindingCode = "parts-merged"
    // Places
    public static let nullGeometry: FindingCode = "null-geometry"
    public static let hazardWithoutGeometry: FindingCode = "hazard-without-geometry"
    public static let outsideJapan: FindingCode = "outside-japan"
    public static let axesSwapped: FindingCode = "axes-swapped"
    // Reference systems
    public static let assumedDegrees: FindingCode = "assumed-degrees"
    public static let datumShiftUnknown: FindingCode = "datum-shift-unknown"
    public static let datumAccuracy: FindingCode = "datum-accuracy"
    // Attributes
    public static let duplicateID: FindingCode = "duplicate-id"
    public static let nullID: FindingCode = "null-id"
    public static let castFailed: FindingCode = "cast-failed"
    public static let undecodableText: FindingCode = "undecodable-text"
    public static let newAttribute: FindingCode = "new-attribute"
    public static let newInternalAttribute: FindingCode = "new-internal-attribute"
    // Hazards
    public static let coverageBox: FindingCode = "coverage-bbox"
    public static let noCoverage: FindingCode = "no-coverage"
    // Tiles
    public static let notSimplified: FindingCode = "not-simplified"
    // Sources
    public static let emptySource: FindingCode = "empty-source"
    public static let fewerFeatures: FindingCode = "feature-count"
    public static let sourceNote: FindingCode = "source-note"
    // Maps
    public static let importance: FindingCode = "importance"
}

/// What a code means and what to do about it, in Japanese and English.
public struct FindingMeaning: Sendable {
    public var severity: Severity
    public var message: LocalizedText
    public var advice: LocalizedText?

    init(_ severity: Severity, ja: String, en: String, adviceJa: String? = nil, adviceEn: String? = nil) {
        self.severity = severity
        message = LocalizedText(ja: ja, en: en)
        advice = adviceJa.map { LocalizedText(ja: $0, en: adviceEn) }
    }
}

extension FindingCode {
    /// Of codes that come from the importer and are not in the table: a warning in its own words.
    public var meaning: FindingMeaning {
        Self.meanings[self]
            ?? FindingMeaning(.warning, ja: "読み込み時の指摘（\(rawValue)）", en: "Noted while reading (\(rawValue))")
    }

    /// A repair for a rule of validity: `repaired-self-intersection`.
    static func repaired(_ rule: String) -> FindingCode { FindingCode(rawValue: "repaired-\(rule)") }

    public var isRepair: Bool {
        rawValue.hasPrefix("repaired-") || self == .ringNotClosed || self == .collapsedRing || self == .partsMerged
    }

    static let lookHere = (ja: "元データの該当箇所を確認してください。", en: "Look at the places in the source.")

    private static let meanings: [FindingCode: FindingMeaning] = {
        var table = geometryMeanings
        table.merge(otherMeanings) { first, _ in first }
        for rule in repairRules {
            table[.repaired(rule.name)] = FindingMeaning(
                .info, ja: "\(rule.ja)を修復しました。", en: "Repaired: \(rule.en).", adviceJa: lookHere.ja, adviceEn: lookHere.en)
        }
        return table
    }()

    private static let repairRules: [(name: String, ja: String, en: String)] = [
        ("self-intersection", "自己交差", "self-intersection"),
        ("ring-self-intersection", "輪の自己接触", "a ring that touches itself"),
        ("hole-outside-shell", "外周の外にある穴", "a hole outside its shell"),
        ("nested-holes", "穴の中の穴", "a hole inside a hole"),
        ("nested-shells", "外周の中の外周", "a shell inside a shell"),
        ("disconnected-interior", "穴で分断された内部", "an interior cut apart by holes"),
        ("duplicate-rings", "重複した輪", "a ring given twice"),
        ("too-few-points", "点の足りない輪", "a ring with too few points"),
        ("invalid-geometry", "不正な図形", "an invalid geometry"),
    ]

    private static let geometryMeanings: [FindingCode: FindingMeaning] = [
        .badGeometry: FindingMeaning(.warning, ja: "図形を読み取れません。", en: "The geometry cannot be read."),
        .notFinite: FindingMeaning(.warning, ja: "座標が数値ではありません（NaN・無限大）。", en: "A coordinate is not a finite number."),
        .outsideWorld: FindingMeaning(
            .warning, ja: "経度±180・緯度±90の外にあります。", en: "Outside ±180 and ±90 degrees.", adviceJa: "座標参照系（--crs）が正しいか確認してください。",
            adviceEn: "See whether the reference system (--crs) is right."),
        .notTransformable: FindingMeaning(
            .warning, ja: "経緯度に変換できない座標です。", en: "A coordinate has no place on the ground in the source's reference system.",
            adviceJa: "座標参照系（--crs）が正しいか確認してください。", adviceEn: "See whether the reference system (--crs) is right."),
        .tooFewPoints: FindingMeaning(.warning, ja: "点が足りず図形になりません。", en: "Too few distinct points to be a geometry."),
        .unclearGeometry: FindingMeaning(
            .warning, ja: "図形が不正で、二通りに読めるため修復しません。", en: "Invalid, and its rings can be read in two ways: not repaired.",
            adviceJa: "元データの図形を直してください。", adviceEn: "Correct the geometry in the source."),
        .unrepairable: FindingMeaning(
            .warning, ja: "図形が不正で、修復できません。", en: "Invalid and cannot be repaired.", adviceJa: "元データの図形を直してください。",
            adviceEn: "Correct the geometry in the source."),
        .rejectedFeatures: FindingMeaning(
            .blocking, ja: "読み込めない地物があります。", en: "Some features cannot be loaded.",
            adviceJa: "元データを直すか、--accept rejected-features で残りだけを読み込みます。危険区域のレイヤーでは、その範囲は「判定不能」になります。",
            adviceEn:
                "Correct the source, or load the others with --accept rejected-features; in a hazard layer their area then answers “unknown”."
        ),
        .ringNotClosed: FindingMeaning(.info, ja: "閉じていない輪を閉じました。", en: "A ring that was not closed was closed."),
        .duplicateVertices: FindingMeaning(.info, ja: "連続する同じ頂点を一つにしました。", en: "Vertices repeated in a row were made one."),
        .collapsedRing: FindingMeaning(
            .info, ja: "面積のない輪を除きました。", en: "A ring without area was left out."),
        .winding: FindingMeaning(
            .info, ja: "輪の向きをそろえました（外周は反時計回り）。", en: "The direction of rings was made that of RFC 7946, shells counter-clockwise."),
        .partsMerged: FindingMeaning(
            .info, ja: "重なる・接する部分を一つの面にまとめました。", en: "Parts that overlap or share edges were merged into one area."),
        .nullGeometry: FindingMeaning(
            .warning, ja: "図形のない地物です（属性だけを読み込みます）。", en: "A feature without geometry (its attributes are loaded)."),
        .hazardWithoutGeometry: FindingMeaning(
            .blocking, ja: "危険区域のレイヤーに図形のない地物があります。", en: "A hazard layer has features without geometry.",
            adviceJa: "元データを直してください。--accept hazard-without-geometry で読み込むと、区域外はすべて「判定不能」になります。",
            adviceEn: "Correct the source. With --accept hazard-without-geometry everything outside the areas answers “unknown”."),
        .outsideJapan: FindingMeaning(
            .warning, ja: "日本の範囲（経度122～154、緯度20～46）の外にあります。", en: "Outside Japan (longitude 122–154, latitude 20–46).",
            adviceJa: "座標参照系（--crs）が正しいか確認してください。", adviceEn: "See whether the reference system (--crs) is right."),
        .axesSwapped: FindingMeaning(
            .blocking, ja: "緯度と経度が入れ替わっているようです。", en: "Latitude and longitude seem to be swapped.",
            adviceJa: "元データの列（X=経度、Y=緯度）を確認してください。", adviceEn: "See that x is longitude and y is latitude in the source."),
    ]

    private static let otherMeanings: [FindingCode: FindingMeaning] = [
        .notSimplified: FindingMeaning(
            .info, ja: "頂点が多いため、縮小表示でも線を簡略化しません。", en: "Too many vertices to be simplified for far zooms; tiles there are larger."),
        .assumedDegrees: FindingMeaning(
            .info, ja: "座標参照系の指定がなく、値が日本の経緯度なので JGD2011 の経緯度としました。",
            en: "No reference system is named; the values are longitudes and latitudes of Japan and were taken as JGD2011."),
        .datumShiftUnknown: FindingMeaning(
            .blocking, ja: "測地系の変換に必要な補正パラメータがなく、位置がずれている可能性があります。",
            en: "The grid for the datum shift is missing; places may be off.",
            adviceJa: "国土地理院のパラメータ（tky2jgd.gsb、touhokutaiheiyouoki2011.gsb）をデータ領域の grids/ に置くか、ずれを承知で --accept datum-shift-unknown を付けます。",
            adviceEn:
                "Put GSI's grids (tky2jgd.gsb, touhokutaiheiyouoki2011.gsb) into grids/ of the data directory, or accept the error with --accept datum-shift-unknown."
        ),
        .datumAccuracy: FindingMeaning(
            .warning, ja: "測地系の変換の精度が低くなっています。", en: "The datum shift is of low accuracy.",
            adviceJa: "国土地理院のパラメータをデータ領域の grids/ に置いて読み込み直してください。",
            adviceEn: "Put GSI's grids into grids/ of the data directory and load again."),
        .duplicateID: FindingMeaning(
            .blocking, ja: "同じIDの地物が複数あります。", en: "Features share an id.",
            adviceJa: "ID列を直すか別の列を指定します。--accept duplicate-id を付けると、この列を使わず番号を振ります。",
            adviceEn: "Correct the id column or name another. With --accept duplicate-id numbers are given instead."),
        .nullID: FindingMeaning(
            .blocking, ja: "IDのない地物があります。", en: "Features have no id.",
            adviceJa: "ID列を直すか別の列を指定します。--accept null-id を付けると、この列を使わず番号を振ります。",
            adviceEn: "Correct the id column or name another. With --accept null-id numbers are given instead."),
        .castFailed: FindingMeaning(
            .blocking, ja: "指定の型に直せない値があります（空欄として読み込みます）。", en: "A value does not fit the type asked for (it is loaded as null).",
            adviceJa: "layer.yaml の type を見直すか、--accept cast-failed を付けます。",
            adviceEn: "Change `type` in layer.yaml, or use --accept cast-failed."),
        .undecodableText: FindingMeaning(
            .blocking, ja: "文字コードとして読めない文字があります。", en: "Text that does not decode in the encoding.",
            adviceJa: "--encoding CP932 または --encoding UTF-8 を指定してください。",
            adviceEn: "Name the encoding: --encoding CP932 or --encoding UTF-8."),
        .newAttribute: FindingMeaning(
            .blocking, ja: "公開中の版にない列が元データにあります。このまま読み込むと誰にでも見えるようになります。",
            en: "The source has a column that the published version has not; loaded like this, everybody would see it.",
            adviceJa:
                "公開してよい列か確かめてください。よければ --accept new-attribute（layer.yaml では accept）を付けるか、layer.yaml の attributes に書きます。公開しない列には visibility: internal を指定します。",
            adviceEn:
                "See whether everybody may know it. If so, --accept new-attribute (accept in layer.yaml), or name it under attributes in layer.yaml; there visibility: internal keeps it from the public."
        ),
        .newInternalAttribute: FindingMeaning(
            .warning, ja: "公開中の版にない列が元データにあります。", en: "The source has a column that the published version has not.",
            adviceJa: "このレイヤーを見られる職員に見せてよい列か確かめてください。", adviceEn: "See whether everybody who may see the layer may know it."),
        .coverageBox: FindingMeaning(
            .blocking, ja: "調査範囲が四角形で代用されています。", en: "The surveyed area is given as a mere box.",
            adviceJa: "調査範囲のファイルを指定するか、accept に coverage-bbox を加えてください。",
            adviceEn: "Name a file of the surveyed area, or accept coverage-bbox."),
        .noCoverage: FindingMeaning(
            .warning, ja: "調査範囲の指定がありません。区域外はすべて「判定不能」になります。",
            en: "No surveyed area is given: everything outside the areas answers “unknown”.",
            adviceJa: "layer.yaml の hazard.coverage を指定してください。",
            adviceEn: "Name it under hazard.coverage in layer.yaml."),
        "bad-shape": FindingMeaning(
            .blocking, ja: "壊れていて読めない図形があります。", en: "A shape is damaged and cannot be read.", adviceJa: lookHere.ja, adviceEn: lookHere.en),
        "feature-too-large": FindingMeaning(.warning, ja: "大きすぎて読めない地物です。", en: "A feature is too large to be read."),
        "row-without-attributes": FindingMeaning(
            .blocking, ja: "属性表（.dbf）が途中で終わっています。", en: "The table (.dbf) ends before the shapes do.", adviceJa: "ファイルが壊れていないか確認してください。",
            adviceEn: "See whether the file is damaged."),
        "row-without-shape": FindingMeaning(
            .blocking, ja: "属性表（.dbf）の行が図形より多くあります。", en: "The table (.dbf) has more rows than there are shapes.",
            adviceJa: "ファイルが壊れていないか確認してください。",
            adviceEn: "See whether the file is damaged."),
        "table-cut": FindingMeaning(
            .blocking, ja: "属性表（.dbf）が途中で切れています。", en: "The table (.dbf) is cut off.", adviceJa: "ファイルが壊れていないか確認してください。",
            adviceEn: "See whether the file is damaged."),
        "bad-place": FindingMeaning(
            .warning, ja: "座標が数値ではありません（図形なしとして読み込みます）。", en: "Coordinates are not numbers (loaded without a place)."),
        "no-place": FindingMeaning(.warning, ja: "座標が空欄です（図形なしとして読み込みます）。", en: "No coordinates (loaded without a place)."),
        "bad-date": FindingMeaning(.warning, ja: "存在しない日付です（空欄として読み込みます）。", en: "There is no such day (loaded as null)."),
        "bad-time": FindingMeaning(.warning, ja: "存在しない時刻です（空欄として読み込みます）。", en: "There is no such time (loaded as null)."),
        "bad-number": FindingMeaning(.warning, ja: "数値ではありません（空欄として読み込みます）。", en: "Not a number (loaded as null)."),
        "not-a-number": FindingMeaning(.warning, ja: "NaN または無限大です（空欄として読み込みます）。", en: "Infinite or not a number (loaded as null)."),
        "number-too-large": FindingMeaning(
            .warning, ja: "整数の桁が多すぎて読み取れません（空欄として読み込みます）。", en: "A whole number with too many digits to be held (loaded as null).",
            adviceJa: "番号やコードなら、元データで文字列にしてください。",
            adviceEn: "Where it is a number or code by which things are known, make it text in the source."),
        "bad-json": FindingMeaning(.warning, ja: "JSON として読めません（空欄として読み込みます）。", en: "Not JSON (loaded as null)."),
        "cut-text": FindingMeaning(.info, ja: "列の幅で文字の途中が切れていました。", en: "A text fills its column and was cut inside a character."),
        "wrong-encoding-file": FindingMeaning(
            .warning, ja: ".cpg の文字コードが実際と違います。", en: "The .cpg file names another encoding than the text has."),
        .emptySource: FindingMeaning(.blocking, ja: "地物が一つもありません。", en: "The source has no features."),
        .sourceNote: FindingMeaning(.info, ja: "読み込み時の注記", en: "Noted while reading"),
        .importance: FindingMeaning(
            .info, ja: "遠い縮尺では、この属性の値が大きい地物から残します。style.importance を変えたときは、読み込み直すと新しい版に反映されます。",
            en:
                "Far zooms keep the features of which this attribute is greatest. A change of style.importance takes a new load, and shows in the new version."
        ),
        .fewerFeatures: FindingMeaning(
            .warning, ja: "ファイルが示す件数と読めた件数が違います。", en: "The file says another number of features than could be read.",
            adviceJa: "ファイルが壊れていないか確認してください。", adviceEn: "See whether the file is damaged."),
    ]
}
