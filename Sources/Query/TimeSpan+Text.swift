import Geo

extension TimeSpan {
    /// Reads a `datetime` parameter (OGC 17-069r4, 7.15.4): an instant, a day, or an interval of them, an end of which may be open (`..` or nothing).
    ///
    /// - Parameter zoneMinutes: the zone of days, which RFC 3339 gives none; minutes east of UTC.
    /// - Returns: nil when it is not one, or when it ends before it starts.
    public init?(datetime text: String, zoneMinutes: Int = 540) {
        let ends = text.split(separator: "/", omittingEmptySubsequences: false)
        switch ends.count {
        case 1:
            guard let moment = TimeSpan.moment(ends[0], zoneMinutes) else { return nil }
            self.init(start: moment.first, end: moment.last)
        case 2:
            let open = ends.map { $0.isEmpty || $0 == ".." }
            let start = open[0] ? nil : TimeSpan.moment(ends[0], zoneMinutes)
            let end = open[1] ? nil : TimeSpan.moment(ends[1], zoneMinutes)
            guard open[0] || start != nil, open[1] || end != nil else { return nil }
            if let start, let end, start.first > end.last { return nil }
            self.init(start: start?.first, end: end?.last)
        default: return nil
        }
    }

    /// The microseconds that an RFC 3339 date or date-time covers.
    private static func moment(_ text: Substring, _ zoneMinutes: Int) -> (first: Int64, last: Int64)? {
        var scanner = Scanner(text)
        guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2), scanner.skip("-"),
            let dayOfMonth = scanner.digits(2), let day = Day(year: year, month: month, day: dayOfMonth)
        else { return nil }
        let midnight = Int64(day.daysSince1970) * 86_400_000_000
        if scanner.isAtEnd {
            let first = midnight - Int64(zoneMinutes) * 60_000_000
            return (first, first + 86_400_000_000 - 1)
        }
        // A leap second is taken for the second after it.
        guard scanner.skip("T") || scanner.skip("t") || scanner.skip(" "), let hour = scanner.digits(2), hour < 24, scanner.skip(":"),
            let minute = scanner.digits(2), minute < 60, scanner.skip(":"), let second = scanner.digits(2), second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if scanner.skip(".") {
            guard let microseconds = scanner.fraction() else { return nil }
            fraction = microseconds
        }
        guard let zone = scanner.zone(), scanner.isAtEnd else { return nil }
        let seconds = Int64(hour) * 3600 + Int64(minute) * 60 + Int64(second) - Int64(zone) * 60
        let instant = midnight + seconds * 1_000_000 + fraction
        return (instant, instant)
    }

    private struct Scanner {
        private var rest: Substring.UTF8View

        init(_ text: Substring) {
            rest = text.utf8
        }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func digits(_ count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            var value = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        private mutating func digit() -> Int? {
            guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            rest.removeFirst()
            return Int(byte - UInt8(ascii: "0"))
        }

        /// Microseconds; what is finer is cut off.
        mutating func fraction() -> Int64? {
            guard var value = digit().map(Int64.init) else { return nil }
            var count = 1
            while let digit = digit() {
                if count < 6 {
                    value = value * 10 + Int64(digit)
                    count += 1
                }
            }
            for _ in count..<6 { value *= 10 }
            return value
        }

        /// `Z` or `±hh:mm` in minutes. A `+` that was not encoded comes out of a query string as a space.
        mutating func zone() -> Int? {
            if skip("Z") || skip("z") { return 0 }
            let sign = skip("+") || skip(" ") ? 1 : skip("-") ? -1 : 0
            guard sign != 0, let hours = digits(2), hours < 24, skip(":"), let minutes = digits(2), minutes < 60 else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }
}
