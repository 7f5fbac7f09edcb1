import Glibc

/// A LIKE pattern (OGC 21-065r2, 7.1): `%` stands for any run of characters, `_` for one Unicode code point, `\` takes the next as it is.
///
/// The pattern is cut at its `%`. Between them pieces are looked for from the left, each where it first fits; that is enough, since what
/// comes later only gains by an earlier fit. So no pattern costs more than text × pattern.
struct LikePattern {
    /// What stands between two `%`.
    private struct Piece {
        /// There is a `_` in it.
        var anyPlaces = false
        /// The plain code points in UTF-8, one after another.
        var bytes: [UInt8] = []
        /// For each place how many of the bytes are its code point; 0 for any.
        var lengths: [Int] = []
    }

    let text: String
    private let pieces: [Piece]
    private let opensAnywhere: Bool
    private let endsAnywhere: Bool
    /// No `%` at all: the whole text is the one piece.
    private let isWhole: Bool

    /// - Parameter fold: put to each run of plain characters, so that a `%` that folding makes stays a character.
    init(_ pattern: String, fold: (String) -> String = { $0 }) {
        text = pattern
        var current: [Token] = []
        var found: [[Token]] = []
        var run = String.UnicodeScalarView()
        func flush() {
            if !run.isEmpty {
                for scalar in fold(String(run)).unicodeScalars { current.append(.scalar(scalar)) }
                run = String.UnicodeScalarView()
            }
        }
        var isEscaped = false
        for scalar in pattern.unicodeScalars {
            if isEscaped {
                run.append(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "%" {
                flush()
                found.append(current)
                current = []
            } else if scalar == "_" {
                flush()
                current.append(.any)
            } else {
                run.append(scalar)
            }
        }
        // A last backslash has nothing to take, so it is itself.
        if isEscaped { run.append("\\") }
        flush()
        found.append(current)
        isWhole = found.count == 1
        // Nothing may be left of what was written before or behind a `%`: folding takes marks that stand alone.
        opensAnywhere = !isWhole && found[0].isEmpty
        endsAnywhere = !isWhole && current.isEmpty
        pieces = found.filter { !$0.isEmpty }.map { tokens in
            var piece = Piece()
            for token in tokens {
                switch token {
                case .any:
                    piece.anyPlaces = true
                    piece.lengths.append(0)
                case .scalar(let scalar):
                    let before = piece.bytes.count
                    piece.bytes.append(contentsOf: String(scalar).utf8)
                    piece.lengths.append(piece.bytes.count - before)
                }
            }
            return piece
        }
    }

    private enum Token {
        case any
        case scalar(Unicode.Scalar)
    }

    /// How often a byte of text may be looked at.
    var weight: Int { pieces.reduce(0) { $0 + ($1.anyPlaces ? $1.lengths.count : 0) } }

    /// - Complexity: O(text × pattern) at worst, O(text + pattern) without `_`
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        if pieces.isEmpty { return isWhole ? text.isEmpty : true }
        var first = 0
        var last = pieces.count
        var start = 0
        var end = text.count
        if isWhole { return fit(pieces[0], text, at: 0, end) == end }
        if !opensAnywhere {
            guard let next = fit(pieces[0], text, at: 0, end) else { return false }
            start = next
            first = 1
        }
        if !endsAnywhere {
            guard first < last, let begin = fitBackwards(pieces[last - 1], text, from: start, end) else { return false }
            end = begin
            last -= 1
        }
        while first < last {
            guard let next = find(pieces[first], text, from: start, end) else { return false }
            start = next
            first += 1
        }
        return true
    }

    /// The end of the piece when it fits at `start`.
    private func fit(_ piece: Piece, _ text: UnsafeRawBufferPointer, at start: Int, _ end: Int) -> Int? {
        if !piece.anyPlaces {
            let count = piece.bytes.count
            guard end - start >= count else { return nil }
            return piece.bytes.withUnsafeBytes { memcmp($0.baseAddress!, text.baseAddress! + start, count) } == 0 ? start + count : nil
        }
        var at = start
        var begin = 0
        for wanted in piece.lengths {
            guard at < end else { return nil }
            let length = LikePattern.length(text[at])
            guard at + length <= end else { return nil }
            if wanted > 0 {
                guard wanted == length else { return nil }
                for i in 0..<length where piece.bytes[begin + i] != text[at + i] { return nil }
                begin += length
            }
            at += length
        }
        return at
    }

    /// Where the piece begins when it fits at the very end, not before `start`.
    private func fitBackwards(_ piece: Piece, _ text: UnsafeRawBufferPointer, from start: Int, _ end: Int) -> Int? {
        var begin = end
        if piece.anyPlaces {
            for _ in piece.lengths {
                guard begin > start else { return nil }
                begin -= 1
                while begin > start && text[begin] & 0xC0 == 0x80 { begin -= 1 }
            }
        } else {
            begin = end - piece.bytes.count
            guard begin >= start else { return nil }
        }
        return fit(piece, text, at: begin, end) == end ? begin : nil
    }

    /// The end of the first place where the piece fits.
    private func find(_ piece: Piece, _ text: UnsafeRawBufferPointer, from start: Int, _ end: Int) -> Int? {
        if !piece.anyPlaces {
            return plainEnd(piece.bytes, text, from: start, end)
        }
        var at = start
        while at < end {
            if let next = fit(piece, text, at: at, end) { return next }
            at += LikePattern.length(text[at])
        }
        return nil
    }

    /// The end of the first place where bytes occur: looked for by their last one, which tells Japanese characters apart better than the first.
    private func plainEnd(_ wanted: [UInt8], _ text: UnsafeRawBufferPointer, from start: Int, _ end: Int) -> Int? {
        guard let base = text.baseAddress, end - start >= wanted.count, let last = wanted.last else { return nil }
        return wanted.withUnsafeBytes { bytes in
            let others = bytes.count - 1
            var at = start + others
            while at < end, let found = memchr(base + at, Int32(last), end - at) {
                let place = UnsafeRawPointer(found) - base
                if memcmp(bytes.baseAddress!, base + place - others, others) == 0 { return place + 1 }
                at = place + 1
            }
            return nil
        }
    }

    /// Bytes of the code point that begins with this byte.
    @inline(__always)
    private static func length(_ lead: UInt8) -> Int {
        lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    }
}
