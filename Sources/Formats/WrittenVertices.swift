public import Geo

/// The vertices of a shape in the system in which they are written, and how: x east and y north wherever they lie, turned round only in writing.
///
/// A view, valid as long as what it looks into.
public enum WrittenVertices {
    /// Degrees × 10⁷.
    case narrow(UnsafePointer<Int32>, northFirst: Bool)
    /// Degrees × 10^decimals, 8 or 9.
    case wide(UnsafePointer<Int64>, decimals: Int, northFirst: Bool)
    /// With so many decimals, at most 9; nil for as many as read back the same double.
    case real(UnsafePointer<Double>, decimals: Int?, northFirst: Bool)

    /// The stored longitudes and latitudes, exactly.
    public init(_ shape: Shape, northFirst: Bool = false) {
        switch shape.degrees {
        case .narrow(let numbers): self = .narrow(numbers, northFirst: northFirst)
        case .wide(let numbers, let decimals): self = .wide(numbers, decimals: decimals, northFirst: northFirst)
        }
    }

    /// East, then north.
    @inline(__always)
    func xy(_ index: Int) -> (Double, Double) {
        switch self {
        case .narrow(let numbers, _): (Double(numbers[2 * index]) / 1e7, Double(numbers[2 * index + 1]) / 1e7)
        case .wide(let numbers, let decimals, _):
            decimals == 8
                ? (Double(numbers[2 * index]) / 1e8, Double(numbers[2 * index + 1]) / 1e8)
                : (Double(numbers[2 * index]) / 1e9, Double(numbers[2 * index + 1]) / 1e9)
        case .real(let numbers, _, _): (numbers[2 * index], numbers[2 * index + 1])
        }
    }
}

extension WrittenVertices {
    /// Around the first `count` vertices, x east and y north.
    /// - Complexity: O(count)
    public func envelope(count: Int) -> Envelope {
        var result = Envelope.empty
        for i in 0..<count {
            let (x, y) = xy(i)
            result.extend(x: x, y: y)
        }
        return result
    }
}

extension ByteWriter {
    /// Runs of vertices, with `open` before each, `between` between its numbers and `close` and `,` after it, the last comma left out:
    /// `[139.7,35.6],[139.8,35.6]` for `[`, `,` and `]`.
    @inline(__always)
    mutating func vertices(_ vertices: WrittenVertices, _ range: Range<Int>, open: UInt8?, between: UInt8, close: UInt8?) {
        // A vertex is at most `[-139.700000000,-35.000000000],`; those of `real` make room themselves.
        reserve(40 * range.count + 2)
        switch vertices {
        case .narrow(let numbers, let northFirst):
            let (first, second) = northFirst ? (1, 0) : (0, 1)
            for i in range {
                if let open { unchecked(open) }
                fixed(Int64(numbers[2 * i + first]), decimals: 7)
                unchecked(between)
                fixed(Int64(numbers[2 * i + second]), decimals: 7)
                if let close { unchecked(close) }
                unchecked(44)
            }
        case .wide(let numbers, let decimals, let northFirst):
            let (first, second) = northFirst ? (1, 0) : (0, 1)
            for i in range {
                if let open { unchecked(open) }
                fixed(numbers[2 * i + first], decimals: decimals)
                unchecked(between)
                fixed(numbers[2 * i + second], decimals: decimals)
                if let close { unchecked(close) }
                unchecked(44)
            }
        case .real(let numbers, let decimals, let northFirst):
            let (first, second) = northFirst ? (1, 0) : (0, 1)
            for i in range {
                if let open { byte(open) }
                real(numbers[2 * i + first], decimals: decimals)
                byte(between)
                real(numbers[2 * i + second], decimals: decimals)
                if let close { byte(close) }
                byte(44)
            }
        }
        if !range.isEmpty { removeLast(1) }
    }
}
