import Foundation

/// Which columns of a CSV say where, by their names.
struct CSVPlace: Equatable {
    var xColumn: Int
    var yColumn: Int
    /// The names say degrees of longitude and latitude.
    var isDegrees: Bool
    /// The columns are those of Japanese surveying, whose X points north.
    var isSurvey = false

    /// Nil when no pair of names is known. Longitude and latitude win over plane coordinates.
    init?(names: [String]) {
        let plain = names.map(Self.plain)
        func column(_ wanted: [String]) -> Int? {
            for name in wanted {
                if let index = plain.firstIndex(of: name) { return index }
            }
            return nil
        }
        func beginning(_ word: String) -> Int? {
            let found = plain.indices.filter { plain[$0].hasPrefix(word) || plain[$0].hasSuffix(word) }
            return found.count == 1 ? found[0] : nil
        }
        if let x = column(["経度", "lon", "lng", "longitude", "long"]) ?? beginning("経度"),
            let y = column(["緯度", "lat", "latitude"]) ?? beginning("緯度")
        {
            (xColumn, yColumn, isDegrees) = (x, y, true)
        } else if let x = column(["x"]), let y = column(["y"]) {
            (xColumn, yColumn, isDegrees) = (x, y, false)
        } else if let north = column(["x座標"]), let east = column(["y座標"]) {
            (xColumn, yColumn, isDegrees, isSurvey) = (east, north, false, true)
        } else {
            return nil
        }
    }

    /// Full-width letters made narrow, in lower case, without blanks.
    private static func plain(_ name: String) -> String {
        let narrow = String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { (0xFF01...0xFF5E).contains($0.value) ? Unicode.Scalar($0.value - 0xFEE0) ?? $0 : $0 }))
        return narrow.lowercased().filter { !$0.isWhitespace }
    }
}
