import Geo

/// A box in whole units of 1e-9 degree, the finest that layer files keep: all questions about places are decided in whole numbers.
struct UnitBox: Equatable, Sendable {
    var minX: Int64
    var minY: Int64
    var maxX: Int64
    var maxY: Int64

    /// Rounds to the nearest unit (about 0.1 mm).
    init(_ envelope: Envelope) {
        minX = UnitBox.units(envelope.minX)
        minY = UnitBox.units(envelope.minY)
        maxX = UnitBox.units(envelope.maxX)
        maxY = UnitBox.units(envelope.maxY)
    }

    static func units(_ degrees: Double) -> Int64 { Int64((degrees * 1e9).rounded()) }

    @inline(__always)
    func contains(_ x: Int64, _ y: Int64) -> Bool {
        minX <= x && x <= maxX && minY <= y && y <= maxY
    }
}
