import Foundation

/// What a text is before it is compared.
///
/// `CASEI` and `ACCENTI` are Unicode's compatibility matching (The Unicode Standard, 3.13, D146): half-width and full-width, ligatures and circled
/// numbers are their plain forms, composed and decomposed are one. Kana stay what they are: か, が and カ are three texts; only ｶﾞ is ガ.
enum TextFolding: String {
    /// Full case folding (CaseFolding.txt, C and F), and NFKC.
    case casei
    /// Marks above, below and attached go, and NFKC. Voiced kana keep their marks (OGC 21-065r2, rec japanese-non-spacing-marks), and letters that
    /// Unicode does not take apart (ø, ł) stay.
    case accenti
    /// Unicode's lower case of each code point.
    case lower
    case upper

    /// Appends the folded form of UTF-8 text.
    func fold(_ text: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        out.append(contentsOf: fold(String(decoding: text, as: UTF8.self)).utf8)
    }

    /// Writes the folded form of a text of ASCII, Chinese characters and plain kana, which is as long as the text; false for others.
    func foldPlain(_ text: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) -> Bool {
        guard TextFolding.isPlain(text) else { return false }
        switch self {
        case .casei, .lower: for i in 0..<text.count { out[i] = text[i] &- 65 < 26 ? text[i] | 32 : text[i] }
        case .upper: for i in 0..<text.count { out[i] = text[i] &- 97 < 26 ? text[i] & 0xDF : text[i] }
        case .accenti: out.copyMemory(from: text)
        }
        return true
    }

    func fold(_ text: String) -> String {
        switch self {
        case .casei:
            // D146: normalizing before and after, since folding may bring forth what normalizes further.
            let once = TextFolding.caseFolded(text.precomposedStringWithCompatibilityMapping)
            return TextFolding.caseFolded(once.precomposedStringWithCompatibilityMapping).precomposedStringWithCompatibilityMapping
        case .accenti:
            var result = String.UnicodeScalarView()
            for scalar in text.decomposedStringWithCompatibilityMapping.unicodeScalars {
                // Combining classes from 200: marks placed around a letter. Voiced sound marks have 8, overlays 1, viramas 9.
                if scalar.properties.canonicalCombiningClass.rawValue < 200 { result.append(scalar) }
            }
            return String(result).precomposedStringWithCompatibilityMapping
        case .lower: return TextFolding.mapped(text) { $0.properties.lowercaseMapping }
        case .upper: return TextFolding.mapped(text) { $0.properties.uppercaseMapping }
        }
    }

    /// Folded so that texts are equal exactly when their full case foldings are.
    ///
    /// Swift knows the case mappings but not the foldings. The lower case of the upper case of the lower case is equal exactly where the folding
    /// is; the one exception is ı, which has no folding and whose upper case is a plain I.
    static func caseFolded(_ text: String) -> String {
        mapped(text) { scalar in
            if scalar.value == 0x131 { return "ı" }
            let lower = scalar.properties.lowercaseMapping
            let upper = mapped(lower) { $0.properties.uppercaseMapping }
            return mapped(upper) { $0.properties.lowercaseMapping }
        }
    }

    private static func mapped(_ text: String, _ map: (Unicode.Scalar) -> String) -> String {
        var result = ""
        for scalar in text.unicodeScalars { result.unicodeScalars.append(contentsOf: map(scalar).unicodeScalars) }
        return result
    }

    /// Only ASCII, Chinese characters of the first block and kana that are already composed: all four foldings leave them, but for ASCII letters.
    private static func isPlain(_ text: UnsafeRawBufferPointer) -> Bool {
        var i = 0
        while i + 8 <= text.count, text.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 { i += 8 }
        while i < text.count {
            let lead = text[i]
            if lead < 0x80 {
                i += 1
            } else if lead >= 0xE3 && lead <= 0xE9 && i + 2 < text.count {
                let code = (UInt32(lead & 15) << 12) | (UInt32(text[i + 1] & 63) << 6) | UInt32(text[i + 2] & 63)
                // 々〆〇, ぁ to ゖ, ァ to ー (no marks, no ヿ), 一 to 鿿.
                guard
                    (0x4E00...0x9FFF).contains(code) || (0x3041...0x3096).contains(code) || (0x30A1...0x30FC).contains(code)
                        || (0x3005...0x3007).contains(code)
                else { return false }
                i += 3
            } else {
                return false
            }
        }
        return true
    }
}
