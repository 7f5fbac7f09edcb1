import CQL2
import Geo
import TestKit
import Testing

@testable import Query

@Suite struct LikePatternTests {
    func matches(_ text: String, _ pattern: String) -> Bool {
        var text = text
        return text.withUTF8 { LikePattern(pattern).matches(UnsafeRawBufferPointer($0)) }
    }

    @Test(arguments: 0..<20)
    func `patterns match what the table of prefixes says`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = ["a", "b", "%", "_", "\\", "宅", "é", "😀", "%", "a"]
        for _ in 0..<400 {
            let text = (0..<Int.random(in: 0..<9, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }.joined()
            let pattern = (0..<Int.random(in: 0..<7, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }.joined()
            #expect(matches(text, pattern) == FilterWitness.like(text, pattern), "'\(text)' LIKE '\(pattern)'")
        }
    }

    @Test(arguments: 0..<20)
    func `pieces that folding leaves nothing of are no pieces`(seed: UInt64) {
        var generator = SeededGenerator(seed: 100 + seed)
        for _ in 0..<400 {
            let text = (0..<Int.random(in: 0..<6, using: &generator)).map { _ in ["a", "b", "東"].randomElement(using: &generator)! }
                .joined()
            var pattern = ""
            for _ in 0..<Int.random(in: 0..<7, using: &generator) {
                pattern += ["a", "東", "%", "_", "\u{301}", "%\u{301}", "\\\u{301}"].randomElement(using: &generator)!
            }
            let folded = LikePattern(pattern) { TextFolding.accenti.fold($0) }
            var subject = text
            let matches = subject.withUTF8 { folded.matches(UnsafeRawBufferPointer($0)) }
            #expect(matches == FilterWitness.like(text, pattern) { TextFolding.accenti.fold($0) }, "'\(text)' LIKE ACCENTI('\(pattern)')")
        }
    }

    @Test func `a pattern that would try every way is answered at once`() {
        let text = String(repeating: "a", count: 20_000)
        for pattern in [
            String(repeating: "%a", count: 120) + "%b", String(repeating: "%_a", count: 80) + "b",
            String(repeating: "_%", count: 120) + "b",
        ] {
            #expect(!matches(text, pattern))
            #expect(matches(text + "b", pattern))
        }
    }
}

@Suite struct TextFoldingTests {
    func same(_ folding: TextFolding, _ a: String, _ b: String) -> Bool {
        Array(folding.fold(a).utf8) == Array(folding.fold(b).utf8)
    }

    @Test(arguments: [
        ("Straße", "STRASSE", true), ("ΣΊΣΥΦΟΣ", "σίσυφος", true), ("ﬁ", "FI", true), ("ẞ", "ss", true), ("K", "k", true), ("µ", "μ", true),
        ("ı", "I", false), ("İ", "i̇", true), ("ＡＢＣ", "abc", true), ("ｶﾞｲﾄﾞ", "ガイド", true), ("が", "か", false), ("か", "カ", false),
        ("は゛", "ば", false), ("é", "e\u{301}", true), ("é", "e", false), ("①", "1", true), ("ᾳ", "ΑΙ", true),
    ])
    func `CASEI folds case and width as Unicode does`(a: String, b: String, isSame: Bool) {
        #expect(same(.casei, a, b) == isSame)
        #expect(same(.casei, b, a) == isSame)
    }

    @Test(arguments: [
        ("é", "e", true), ("Ç", "C", true), ("ｶﾞ", "ガ", true), ("が", "か", false), ("パ", "ハ", false), ("か\u{3099}", "が", true),
        ("Å", "A", true),
        ("ø", "o", false), ("ñ", "Ñ", false), ("ﾊﾟ", "パ", true), ("ế", "e", true), ("ά", "α", true),
    ])
    func `ACCENTI takes marks from letters and leaves voiced kana`(a: String, b: String, isSame: Bool) {
        #expect(same(.accenti, a, b) == isSame)
    }

    @Test func `the quick way folds as the slow one does`() {
        var quick = 0
        for text in ["", "Plain ASCII [z]{Z}@`", "東京都千代田区1-2 ABC", "ヶ々〆カー", "が", "ﾄｳｷｮｳ", "Ａ", "か\u{3099}", "é", "😀", "ー゛"] {
            for folding in [TextFolding.casei, .accenti, .lower, .upper] {
                var text = text
                var bytes = [UInt8](repeating: 0, count: text.utf8.count)
                let isPlain = text.withUTF8 { text in
                    bytes.withUnsafeMutableBytes { folding.foldPlain(UnsafeRawBufferPointer(text), into: $0) }
                }
                guard isPlain else { continue }
                quick += 1
                #expect(bytes == Array(folding.fold(text).utf8), "\(folding) \(text)")
            }
        }
        #expect(quick == 20)
    }

    @Test func `a mark behind the last percent sign, which ACCENTI takes, changes nothing`() throws {
        let sample = try FilterSample(count: 500, seed: 13)
        let plain = try sample.rows(.like(.accenti(.property("name")), pattern: .text("住%")))
        #expect(!plain.isEmpty)
        for pattern in ["住%\u{301}", "\u{301}住%", "住\u{301}%\u{301}%", "住%%\u{301}"] {
            #expect(try sample.rows(.like(.accenti(.property("name")), pattern: .accenti(.text(pattern)))) == plain, "\(pattern)")
        }
    }

    @Test func `only a percent sign that was written is a wildcard`() throws {
        let sample = try FilterSample(count: 500, seed: 12)
        // Full-width ％ folds to %, and stays a character.
        let rows = try sample.rows(.like(.casei(.property("usage")), pattern: .casei(.text("100％"))))
        #expect(rows == sample.values.indices.filter { sample.values[$0][0] == .text("100%") })
        let cafes = try sample.rows(.comparison(.equal, .casei(.accenti(.property("usage"))), .casei(.accenti(.text("CAFÉ")))))
        let wanted: [AttributeValue] = [.text("Café"), .text("CAFE"), .text("cafe\u{301}")]
        #expect(cafes == sample.values.indices.filter { wanted.contains(sample.values[$0][0]) })
    }
}
