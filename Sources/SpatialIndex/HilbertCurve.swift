/// The place of a cell on the Hilbert curve through a square of 2³² × 2³² cells.
///
/// Neighbours on the curve are neighbours on the map, which is what makes a packed tree good (Kamel, Faloutsos, “On packing R-trees”, 1993).
/// The bits are turned as in the “2-D Hilbert curve” of Warren, *Hacker's Delight*, 2nd ed., 16-3, two at a time from the top.
public enum HilbertCurve {
    /// - Complexity: O(1), 32 steps.
    @inlinable
    public static func key(x: UInt32, y: UInt32) -> UInt64 {
        // The parallel-prefix form (Rawrunprotected, “2D Hilbert curves in O(1)”), widened to 32 bits an axis: five doublings of the step.
        var a = x ^ y
        var b = 0xFFFF_FFFF ^ a
        var c = 0xFFFF_FFFF ^ (x | y)
        var d = x & (y ^ 0xFFFF_FFFF)

        var newA = a | (b >> 1)
        var newB = (a >> 1) ^ a
        var newC = ((c >> 1) ^ (b & (d >> 1))) ^ c
        var newD = ((a & (c >> 1)) ^ (d >> 1)) ^ d

        var step: UInt32 = 2
        while step <= 8 {
            (a, b, c, d) = (newA, newB, newC, newD)
            newA = (a & (a >> step)) ^ (b & (b >> step))
            newB = (a & (b >> step)) ^ (b & ((a ^ b) >> step))
            newC ^= (a & (c >> step)) ^ (b & (d >> step))
            newD ^= (b & (c >> step)) ^ ((a ^ b) & (d >> step))
            step *= 2
        }
        (a, b, c, d) = (newA, newB, newC, newD)
        newC ^= (a & (c >> 16)) ^ (b & (d >> 16))
        newD ^= (b & (c >> 16)) ^ ((a ^ b) & (d >> 16))

        a = newC ^ (newC >> 1)
        b = newD ^ (newD >> 1)
        let i0 = x ^ y
        let i1 = b | (0xFFFF_FFFF ^ (i0 | a))
        return spread(i1) << 1 | spread(i0)
    }

    /// The key of a place in degrees, within ±180 and ±90.
    @inlinable
    public static func key(longitude: Double, latitude: Double) -> UInt64 {
        key(x: cell(longitude, half: 180), y: cell(latitude, half: 90))
    }

    @inlinable
    static func cell(_ degrees: Double, half: Double) -> UInt32 {
        UInt32(max(0, min(4_294_967_295, (degrees + half) * (4_294_967_296 / (2 * half)))))
    }

    /// Puts a zero between any two bits.
    @inlinable
    static func spread(_ value: UInt32) -> UInt64 {
        var v = UInt64(value)
        v = (v | v << 16) & 0x0000_FFFF_0000_FFFF
        v = (v | v << 8) & 0x00FF_00FF_00FF_00FF
        v = (v | v << 4) & 0x0F0F_0F0F_0F0F_0F0F
        v = (v | v << 2) & 0x3333_3333_3333_3333
        return (v | v << 1) & 0x5555_5555_5555_5555
    }
}
