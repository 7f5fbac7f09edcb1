import Geo
import RecordStream

/// The stream that is being written, and the problems counted so far.
///
/// Of each kind of problem in each field the first ones go out one by one; the rest are summed up at the end, so that a file with a million
/// broken values does not become a million messages.
struct RecordOutput: ~Copyable {
    var writer: RecordWriter
    private var counts: [Key: UInt64] = [:]

    static let problemsOneByOne: UInt64 = 1000

    private struct Key: Hashable {
        var code: String
        var field: String?
    }

    init(descriptor: Int32) {
        writer = RecordWriter(descriptor: descriptor)
    }

    mutating func problem(_ code: String, row: UInt64?, field: String? = nil, _ detail: String) throws {
        let key = Key(code: code, field: field)
        counts[key, default: 0] += 1
        if counts[key, default: 0] <= Self.problemsOneByOne {
            try writer.problem(RecordProblem(code: code, row: row, field: field, detail: detail))
        }
    }

    /// The end of all features.
    mutating func end() throws {
        for (key, count) in counts.sorted(by: { ($0.key.code, $0.key.field ?? "") < ($1.key.code, $1.key.field ?? "") })
        where count > Self.problemsOneByOne {
            let rest = count - Self.problemsOneByOne
            try writer.problem(RecordProblem(code: key.code, field: key.field, detail: "and \(rest) more of this kind", count: rest))
        }
        try writer.end()
    }

    /// Ends the feature; one that is too large is left out and becomes a problem.
    mutating func endFeature(row: UInt64) throws {
        do {
            try writer.endFeature()
        } catch .featureTooLarge(let bytes) {
            try problem("feature-too-large", row: row, "the feature has \(bytes) bytes; \(RecordFormat.payloadLimit) are the most")
        }
    }

    /// Text that claims to be UTF-8: sent when it is, else null and a problem.
    mutating func text(_ bytes: UnsafeRawBufferPointer, row: UInt64, field: String) throws {
        if UTF8Check.isValid(bytes) {
            writer.text(bytes)
        } else {
            writer.null()
            try problem("undecodable-text", row: row, field: field, "the value is not UTF-8")
        }
    }

    /// JSON that claims to be such: sent when it is, else null and a problem.
    mutating func json(_ bytes: UnsafeRawBufferPointer, row: UInt64, field: String) throws {
        if UTF8Check.isValid(bytes), JSONCheck.isValid(bytes) {
            writer.json(bytes)
        } else {
            writer.null()
            try problem("bad-json", row: row, field: field, "the value is not JSON, or nested too deep")
        }
    }

    /// A whole number that the reader cut to what it holds: null and a problem.
    mutating func tooLarge(row: UInt64, field: String) throws {
        writer.null()
        try problem("number-too-large", row: row, field: field, "a whole number beyond what 64 bits hold, or 32 in KML")
    }

    mutating func real(_ number: Double, row: UInt64, field: String) throws {
        if number.isFinite {
            writer.real(number)
        } else {
            writer.null()
            try problem("not-a-number", row: row, field: field, "the value is infinite or not a number")
        }
    }
}
