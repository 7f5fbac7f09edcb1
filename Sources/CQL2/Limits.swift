/// How large a filter may be before it is refused, so that no request costs more than it says.
///
/// Depth bounds the tree, and with it every recursion over it, freeing included; parentheses, `NOT` and the nesting of the JSON form are
/// counted as they are read, before anything deep exists.
public struct Limits: Sendable, Equatable {
    /// Bytes of the text or the JSON.
    public var bytes: Int
    /// Levels of the tree, and of parentheses around them.
    public var depth: Int
    /// Nodes of the tree as `Expression.nodeCount` has them.
    public var nodes: Int
    /// Members of one list, that of `IN` included.
    public var listItems: Int
    /// Vertices of all geometries together.
    public var vertices: Int
    /// Characters (Unicode scalars) of a `LIKE` pattern.
    public var patternLength: Int

    public init(
        bytes: Int, depth: Int = 32, nodes: Int = 1000, listItems: Int = 1000, vertices: Int = 20_000, patternLength: Int = 256
    ) {
        self.bytes = bytes
        self.depth = depth
        self.nodes = nodes
        self.listItems = listItems
        self.vertices = vertices
        self.patternLength = patternLength
    }

    /// For a filter in the address of a request.
    public static let address = Limits(bytes: 8 << 10)
    /// For a filter in the body of a request.
    public static let body = Limits(bytes: 64 << 10)
}
