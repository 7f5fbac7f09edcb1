import Geo

/// The classes of a hazard: their bounds, colours and labels.
///
/// A colour alone never tells a class: #F7F5A9 is “under 0.5 m” in `depth-6` and “0.3 to 0.5 m” in `depth-8`. So the scheme travels with
/// the layer, and each class has a pattern and a label besides.
public struct ClassScheme: Sendable, Codable, Equatable {
    public var name: String
    public var title: LocalizedText
    /// The unit of the bounds: `m`, `h`; nil where the classes have none.
    public var unit: String?
    /// In the order of legends.
    public var classes: [HazardClass]

    public init(name: String, title: LocalizedText, unit: String?, classes: [HazardClass]) {
        self.name = name
        self.title = title
        self.unit = unit
        self.classes = classes
    }

    /// The class of a feature's value; nil when it is null or the scheme does not know it.
    ///
    /// A number (a text of digits too) is the class's code. Another text is read as a label with bounds, such as 「0.3m以上0.5m未満」,
    /// and belongs to a class only when its interval lies inside that class's.
    /// - Parameter phenomenon: Landslides: 1, 2 or 3. Without it the zone still counts, with a label that does not name the phenomenon.
    public func classify(_ value: AttributeValue, phenomenon: AttributeValue = .null) -> HazardClass? {
        guard let code = ClassScheme.code(of: value) else { return nil }
        let matches = classes.filter { $0.value == code }
        if let exact = matches.first(where: { $0.phenomenon == nil }), matches.count == 1 { return exact }
        if !matches.isEmpty {
            let wanted = ClassScheme.code(of: phenomenon).flatMap { Int($0) }
            return matches.first { $0.phenomenon == wanted } ?? matches.first { $0.phenomenon == nil }
        }
        guard case .text(let text) = value, let interval = Interval(label: text, unit: unit) else { return nil }
        return classes.first { $0.contains(interval) }
    }

    /// How a value is written as a code: whole numbers without a fraction, texts without spaces around them and with ASCII digits.
    static func code(of value: AttributeValue) -> String? {
        switch value {
        case .null, .json, .date, .time: return nil
        case .integer(let number): return String(number)
        case .real(let number): return number.isFinite ? number.shortText : nil
        case .boolean(let flag): return String(flag)
        case .text(let text):
            let folded = String(String.UnicodeScalarView(text.unicodeScalars.map(Interval.folded)))
            let start = folded.drop { $0.isWhitespace }
            let end = start.reversed().drop { $0.isWhitespace }.count
            let code = String(start.prefix(end))
            guard code.count <= 20, !code.isEmpty, code.utf8.allSatisfy({ (48...57).contains($0) }) else {
                return code.isEmpty ? nil : code
            }
            return Int64(code).map(String.init) ?? code
        }
    }
}

/// One class of a scheme.
public struct HazardClass: Sendable, Codable, Equatable {
    /// The code in the data.
    public var rank: Int
    /// Landslides: which phenomenon the class is of; otherwise nil.
    public var phenomenon: Int?
    /// The value is at least this, in the scheme's unit.
    public var min: Double?
    /// The value is less than this; nil without an upper bound.
    public var max: Double?
    public var label: LocalizedText
    public var color: Color
    /// Tells the class without its colour.
    public var pattern: FillPattern
    /// 0 to 100, comparable between schemes; it orders answers and means nothing else.
    public var gravity: Int

    public init(
        rank: Int, phenomenon: Int? = nil, min: Double? = nil, max: Double? = nil, label: LocalizedText, color: Color,
        pattern: FillPattern, gravity: Int
    ) {
        self.rank = rank
        self.phenomenon = phenomenon
        self.min = min
        self.max = max
        self.label = label
        self.color = color
        self.pattern = pattern
        self.gravity = gravity
    }

    /// The code as it is written.
    public var value: String { String(rank) }

    func contains(_ interval: Interval) -> Bool {
        guard let min else { return false }
        guard interval.min >= min else { return false }
        guard let max else { return true }
        return interval.max.map { $0 <= max } ?? false
    }
}

/// Drawn over a class's colour, so that classes differ in black and white and for every eye; sparse to dense as gravity grows.
public enum FillPattern: String, Sendable, Codable, CaseIterable {
    case plain
    case dotsSparse = "dots-sparse"
    case dots
    case dotsDense = "dots-dense"
    case linesSparse = "lines-sparse"
    case lines
    case linesDense = "lines-dense"
    case cross
    case crossDense = "cross-dense"
}

/// A range of depths or durations, as a label of the data says it.
struct Interval: Equatable {
    var min: Double
    /// Nil without an upper bound.
    var max: Double?

    /// Reads 「0.5m以上3.0m未満」, 「20m以上」, 「0.3m未満」, 「0.5～1.0m」; digits and units may be of full width. Nil for anything else.
    ///
    /// 以下 and 未満 are taken alike: the bound itself has no width.
    init?(label: String, unit: String?) {
        guard let unit, unit == "m", label.utf8.count <= 100 else { return nil }
        let text = String(String.UnicodeScalarView(label.unicodeScalars.map(Interval.folded).filter { $0 != " " }))
        let number = "([0-9]+(?:\\.[0-9]+)?)(?:m|メートル)?"
        func match(_ pattern: String) -> [Double]? {
            guard let regex = try? Regex(pattern), let found = try? regex.wholeMatch(in: text) else { return nil }
            return found.output.dropFirst().compactMap { $0.substring.flatMap { Double($0) } }
        }
        if let bounds = match("\(number)(?:以上|[~-])[~-]?\(number)(?:未満|以下)?"), bounds.count == 2, bounds[0] < bounds[1] {
            self.init(min: bounds[0], max: bounds[1])
        } else if let bounds = match("\(number)(?:以上|[~-])"), bounds.count == 1 {
            self.init(min: bounds[0], max: nil)
        } else if let bounds = match("[~-]?\(number)(?:未満|以下)"), bounds.count == 1 {
            self.init(min: 0, max: bounds[0])
        } else {
            return nil
        }
    }

    init(min: Double, max: Double?) {
        self.min = min
        self.max = max
    }

    /// Full-width ASCII, and the several tildes, to ASCII.
    static func folded(_ scalar: UnicodeScalar) -> UnicodeScalar {
        switch scalar.value {
        case 0xFF01...0xFF5E: UnicodeScalar(scalar.value - 0xFEE0) ?? scalar
        case 0x301C, 0x223C: "~"
        case 0x3000: " "
        case 0x33A1: scalar
        default: scalar
        }
    }
}
