/// What an attribute's values are.
public enum AttributeType: String, Sendable, Codable, CaseIterable {
    /// A whole number of 64 bits.
    case integer
    /// A double.
    case real
    case boolean
    /// A calendar day.
    case date
    /// An instant, with the zone it was written in where it was.
    case time
    case text
    /// A list or an object, kept as the JSON text it came as.
    case json
}

/// Who may see an attribute of a layer that they may see.
public enum Visibility: String, Sendable, Codable, CaseIterable {
    /// Everybody who may see the layer.
    case `public`
    /// Only viewers with a key.
    case `internal`
}

/// One attribute of a layer: its name, type and audience.
public struct Attribute: Sendable, Codable, Equatable {
    public var name: String
    public var type: AttributeType
    public var visibility: Visibility

    public init(name: String, type: AttributeType, visibility: Visibility = .public) {
        self.name = name
        self.type = type
        self.visibility = visibility
    }
}

/// A calendar day as days since 1970-01-01 in the proleptic Gregorian calendar.
public struct Day: Hashable, Sendable, Comparable, Codable {
    public var daysSince1970: Int32

    public init(daysSince1970: Int32) {
        self.daysSince1970 = daysSince1970
    }

    /// Nil when there is no such day. Years 0 to 9999.
    ///
    /// Rule: days from civil, H. Hinnant, “chrono-compatible low-level date algorithms”.
    public init?(year: Int, month: Int, day: Int) {
        guard (0...9999).contains(year), (1...12).contains(month), day >= 1, day <= Day.length(of: month, year: year) else { return nil }
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        daysSince1970 = Int32(era * 146_097 + dayOfEra - 719_468)
    }

    public var civil: (year: Int, month: Int, day: Int) {
        let z = Int(daysSince1970) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    public static func < (left: Day, right: Day) -> Bool { left.daysSince1970 < right.daysSince1970 }

    private static func length(of month: Int, year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// An instant: microseconds since 1970-01-01T00:00:00Z, and the zone it was written in.
public struct Instant: Hashable, Sendable, Codable {
    public var microseconds: Int64
    /// Minutes east of UTC; nil where the source gave no zone, and the layer's own (Japan's, +09:00, unless it says otherwise) was used.
    public var zoneMinutes: Int16?

    public init(microseconds: Int64, zoneMinutes: Int16?) {
        self.microseconds = microseconds
        self.zoneMinutes = zoneMinutes
    }
}

/// One value of an attribute.
public enum AttributeValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case boolean(Bool)
    case date(Day)
    case time(Instant)
    case text(String)
    case json(String)
}

/// A text in the languages of the people who read it; Japanese is always there.
public struct LocalizedText: Sendable, Codable, Equatable {
    /// By language tag (BCP 47): `ja`, `en`, …
    public var texts: [String: String]

    public init(_ texts: [String: String]) {
        self.texts = texts
    }

    public init(ja: String, en: String? = nil) {
        texts = ["ja": ja]
        if let en { texts["en"] = en }
    }

    /// The text in `language`, else in Japanese, else in whichever comes first by tag.
    public func text(_ language: String) -> String {
        texts[language] ?? texts["ja"] ?? texts.min { $0.key < $1.key }?.value ?? ""
    }

    public init(from decoder: any Decoder) throws {
        texts = try decoder.singleValueContainer().decode([String: String].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(texts)
    }
}
