public import Geo

/// What longitude and latitude are measured against.
///
/// Kasane keeps JGD2011. JGD2024 is the same horizontally (EPSG renamed it on 2025-04-01; only heights changed), and WGS 84 is taken as the same:
/// the two differ by centimetres, less than the accuracy EPSG gives for WGS 84 itself (EPSG operation 9936: 1 m, no shift).
public enum Datum: Sendable, Equatable {
    /// JGD2011, JGD2024, WGS 84.
    case current
    /// JGD2000: the same as JGD2011 but where the ground moved in 2008 and 2011.
    case jgd2000
    /// The Tokyo Datum of 1918, about 450 m off.
    case tokyo
    /// Something else, by its name.
    case other(String)

    /// From the name in a coordinate reference system; spelling differs between EPSG, ESRI and GDAL.
    init(name: String) {
        var folded = name.lowercased().filter { $0.isLetter || $0.isNumber }
        if folded.hasPrefix("d"), folded.dropFirst().hasPrefix("jgd") || folded.dropFirst().hasPrefix("wgs") || folded == "dtokyo" {
            folded.removeFirst()
        }
        switch folded {
        case "japanesegeodeticdatum2011", "japanesegeodeticdatum2024", "jgd2011", "jgd2024": self = .current
        case "worldgeodeticsystem1984", "worldgeodeticsystem1984ensemble", "wgs1984", "wgs84": self = .current
        case "japanesegeodeticdatum2000", "jgd2000": self = .jgd2000
        case "tokyo", "tokyodatum": self = .tokyo
        default: self = .other(name)
        }
    }
}

/// How coordinates of one datum became those of JGD2011.
public enum DatumShift: Sendable, Equatable {
    /// The same datum, or taken as the same.
    case none
    /// With the grids named here, in this order.
    case grid([String])
    /// JGD2000 taken as JGD2011, for want of the grid of the 2011 earthquake.
    case assumedEqual
    /// Tokyo Datum with three parameters (EPSG 15483), for want of the grid: 9 m on the main islands, hundreds on remote ones.
    case threeParameter
    /// Whatever PROJ found between the two.
    case found(accuracyMetres: Double?)

    /// The area that EPSG operation 6713 is for: the prefectures where the earthquake of 2011 moved the ground.
    public static let movedIn2011 = Envelope(minX: 135.42, minY: 34.84, maxX: 142.14, maxY: 41.58)

    /// The part of it where the ground moved by half a metre and more (GSI, パラメータ touhokutaiheiyouoki2011: from about 0.3 m in Tokyo and Niigata
    /// to 5.85 m at Onagawa), drawn wide.
    public static let movedFar = Envelope(minX: 138, minY: 36, maxX: 142.14, maxY: 41.58)

    /// South of this latitude lie the remote islands where the three parameters are off by 50 to 800 m (EPSG 15483, remarks).
    public static let remoteIslandLatitude = 30.0
}
