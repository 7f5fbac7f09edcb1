/// A function that filters may call, as `/functions` lists it (OGC 21-065r2, req/functions).
public struct FilterFunction: Sendable, Equatable {
    /// Names of types as the list of functions has them.
    public enum ValueType: String, Sendable {
        case string
        case number
        case integer
        case geometry
    }

    public struct Argument: Sendable, Equatable {
        public var title: String
        public var types: [ValueType]
    }

    public var name: String
    public var description: String
    public var arguments: [Argument]
    /// The last argument may come again.
    public var isVariadic = false
    /// Whole numbers give whole numbers where both are listed.
    public var returns: [ValueType]

    /// All there are. Names are taken without difference of case; a null argument gives null.
    public static let all: [FilterFunction] = [
        text("lower", "The text in lower case (Unicode)."),
        text("upper", "The text in upper case (Unicode)."),
        FilterFunction(
            name: "length", description: "How many characters (Unicode code points) the text has.",
            arguments: [Argument(title: "text", types: [.string])], returns: [.integer]),
        number("abs", "The number without its sign."),
        number("round", "The nearest whole number, halves away from zero."),
        number("floor", "The greatest whole number that is not greater."),
        number("ceil", "The least whole number that is not less."),
        several("min", "The least of the numbers; null when one is null."),
        several("max", "The greatest of the numbers; null when one is null."),
        measure("area_m2", "The area of the feature's polygons in square metres on the GRS80 ellipsoid; 0 for lines and points."),
        measure("length_m", "The length of the feature's lines in metres on the GRS80 ellipsoid; 0 for polygons and points."),
    ]

    private static func text(_ name: String, _ description: String) -> FilterFunction {
        FilterFunction(name: name, description: description, arguments: [Argument(title: "text", types: [.string])], returns: [.string])
    }

    private static func number(_ name: String, _ description: String) -> FilterFunction {
        FilterFunction(
            name: name, description: description, arguments: [Argument(title: "number", types: [.integer, .number])],
            returns: [.integer, .number])
    }

    private static func measure(_ name: String, _ description: String) -> FilterFunction {
        FilterFunction(
            name: name, description: description, arguments: [Argument(title: "geometry", types: [.geometry])], returns: [.number])
    }

    private static func several(_ name: String, _ description: String) -> FilterFunction {
        FilterFunction(
            name: name, description: description, arguments: [Argument(title: "number", types: [.integer, .number])], isVariadic: true,
            returns: [.integer, .number])
    }
}
