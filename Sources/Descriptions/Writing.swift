/// How wide texts are, about, and where they go on in another line: for pictures, where nobody else breaks lines.
enum Writing {
    /// More characters of a text are cut off.
    static let limit = 300

    /// One line: without control characters and marks that turn the direction of writing, which could make one text look like another.
    static func tidy(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(4 * limit) {
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x85, 0x2028, 0x2029: result.append(" ")
            case ..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0x200E, 0x200F, 0xFFFE, 0xFFFF, 0xFEFF: continue
            default: result.append(scalar)
            }
        }
        let tidy = String(result)
        return tidy.count > limit ? tidy.prefix(limit) + "…" : tidy
    }

    /// In pixels, of the fonts that are usual in Japan; rather too wide.
    static func width(_ text: String, size: Int) -> Double {
        text.unicodeScalars.reduce(0) { $0 + width($1) } * Double(size)
    }

    /// In parts of the font's size.
    private static func width(_ scalar: UnicodeScalar) -> Double {
        switch scalar.value {
        case 0x300...0x36F, 0x200B...0x200D, 0x3099, 0x309A, 0xFE00...0xFE0F: 0
        case 0xFF61...0xFF9F: 0.5
        case 0x20: 0.3
        case 0x21...0x7E:
            switch Character(scalar) {
            case "m", "w", "M", "W", "@", "%": 0.95
            case "A"..."Z", "&", "#": 0.72
            case "i", "j", "l", "t", "f", "r", ".", ",", ":", ";", "'", "!", "|", "(", ")", "[", "]": 0.42
            default: 0.6
            }
        case ..<0x2000: 0.72
        case 0x1F000...: 1.4
        default: 1
        }
    }

    /// Rule: breaks after spaces and between characters of full width, but none that leaves a mark alone at a line's start or an opening one at its end (JIS X 4051).
    /// - Parameter limit: in pixels; a line is longer only where it may not break.
    static func lines(_ text: String, size: Int, limit: Double) -> [String] {
        let characters = Array(text)
        var lines: [String] = []
        var (start, i, width) = (0, 0, 0.0)
        var lastBreak: Int?
        while i < characters.count {
            if i > start, mayBreak(characters[i - 1], characters[i]) { lastBreak = i }
            let more = Self.width(String(characters[i]), size: size)
            if width + more > limit, i > start {
                // A word longer than a line is cut.
                let end = lastBreak ?? i
                lines.append(trimmed(characters[start..<end]))
                start = end
                while start < characters.count, characters[start] == " " { start += 1 }
                (i, width, lastBreak) = (start, 0, nil)
                continue
            }
            width += more
            i += 1
        }
        if start < characters.count || lines.isEmpty { lines.append(trimmed(characters[start...])) }
        return lines
    }

    private static func trimmed(_ line: ArraySlice<Character>) -> String {
        String(line.reversed().drop { $0 == " " }.reversed())
    }

    private static func mayBreak(_ left: Character, _ right: Character) -> Bool {
        if left == " " { return true }
        guard isWide(left) || isWide(right) else { return false }
        return !"、。，．・：；！？）］｝」』】〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ%)]},.:;!? ".contains(right) && !"（［｛「『【〈《([{".contains(left)
    }

    private static func isWide(_ character: Character) -> Bool {
        character.unicodeScalars.first.map { (0x2E80...0xFF60).contains($0.value) || $0.value >= 0x20000 } ?? false
    }
}

/// Text in XML 1.0.
enum XMLText {
    /// Safe inside elements and quoted attributes; what XML has no place for becomes U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
