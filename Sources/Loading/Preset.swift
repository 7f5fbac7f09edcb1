import Descriptions
import Geo
import RecordStream

/// A known kind of national data: what its columns are called and mean.
///
/// A preset adds to the description what it does not say itself: attributes for columns that nobody described. Column codes are those of 国土数値情報
/// (製品仕様書 A31a, A33, A40, A49, N03).
struct Preset: Sendable {
    let name: String
    /// For each group of columns that belong together, the attributes.
    private let groups: [[Entry]]

    private struct Entry {
        var column: String
        var attribute: String
        var ja: String
        var en: String
        var type: AttributeType
        var codes: String?

        init(_ column: String, _ attribute: String, _ ja: String, _ en: String, _ type: AttributeType = .text, codes: String? = nil) {
            self.column = column
            self.attribute = attribute
            self.ja = ja
            self.en = en
            self.type = type
            self.codes = codes
        }
    }

    static var names: [String] { all.map(\.name) }

    static func named(_ name: String) throws(LoadError) -> Preset {
        guard let preset = all.first(where: { $0.name == name }) else {
            let list = names.joined(separator: ", ")
            throw LoadError(
                "unknown-preset", ja: "プリセット「\(name)」はありません。あるもの: \(list)", en: "There is no preset “\(name)”. There are: \(list)",
                isUsage: true)
        }
        return preset
    }

    /// The description's attributes, and the preset's for columns of the source that it leaves out.
    func attributes(_ described: [AttributeDescription], fields: [RecordField]) throws(LoadError) -> [AttributeDescription] {
        let names = Set(fields.map(\.name))
        guard let group = groups.first(where: { $0.contains { names.contains($0.column) } }) else {
            throw LoadError(
                "preset-mismatch", ja: "元データの列がプリセット「\(name)」のものではありません。",
                en: "The source does not have the columns of the preset “\(name)”.")
        }
        let taken = Set(described.map(\.column))
        let used = Set(described.map(\.name))
        let added = group.filter { names.contains($0.column) && !taken.contains($0.column) && !used.contains($0.attribute) }
        return described
            + added.map {
                AttributeDescription(
                    name: $0.attribute, column: $0.column, title: LocalizedText(ja: $0.ja, en: $0.en), type: $0.type,
                    codes: $0.codes.flatMap { CodeList.named($0) })
            }
    }

    /// One theme of A31a: the five columns of 計画規模 (1), 想定最大規模 (2), 浸水継続時間 (3) or 家屋倒壊等 (4).
    private static func flood(_ theme: Int) -> [Entry] {
        let codes: String? = theme == 3 ? "duration-7" : theme == 4 ? nil : "depth-6"
        return [
            Entry("A31a_\(theme)01", "river_number", "河川番号", "River number"), Entry("A31a_\(theme)02", "river", "河川名", "River"),
            Entry("A31a_\(theme)03", "keeper_code", "管理者コード", "Code of the keeper"),
            Entry("A31a_\(theme)04", "keeper", "管理者名", "Kept by"),
            // The last column of theme 4 is a kind of danger, not a rank.
            theme == 4
                ? Entry("A31a_405", "danger", "危険区域種別", "Kind of danger", .integer)
                : Entry(
                    "A31a_\(theme)05", "rank", theme == 3 ? "浸水継続時間ランク" : "浸水ランク", theme == 3 ? "Duration class" : "Depth class", .integer,
                    codes: codes),
        ]
    }

    private static let all: [Preset] = [
        Preset(name: "ksj-a31a", groups: (1...4).map { flood($0) }),
        Preset(
            name: "ksj-a33",
            groups: [
                [
                    Entry("A33_001", "phenomenon", "現象の種類", "Phenomenon", .integer, codes: "landslide-phenomenon"),
                    Entry("A33_002", "zone", "区域区分", "Zone", .integer, codes: "landslide"),
                    Entry("A33_003", "prefecture_code", "都道府県コード", "Prefecture code"),
                    Entry("A33_004", "zone_number", "区域番号", "Zone number"),
                    Entry("A33_005", "name", "区域名", "Name"), Entry("A33_006", "address", "所在地", "Address"),
                    Entry("A33_007", "notified", "告示日", "Notified", .date),
                    Entry("A33_008", "special_pending", "特別警戒未指定フラグ", "Special zone still to be designated", .integer),
                ]
            ]),
        // Depths of A40 and A49 are texts whose bounds differ between prefectures: they stay as they are.
        Preset(name: "ksj-a40", groups: [depthText("A40")]),
        Preset(name: "ksj-a49", groups: [depthText("A49")]),
        Preset(
            name: "ksj-n03",
            groups: [
                [
                    Entry("N03_001", "prefecture", "都道府県名", "Prefecture"), Entry("N03_002", "bureau", "支庁・振興局名", "Bureau"),
                    Entry("N03_003", "county", "郡・政令市名", "County or designated city"),
                    Entry("N03_004", "municipality", "市区町村名", "Municipality"),
                    Entry("N03_007", "code", "行政区域コード", "Municipality code"),
                ]
            ]),
    ]

    private static func depthText(_ code: String) -> [Entry] {
        [
            Entry("\(code)_001", "prefecture", "都道府県名", "Prefecture"),
            Entry("\(code)_002", "prefecture_code", "都道府県コード", "Prefecture code"),
            Entry("\(code)_003", "depth", "浸水深の区分", "Depth class"),
        ]
    }
}
