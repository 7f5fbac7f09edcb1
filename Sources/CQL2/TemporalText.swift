import Geo

/// Dates and timestamps as both forms write them: RFC 3339.
enum TemporalText {
    /// `2024-03-31` (full-date).
    static func day(_ text: String, at offset: Int) throws(FilterError) -> Day {
        var digits = Digits(text)
        guard let day = digits.day(), digits.isAtEnd else {
            throw .syntax(
                offset, ja: "日付は '2024-03-31' の形で、実在する日を書いてください。", en: "A date is written '2024-03-31', and must be one of the calendar.")
        }
        return day
    }

    /// `2024-03-31T12:00:00.5Z`, to the microsecond; further digits are cut off.
    ///
    /// The grammar has `Z` only. An offset such as `+09:00` is taken too, as Python's and older Qt's writers send it: it means one
    /// instant just as well. Without a zone it would not.
    static func instant(_ text: String, at offset: Int) throws(FilterError) -> Instant {
        var digits = Digits(text)
        guard let instant = digits.instant(), digits.isAtEnd else {
            throw .syntax(
                offset, ja: "時刻は '2024-03-31T12:00:00Z' の形で、実在する日時をUTCで書いてください(末尾の Z か +09:00 などの時差が必要です)。",
                en: "A timestamp is written '2024-03-31T12:00:00Z': a real date and time, with Z or an offset such as +09:00 at its end.")
        }
        return instant
    }

    /// A date or a timestamp, whichever it is; nil for `..`.
    static func end(_ text: String, at offset: Int) throws(FilterError) -> Expression? {
        if text == ".." { return nil }
        if text.utf8.count <= 10 { return .date(try day(text, at: offset)) }
        return .timestamp(try instant(text, at: offset))
    }

    /// `2024-03-31`.
    static func text(_ day: Day) -> String {
        let civil = day.civil
        return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
    }

    /// In UTC, as the schema of the JSON form wants it; fractions of a second as many digits as needed.
    static func text(_ instant: Instant) -> String {
        let dayLength: Int64 = 86_400_000_000
        var days = instant.microseconds / dayLength
        var rest = instant.microseconds % dayLength
        if rest < 0 {
            days -= 1
            rest += dayLength
        }
        var result = text(Day(daysSince1970: Int32(truncatingIfNeeded: days)))
        let seconds = Int(rest / 1_000_000)
        result += "T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        var fraction = Int(rest % 1_000_000)
        if fraction > 0 {
            var width = 6
            while fraction % 10 == 0 {
                fraction /= 10
                width -= 1
            }
            result += "." + padded(fraction, width)
        }
        return result + "Z"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private struct Digits {
        private let bytes: [UInt8]
        private var position = 0

        init(_ text: String) {
            bytes = Array(text.utf8)
        }

        var isAtEnd: Bool { position == bytes.count }

        mutating func day() -> Day? {
            guard let year = number(4), sign("-"), let month = number(2), sign("-"), let day = number(2) else { return nil }
            return Day(year: year, month: month, day: day)
        }

        mutating func instant() -> Instant? {
            guard let day = day(), sign("T") || sign("t"), let hour = number(2), sign(":"), let minute = number(2), sign(":"),
                let second = number(2), hour < 24, minute < 60, second < 60
            else { return nil }
            var microseconds = Int64((hour * 60 + minute) * 60 + second) * 1_000_000
            if sign(".") {
                guard position < bytes.count, (48...57).contains(bytes[position]) else { return nil }
                var scale: Int64 = 100_000
                while position < bytes.count, (48...57).contains(bytes[position]) {
                    microseconds += Int64(bytes[position] - 48) * scale
                    scale /= 10
                    position += 1
                }
            }
            microseconds += Int64(day.daysSince1970) * 86_400_000_000
            if !sign("Z") && !sign("z") {
                let east = sign("+")
                guard east || sign("-"), let hours = number(2), sign(":"), let minutes = number(2), hours < 24, minutes < 60 else {
                    return nil
                }
                microseconds += Int64(hours * 60 + minutes) * (east ? -60_000_000 : 60_000_000)
            }
            // In UTC it must still be of the years 0 to 9999, or it could not be written.
            guard (Self.earliest..<Self.latest).contains(microseconds) else { return nil }
            return Instant(microseconds: microseconds, zoneMinutes: 0)
        }

        private static let earliest: Int64 = -719_528 * 86_400_000_000
        private static let latest: Int64 = 2_932_897 * 86_400_000_000

        private mutating func number(_ width: Int) -> Int? {
            guard position + width <= bytes.count else { return nil }
            var value = 0
            for _ in 0..<width {
                guard (48...57).contains(bytes[position]) else { return nil }
                value = 10 * value + Int(bytes[position] - 48)
                position += 1
            }
            return value
        }

        private mutating func sign(_ sign: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: sign) else { return false }
            position += 1
            return true
        }
    }
}
