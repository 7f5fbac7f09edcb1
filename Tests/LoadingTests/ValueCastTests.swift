import Foundation
import Geo
import Testing

@testable import Loading

@Suite struct ValueCastTests {
    private static let days: [(String, String?)] = [
        ("2024-03-31", "2024-3-31"), ("2024/3/31", "2024-3-31"), ("20240331", "2024-3-31"), ("2024年3月31日", "2024-3-31"),
        ("令和6年3月31日", "2024-3-31"), ("令和元年5月1日", "2019-5-1"), ("R6.3.31", "2024-3-31"), ("H31.4.30", "2019-4-30"),
        ("昭和64年1月7日", "1989-1-7"), ("2023-02-29", nil), ("31-03-2024", nil), ("", nil), ("R6", nil), ("2024-03", nil), ("99999999", nil),
    ]

    @Test(arguments: days)
    func `days as Japanese offices write them`(text: String, civil: String?) {
        let day = ValueWriter.day(text)?.civil
        #expect(day.map { "\($0.year)-\($0.month)-\($0.day)" } == civil)
    }

    private static let instants: [(String, Int64?, Int16?)] = [
        ("2024-03-31T12:00:00Z", 1_711_886_400_000_000, 0), ("2024-03-31T21:00:00+09:00", 1_711_886_400_000_000, 540),
        ("2024-03-31 21:00", 1_711_886_400_000_000, nil), ("2024/3/31 21:00:00.5", 1_711_886_400_500_000, nil),
        ("2024-03-31T07:00:00-0500", nil, nil), ("2024-03-31T07:00:00-05", 1_711_886_400_000_000, -300), ("2024-03-31T25:00", nil, nil),
        ("noon", nil, nil),
    ]

    @Test(arguments: instants)
    func `instants with their zone, or Japan's without`(text: String, microseconds: Int64?, zone: Int16?) {
        let instant = ValueWriter.instant(text)
        #expect(instant?.microseconds == microseconds)
        #expect(instant?.zoneMinutes == zone)
    }
}
