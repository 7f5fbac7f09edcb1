import Geo
import Query
import Testing

@testable import HTTPAPI

private let key = CursorToken.Key(Array(repeating: 7, count: 32))

private func parsed(_ query: String, attributes: [String] = ["name", "rank"]) throws -> ItemsParameters {
    try ItemsParameters(QueryString(query), attributes: attributes, engine: QueryEngine(), cursorKey: key)
}

private func code(_ query: String) -> Problem.Code? {
    do {
        _ = try parsed(query)
        return nil
    } catch {
        return (error as? Problem)?.code
    }
}

@Suite struct ParametersTests {
    @Test func `nothing asks for the first page of everything`() throws {
        let request = try parsed("").request
        #expect(request == ItemsRequest(limit: 100))
    }

    @Test(arguments: [
        ("1", 1), ("10", 10), ("10000", 10_000), ("10001", 10_000), ("1000000000", 10_000), ("99999999999999999999999999", 10_000),
    ])
    func `a limit beyond the greatest counts as the greatest`(text: String, limit: Int) throws {
        #expect(try parsed("limit=" + text).request.limit == limit)
    }

    @Test(arguments: ["0", "-1", "1e3", "007", "+5", "1.0", "", " 1", "unlimited", "１０", "%EF%BC%91", "0x10", "1_000"])
    func `other limits are refused`(text: String) {
        #expect(code("limit=" + PercentCoding.encode(text)) == .invalidParameter)
    }

    @Test func `an offset ends at a hundred thousand`() throws {
        #expect(try parsed("offset=0").request.position == .offset(0))
        #expect(try parsed("offset=100000").request.position == .offset(100_000))
        #expect(code("offset=100001") == .limitExceeded)
        #expect(code("offset=99999999999999999999999") == .limitExceeded)
        #expect(code("offset=-1") == .invalidParameter)
    }

    @Test(arguments: [
        "", "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "nan,0,1,1", "0,0,inf,1", "0,0,1e400,1", "0x1,0,2,2", "0,2,1,1", "0,0,1,91",
        "-181,0,1,1",
        "0,0,5,1,1,4", "a,b,c,d", "1;2;3;4", "0,0,1,", ",0,1,1", "0,0,1,1,", "１,0,2,2", "0 ,0,1,1", "infinity,0,1,1", "0,0,1,0x1p4",
    ])
    func `boxes that are none are refused`(text: String) {
        #expect(code("bbox=" + PercentCoding.encode(text)) == .invalidParameter, "bbox=\(text)")
    }

    @Test func `boxes have four or six numbers, and may cross the antimeridian`() throws {
        #expect(
            try parsed("bbox=140.1,37.2,140.4,37.5").request.area?.boxes == [Envelope(minX: 140.1, minY: 37.2, maxX: 140.4, maxY: 37.5)])
        #expect(try parsed("bbox=1,2,-10,3,4,90").request.area?.boxes == [Envelope(minX: 1, minY: 2, maxX: 3, maxY: 4)])
        #expect(
            try parsed("bbox=177,65,-177,70").request.area?.boxes == [
                Envelope(minX: -180, minY: 65, maxX: -177, maxY: 70), Envelope(minX: 177, minY: 65, maxX: 180, maxY: 70),
            ])
        #expect(try parsed("bbox=-180,-90,180,90").request.area?.boxes.count == 1)
        #expect(try parsed("bbox=1e0,0,2E0,1").request.area?.boxes.first?.minX == 1)
    }

    @Test(arguments: ["BBOX=1,2,3,4", "Limit=1", "Bbox-crs=x", "Filter=a", "geom=1", "=1", "%00=1".replacing("%00", with: "zero")])
    func `unknown parameters are refused`(query: String) {
        #expect(code(query) == .unknownParameter)
    }

    @Test(arguments: ["name=%00", "name=%", "name=%zz", "name=%c0%ae", "name=%ed%a0%80", "name=%93%B9%98%48", "na%ffme=1"])
    func `what is not UTF-8 is refused`(query: String) {
        #expect(code(query) == .invalidParameter)
    }

    @Test func `attributes are parameters, in Japanese too`() throws {
        let request = try parsed(
            "%E5%90%8D%E7%A7%B0=%E4%B8%AD%E5%A4%AE+1%2B2%E4%B8%81%E7%9B%AE&limit=5", attributes: ["名称"]
        ).request
        #expect(request.equals == [ItemsRequest.Equality(attribute: "名称", value: "中央 1+2丁目")])
        // The same to the eye, other bytes: が as one scalar and as two.
        #expect(throws: Problem.self) { try parsed("%E3%81%8B%E3%82%99=1", attributes: ["\u{304C}"]) }
    }

    @Test func `a parameter twice must agree with itself`() throws {
        #expect(try parsed("limit=5&limit=5").request.limit == 5)
        #expect(code("limit=5&limit=6") == .invalidParameter)
        #expect(try parsed("&&limit=5&").request.limit == 5)
    }

    @Test func `a cursor goes on with its own filter only`() throws {
        let first = try parsed("name=a&limit=5")
        let token = CursorToken(layer: "roads", version: "v1", row: 41, matched: 99, filter: first.filterTag).sealed(with: key)
        let next = try parsed("name=a&limit=7&cursor=" + token)
        #expect(next.request.position == .row(41))
        #expect(next.cursor?.matched == 99)
        #expect(code("name=b&cursor=" + token) == .invalidParameter)
        #expect(code("name=a&offset=3&cursor=" + token) == .invalidParameter)
        #expect(code("cursor=abc") == .invalidParameter)
    }

    @Test func `no changed cursor is taken, whichever of its bits was changed`() {
        let token = CursorToken(layer: "道路", version: "v000012-5be10c9a", row: 1_234_567, matched: nil, filter: "0123456789abcdef")
        let text = token.sealed(with: key)
        #expect(CursorToken(text, key: key) == token)
        #expect(CursorToken(text, key: CursorToken.Key(Array(repeating: 8, count: 32))) == nil)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for position in text.utf8.indices {
            var bytes = Array(text.utf8)
            let offset = text.utf8.distance(from: text.utf8.startIndex, to: position)
            let value = alphabet.firstIndex(of: bytes[offset])!
            for bit in 0..<6 {
                bytes[offset] = alphabet[value ^ (1 << bit)]
                let changed = String(decoding: bytes, as: UTF8.self)
                // The last letter of base64 may have bits that mean nothing.
                #expect(CursorToken(changed, key: key).map { $0 == token } ?? true)
            }
        }
    }

    @Test(
        arguments: [
            ("2024-03-31", 1_711_810_800_000_000, 1_711_897_199_999_999),
            ("2024-03-31T00:00:00Z", 1_711_843_200_000_000, 1_711_843_200_000_000),
            ("2024-03-31T09:00:00+09:00", 1_711_843_200_000_000, 1_711_843_200_000_000),
            ("2024-03-31T09:00:00 09:00", 1_711_843_200_000_000, 1_711_843_200_000_000),
            ("2024-03-31t00:00:00.1234567z", 1_711_843_200_123_456, 1_711_843_200_123_456),
            ("1969-12-31T23:59:59Z", -1_000_000, -1_000_000),
        ] as [(String, Int64, Int64)])
    func `instants and days`(text: String, start: Int64, end: Int64) {
        #expect(TimeSpan(datetime: text) == TimeSpan(start: start, end: end))
    }

    @Test func `intervals, open at either end`() {
        let day = TimeSpan(datetime: "2024-03-31")!
        #expect(TimeSpan(datetime: "../2024-03-31") == TimeSpan(start: nil, end: day.end))
        #expect(TimeSpan(datetime: "/2024-03-31") == TimeSpan(start: nil, end: day.end))
        #expect(TimeSpan(datetime: "2024-03-31/..") == TimeSpan(start: day.start, end: nil))
        #expect(TimeSpan(datetime: "2024-03-31/") == TimeSpan(start: day.start, end: nil))
        #expect(TimeSpan(datetime: "../..") == TimeSpan(start: nil, end: nil))
        #expect(TimeSpan(datetime: "2024-03-31/2024-03-31") == day)
        #expect(TimeSpan(datetime: "2024-03-31T00:00:00Z/2024-03-31") != nil)
    }

    @Test(arguments: [
        "", "2024", "2024-13-01", "2024-02-30", "2024-3-1", "20240331", "2024-03-31T25:00:00Z", "2024-03-31T00:00:00", "2024-03-31T00:00Z",
        "2024-03-31T00:00:00.Z", "2024-03-31T00:00:00+9", "a/b", "2024-04-01/2024-03-31", "2024-01-01/2024-02-01/2024-03-01", "now",
        "2024-03-31Z", "２０２４-03-31", "2024-03-31/P2D", "-001-01-01", "2024-03-31T00:00:00+24:00", "2024-03-31T00:60:00Z",
    ])
    func `times that are none`(text: String) {
        #expect(TimeSpan(datetime: text) == nil, "\(text)")
    }
}
