import Geo

/// What the codes of an attribute mean, in order.
public struct CodeList: Sendable, Codable, Equatable {
    /// The name of a list that is known everywhere; nil for one written in the layer itself.
    public var name: String?
    public var codes: [Code]

    public struct Code: Sendable, Codable, Equatable {
        /// As it is written: `1`, `A-2`.
        public var value: String
        public var label: LocalizedText

        public init(value: String, label: LocalizedText) {
            self.value = value
            self.label = label
        }
    }

    public init(name: String?, codes: [Code]) {
        self.name = name
        self.codes = codes
    }

    /// The meaning of a value; numbers are compared as numbers written without a fraction.
    public func label(for value: AttributeValue) -> LocalizedText? {
        guard let text = ClassScheme.code(of: value) else { return nil }
        return codes.first { $0.value == text }?.label
    }

    /// The names `named(_:schemes:)` knows without a town's own.
    public static var names: [String] { ClassScheme.official.keys.sorted() + [phenomena.name!] }

    /// The classes of a scheme as codes, or another list that is known everywhere.
    public static func named(_ name: String, schemes: [ClassScheme] = []) -> CodeList? {
        if name == phenomena.name { return phenomena }
        guard let scheme = schemes.first(where: { $0.name == name }) ?? ClassScheme.official[name] else { return nil }
        if scheme == .landslide { return landslideZones }
        return CodeList(name: name, codes: scheme.classes.map { Code(value: $0.value, label: $0.label) })
    }

    /// 土砂災害の現象, A33_001 (国土数値情報, CodeOfPhenomenon).
    static let phenomena = CodeList(
        name: "landslide-phenomenon",
        codes: [
            Code(value: "1", label: LocalizedText(ja: "急傾斜地の崩壊", en: "Slope failure")),
            Code(value: "2", label: LocalizedText(ja: "土石流", en: "Debris flow")),
            Code(value: "3", label: LocalizedText(ja: "地滑り", en: "Landslide")),
        ])

    /// 土砂災害の区域, A33_002 (国土数値情報, CodeOfZone_h27).
    static let landslideZones = CodeList(
        name: "landslide",
        codes: [
            Code(value: "1", label: LocalizedText(ja: "警戒区域（指定済）", en: "Warning zone (designated)")),
            Code(value: "2", label: LocalizedText(ja: "特別警戒区域（指定済）", en: "Special warning zone (designated)")),
            Code(value: "3", label: LocalizedText(ja: "警戒区域（指定前）", en: "Warning zone (not yet designated)")),
            Code(value: "4", label: LocalizedText(ja: "特別警戒区域（指定前）", en: "Special warning zone (not yet designated)")),
        ])
}
