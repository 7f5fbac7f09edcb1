import Foundation
import Geo
import LayerStore
import RecordStream

/// Puts the values of a feature into a layer, changing their type where the description asks for another.
struct ValueWriter {
    let plan: ColumnPlan
    let builder: LayerBuilder
    private let isPlain: [Bool]

    init(plan: ColumnPlan, builder: LayerBuilder) {
        self.plan = plan
        self.builder = builder
        isPlain = plan.columns.map { !$0.isCast }
    }

    /// - Parameter failed: called with the column whose value does not fit the type asked for; it stays null.
    @inline(__always)
    func write(_ fields: inout FieldCursor, failed: (Int) -> Void) throws(LayerFileError) {
        var index = 0
        while let value = fields.next() {
            if isPlain[index] {
                try put(value, index)
            } else if try !cast(value, to: plan.columns[index].attribute.type, index) {
                failed(index)
            }
            index += 1
        }
    }

    @inline(__always)
    private func put(_ value: FieldValue, _ index: Int) throws(LayerFileError) {
        switch value {
        case .null: break
        case .integer(let number): builder.set(index, integer: number)
        case .real(let number): builder.set(index, real: number)
        case .boolean(let truth): builder.set(index, boolean: truth)
        case .date(let day): builder.set(index, date: day)
        case .time(let instant): builder.set(index, time: Self.utc(instant))
        case .text(let bytes): try builder.set(index, text: bytes)
        case .json(let bytes): try builder.set(index, json: bytes)
        }
    }

    /// Times without a zone are Japan's.
    static func utc(_ instant: Instant) -> Instant {
        guard instant.zoneMinutes == nil else { return instant }
        return Instant(microseconds: instant.microseconds - 9 * 3_600_000_000, zoneMinutes: nil)
    }

    /// False: the value does not fit.
    private func cast(_ value: FieldValue, to type: AttributeType, _ index: Int) throws(LayerFileError) -> Bool {
        if case .null = value { return true }
        switch type {
        case .text, .json:
            guard let text = Self.text(value) else { return false }
            if type == .text {
                try builder.set(index, text: text)
            } else {
                guard JSONCheck.isWhole(text) else { return false }
                let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, text.utf8.count), alignment: 1)
                defer { bytes.deallocate() }
                bytes.copyBytes(from: text.utf8)
                try builder.set(index, json: UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count]))
            }
            return true
        case .integer:
            switch value {
            case .real(let number):
                guard let whole = Int64(exactly: number) else { return false }
                builder.set(index, integer: whole)
                return true
            case .boolean(let truth):
                builder.set(index, integer: truth ? 1 : 0)
                return true
            default: break
            }
        case .real:
            switch value {
            case .integer(let number):
                guard let exact = Double(exactly: number) else { return false }
                builder.set(index, real: exact)
                return true
            default: break
            }
        case .boolean:
            if case .integer(let number) = value, number == 0 || number == 1 {
                builder.set(index, boolean: number == 1)
                return true
            }
        case .date:
            if case .time(let instant) = value {
                // The day on the clock of the place it was written in.
                let zone = Int64(instant.zoneMinutes ?? 0) * 60_000_000
                let days = (instant.microseconds + zone).flooredDivision(by: 86_400_000_000)
                builder.set(index, date: Day(daysSince1970: Int32(clamping: days)))
                return true
            }
        case .time:
            if case .date(let day) = value {
                let midnight = Int64(day.daysSince1970) * 86_400_000_000
                builder.set(index, time: Self.utc(Instant(microseconds: midnight, zoneMinutes: nil)))
                return true
            }
        }
        guard case .text(let bytes) = value else { return false }
        let text = Self.folded(String(decoding: bytes, as: UTF8.self))
        // A blank is no value.
        if text.isEmpty { return true }
        return parse(text, as: type, index)
    }

    private func parse(_ text: String, as type: AttributeType, _ index: Int) -> Bool {
        switch type {
        case .integer:
            let plain = text.replacing(",", with: "")
            if let number = Int64(plain) {
                builder.set(index, integer: number)
            } else {
                // 12.0 is how spreadsheets write 12.
                guard let real = Double(plain), let whole = Int64(exactly: real) else { return false }
                builder.set(index, integer: whole)
            }
        case .real:
            let plain = text.replacing(",", with: "")
            guard plain.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }), let number = Double(plain),
                number.isFinite
            else { return false }
            builder.set(index, real: number)
        case .boolean:
            switch text.lowercased() {
            case "1", "true", "t", "yes", "y", "有", "あり", "○", "◯", "〇": builder.set(index, boolean: true)
            case "0", "false", "f", "no", "n", "無", "なし", "×", "✕": builder.set(index, boolean: false)
            default: return false
            }
        case .date:
            guard let day = Self.day(text) else { return false }
            builder.set(index, date: day)
        case .time:
            guard let instant = Self.instant(text) else { return false }
            builder.set(index, time: instant)
        case .text, .json: return false
        }
        return true
    }

    // MARK: Texts

    private static func text(_ value: FieldValue) -> String? {
        switch value {
        case .null: nil
        case .integer(let number): String(number)
        // A whole number in a column of reals is written as a whole number.
        case .real(let number): Int64(exactly: number).map { String($0) } ?? "\(number)"
        case .boolean(let truth): truth ? "true" : "false"
        case .date(let day): String(day)
        case .time(let instant): String(instant)
        case .text(let bytes), .json(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Without blanks around it, and with half-width digits and signs.
    private static func folded(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0xFF01...0xFF5E: result.unicodeScalars.append(Unicode.Scalar(scalar.value - 0xFEE0)!)
            case 0x3000: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// `2024-03-31`, `2024/3/31`, `20240331`, `2024年3月31日`, `令和6年3月31日`, `R6.3.31`.
    static func day(_ text: String) -> Day? {
        if text.utf8.count == 8, let number = Int(text) { return Day(year: number / 10_000, month: number / 100 % 100, day: number % 100) }
        var rest = Substring(text)
        var base = 0
        for (name, year) in eras where rest.hasPrefix(name) {
            base = year
            rest = rest.dropFirst(name.count)
            break
        }
        if base > 0, rest.hasPrefix("元") { rest = "1" + rest.dropFirst() }
        let numbers = rest.split(whereSeparator: { "-/.年月日 ".contains($0) }).map { Int($0) }
        guard numbers.count == 3, let year = numbers[0], let month = numbers[1], let day = numbers[2] else { return nil }
        guard base > 0 ? (1...99).contains(year) : (1000...9999).contains(year) else { return nil }
        return Day(year: base + year, month: month, day: day)
    }

    /// The year before the first of each era.
    private static let eras: [(String, Int)] = [
        ("令和", 2018), ("平成", 1988), ("昭和", 1925), ("大正", 1911), ("明治", 1867), ("R", 2018), ("H", 1988), ("S", 1925), ("T", 1911),
        ("M", 1867),
    ]

    /// RFC 3339, with a blank for the T, seconds and zone left out as people do; without a zone Japan's.
    static func instant(_ text: String) -> Instant? {
        guard let gap = text.firstIndex(where: { "Tt ".contains($0) }) else {
            return day(text).map { utc(Instant(microseconds: Int64($0.daysSince1970) * 86_400_000_000, zoneMinutes: nil)) }
        }
        guard let day = day(String(text[..<gap])) else { return nil }
        var clock = text[text.index(after: gap)...]
        var zone: Int16?
        if clock.hasSuffix("Z") || clock.hasSuffix("z") {
            zone = 0
            clock = clock.dropLast()
        } else if let sign = clock.lastIndex(where: { "+-".contains($0) }) {
            let parts = clock[clock.index(after: sign)...].split(separator: ":").compactMap { Int16($0) }
            guard (1...2).contains(parts.count), parts[0] <= 14, parts.last! < 60 else { return nil }
            zone = (parts[0] * 60 + (parts.count == 2 ? parts[1] : 0)) * (clock[sign] == "-" ? -1 : 1)
            clock = clock[..<sign]
        }
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
        guard (2...3).contains(parts.count), let hour = parts[0], let minute = parts[1], (0..<24).contains(hour), (0..<60).contains(minute)
        else { return nil }
        var second = 0.0
        if parts.count == 3 {
            guard let given = parts[2], (0..<61).contains(given) else { return nil }
            second = given
        }
        let wall =
            Int64(day.daysSince1970) * 86_400_000_000 + Int64(hour) * 3_600_000_000 + Int64(minute) * 60_000_000
            + Int64((second * 1e6).rounded())
        guard let zone else { return utc(Instant(microseconds: wall, zoneMinutes: nil)) }
        return Instant(microseconds: wall - Int64(zone) * 60_000_000, zoneMinutes: zone)
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

extension String {
    /// `2024-03-31`.
    fileprivate init(_ day: Day) {
        let (year, month, date) = day.civil
        self = "\(year.padded(4))-\(month.padded(2))-\(date.padded(2))"
    }

    /// RFC 3339 in the zone it was written in; without one as it was written, with none.
    fileprivate init(_ instant: Instant) {
        let wall = instant.microseconds + Int64(instant.zoneMinutes ?? 0) * 60_000_000
        let days = wall.flooredDivision(by: 86_400_000_000)
        let rest = Int(wall - days * 86_400_000_000)
        let (hour, minute, second, micro) = (rest / 3_600_000_000, rest / 60_000_000 % 60, rest / 1_000_000 % 60, rest % 1_000_000)
        self = String(Day(daysSince1970: Int32(clamping: days))) + "T\(hour.padded(2)):\(minute.padded(2)):\(second.padded(2))"
        if micro != 0 { self += ".\(micro.padded(6))" }
        guard let zone = instant.zoneMinutes else { return }
        self += zone == 0 ? "Z" : "\(zone < 0 ? "-" : "+")\((abs(Int(zone)) / 60).padded(2)):\((abs(Int(zone)) % 60).padded(2))"
    }
}

extension Int {
    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}

/// Whether a text is JSON, by Foundation: only for the few values that a description makes JSON of.
private enum JSONCheck {
    static func isWhole(_ text: String) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil
    }
}
