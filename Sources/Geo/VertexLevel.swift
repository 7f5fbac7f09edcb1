/// How a stored vertex is drawn in tiles: from which zoom on, and whether the border that begins at it may be widened.
///
/// Made once for a whole layer when it is sealed, so that borders that are the same in the source are the same at every zoom.
public struct VertexLevel: Sendable, Equatable, BitwiseCopyable {
    public let rawValue: UInt8

    /// From this zoom on every vertex is drawn: from there maps enlarge their tiles.
    public static let wholeZoom = 16

    @inlinable
    public init(zoom: Int, grows: Bool) {
        precondition((0...VertexLevel.wholeZoom).contains(zoom))
        rawValue = UInt8(zoom) | (grows ? 0x80 : 0)
    }

    /// The lowest zoom of WebMercatorQuad at which the vertex is drawn; 0 for always.
    @inlinable public var zoom: Int { Int(rawValue & 0x1F) }

    /// The edge from this vertex to the ring's next is drawn so that nothing inside is lost by rounding: on its other side is nothing, or a class less
    /// grave. Of two areas of one class one is chosen.
    @inlinable public var grows: Bool { rawValue & 0x80 != 0 }
}
