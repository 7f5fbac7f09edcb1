import Foundation

/// A colour of eight bits a channel, written `#RRGGBB`.
public struct Color: Sendable, Hashable, Codable, CustomStringConvertible {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// Nil when `text` is not `#` and six hexadecimal digits.
    public init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 7, digits[0] == UInt8(ascii: "#"), digits[1...].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let value = UInt32(text.dropFirst(), radix: 16)
        else { return nil }
        self.init(UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255))
    }

    public var description: String {
        "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let color = Color(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not #RRGGBB")
        }
        self = color
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public static let white = Color(255, 255, 255)
    public static let black = Color(0, 0, 0)

    /// Relative luminance, 0 to 1 (WCAG 2.2, “relative luminance”).
    public var luminance: Double {
        func linear(_ channel: UInt8) -> Double {
            let share = Double(channel) / 255
            return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    /// Contrast ratio, 1 to 21 (WCAG 2.2, “contrast ratio”).
    public func contrast(with other: Color) -> Double {
        let (light, dark) = (max(luminance, other.luminance), min(luminance, other.luminance))
        return (light + 0.05) / (dark + 0.05)
    }

    /// A darker shade of the same hue for the border of an area of this colour: at least 3 : 1 against white, as WCAG 1.4.11 asks of
    /// graphics, and against the area itself unless that is so dark that it stands out from the map alone.
    public var outline: Color {
        var shade = self
        for step in 0...40 {
            let factor = 1 - Double(step) / 40
            shade = Color(UInt8(Double(red) * factor), UInt8(Double(green) * factor), UInt8(Double(blue) * factor))
            if shade.contrast(with: .white) >= 3 && (shade.contrast(with: self) >= 3 || contrast(with: .white) >= 4.5) { return shade }
        }
        return shade
    }
}
