public import Geo

/// A box of the index: whole units of 1e-7 degree (about a centimetre), borders included.
///
/// Boxes are rounded outward, so the index finds too much by up to a centimetre and never too little; whoever asks looks at the exact
/// geometry afterwards.
public struct IndexBox: Hashable, Sendable, BitwiseCopyable {
    public var minX: Int32
    public var minY: Int32
    public var maxX: Int32
    public var maxY: Int32

    /// Units in a degree.
    public static let unitsPerDegree = 1e7

    @inlinable
    public init(minX: Int32, minY: Int32, maxX: Int32, maxY: Int32) {
        self.minX = minX
        self.minY = minY
        self.maxX = maxX
        self.maxY = maxY
    }

    /// The smallest box of whole units that holds `envelope`, which is in degrees within ±180 and ±90 and not empty.
    @inlinable
    public init(around envelope: Envelope) {
        minX = IndexBox.unit(envelope.minX, .down)
        minY = IndexBox.unit(envelope.minY, .down)
        maxX = IndexBox.unit(envelope.maxX, .up)
        maxY = IndexBox.unit(envelope.maxY, .up)
    }

    /// The largest box of whole units inside `envelope`, nil where there is none.
    @inlinable
    public init?(inside envelope: Envelope) {
        minX = IndexBox.unit(envelope.minX, .up)
        minY = IndexBox.unit(envelope.minY, .up)
        maxX = IndexBox.unit(envelope.maxX, .down)
        maxY = IndexBox.unit(envelope.maxY, .down)
        if minX > maxX || minY > maxY { return nil }
    }

    @inlinable
    public func intersects(_ other: IndexBox) -> Bool {
        minX <= other.maxX && other.minX <= maxX && minY <= other.maxY && other.minY <= maxY
    }

    @inlinable
    static func unit(_ degrees: Double, _ rule: FloatingPointRoundingRule) -> Int32 {
        let scaled = degrees * unitsPerDegree
        // 139.7 × 1e7 may come out as 1396999999.9999998: a number that close to a whole one was written as that whole one.
        let nearest = scaled.rounded()
        let value = abs(scaled - nearest) < 1e-5 ? nearest : scaled.rounded(rule)
        return Int32(max(-2_147_483_648, min(2_147_483_647, value)))
    }
}
