import Geo

/// One kind of thing found in a source: how often, and where.
public struct Finding: Sendable, Codable {
    public var code: FindingCode
    public var severity: Severity
    /// All there were, listed or not.
    public var count: Int
    public var message: LocalizedText
    public var advice: LocalizedText?
    /// Somebody accepted the code for this load.
    public var accepted: Bool
    /// The first ones, up to `FindingLog.placeLimit`.
    public var places: [Place]

    /// Where something was found.
    public struct Place: Sendable, Codable, Equatable {
        /// The feature's row in the source, from 0, or its number where the format has one.
        public var row: UInt64?
        /// The feature's own id, where it has one.
        public var id: String?
        public var longitude: Double?
        public var latitude: Double?
        /// In words, without attribute values.
        public var detail: String?

        public init(row: UInt64? = nil, id: String? = nil, near: Point? = nil, detail: String? = nil) {
            self.row = row
            self.id = id
            longitude = near?.x
            latitude = near?.y
            self.detail = detail
        }
    }

    /// Stops the load.
    public var isOpen: Bool { severity == .blocking && !accepted }
}

/// Counts findings by code and keeps the first places of each.
public struct FindingLog: Sendable {
    /// The most places listed a code.
    public static let placeLimit = 1000

    private var entries: [FindingCode: Entry] = [:]
    private var order: [FindingCode] = []

    private struct Entry {
        var count = 0
        var places: [Finding.Place] = []
        /// Differs from the table's where circumstances decide.
        var severity: Severity?
    }

    public init() {}

    public var codes: [FindingCode] { order }

    public func count(_ code: FindingCode) -> Int { entries[code]?.count ?? 0 }

    /// - Parameters:
    ///   - place: asked for only when it will be kept.
    ///   - severity: where circumstances decide it; the gravest that was given holds.
    public mutating func note(
        _ code: FindingCode, count: Int = 1, severity: Severity? = nil, _ place: @autoclosure () -> Finding.Place? = nil
    ) {
        if entries[code] == nil { order.append(code) }
        var entry = entries[code] ?? Entry()
        entries[code] = nil  // So that the list of places is changed, not copied.
        entry.count += count
        if let severity { entry.severity = max(severity, entry.severity ?? severity) }
        if entry.places.count < Self.placeLimit, let place = place() { entry.places.append(place) }
        entries[code] = entry
    }

    /// The findings, the gravest first, those of one severity in the order they were met.
    public func findings(accepted: Set<String>) -> [Finding] {
        let all = order.compactMap { code -> Finding? in
            guard let entry = entries[code] else { return nil }
            let meaning = code.meaning
            return Finding(
                code: code, severity: entry.severity ?? meaning.severity, count: entry.count, message: meaning.message,
                advice: meaning.advice,
                accepted: accepted.contains(code.rawValue), places: entry.places)
        }
        return all.enumerated().sorted { ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset) }.map(\.element)
    }
}
