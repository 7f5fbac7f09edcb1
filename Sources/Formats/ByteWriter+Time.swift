public import Geo

extension ByteWriter {
    /// A calendar day, `2024-03-31` (RFC 3339, 5.6, full-date).
    public mutating func day(_ day: Day) {
        let civil = day.civil
        reserve(10)
        padded(civil.year, 4)
        unchecked(45)
        padded(civil.month, 2)
        unchecked(45)
        padded(civil.day, 2)
    }

    /// An instant, `2024-03-31T12:00:00+09:00` (RFC 3339, 5.6), in the zone it was written in, or else in `zoneMinutes`. Fractions of a second only where there are some.
    public mutating func instant(_ instant: Instant, zoneMinutes: Int16 = 540) {
        let zone = Int64(instant.zoneMinutes ?? zoneMinutes)
        let local = instant.microseconds &+ zone * 60_000_000
        let dayLength: Int64 = 86_400_000_000
        let days = local >= 0 ? local / dayLength : (local - dayLength + 1) / dayLength
        let rest = local - days * dayLength
        day(Day(daysSince1970: Int32(truncatingIfNeeded: days)))
        reserve(24)
        unchecked(84)
        padded(Int(rest / 3_600_000_000), 2)
        unchecked(58)
        padded(Int(rest / 60_000_000 % 60), 2)
        unchecked(58)
        padded(Int(rest / 1_000_000 % 60), 2)
        let fraction = Int(rest % 1_000_000)
        if fraction > 0 {
            unchecked(46)
            if fraction % 1000 == 0 { padded(fraction / 1000, 3) } else { padded(fraction, 6) }
        }
        if zone == 0 {
            unchecked(90)
        } else {
            unchecked(zone < 0 ? 45 : 43)
            padded(Int(abs(zone)) / 60, 2)
            unchecked(58)
            padded(Int(abs(zone)) % 60, 2)
        }
    }

    private mutating func padded(_ value: Int, _ width: Int) {
        reserve(width)
        var scale = 1
        for _ in 1..<width { scale *= 10 }
        while scale > 0 {
            unchecked(48 + UInt8(truncatingIfNeeded: value / scale % 10))
            scale /= 10
        }
    }
}
