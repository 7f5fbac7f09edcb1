import HTTPTypes
import Query
import Testing

@testable import HTTPAPI

@Suite struct ProblemTests {
    @Test func `a full queue says when to come back`() {
        let problem = Problem(any: WorkPool.Full())
        #expect(problem.code == .overloaded && problem.code.status == .serviceUnavailable)
        #expect(problem.headers[.retryAfter] == "1")
    }

    @Test func `what nobody foresaw says nothing of the inside`() {
        struct Secret: Error {
            var file = "/var/lib/kasane/secret"
        }
        let problem = Problem(any: Secret())
        #expect(problem.code == .failure)
        #expect(!problem.json(language: "en").string.contains("secret"))
        let damaged = Problem(QueryError.damaged(layer: "roads", detail: "/var/lib/kasane/secret"))
        #expect(!damaged.json(language: "ja").string.contains("secret"))
    }

    @Test func `every kind of problem has a title in both languages and a status of its kind`() {
        for code in Problem.Code.allCases {
            #expect(code.title.texts.keys.sorted() == ["en", "ja"])
            #expect((400..<600).contains(code.status.code))
        }
    }
}
