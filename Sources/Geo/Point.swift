/// A place: `x` is the longitude and `y` the latitude, in degrees, unless the owner of the point says otherwise.
public struct Point: Hashable, Sendable, Codable, BitwiseCopyable {
    public var x: Double
    public var y: Double

    @inlinable
    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}
