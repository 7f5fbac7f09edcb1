import Geo

/// Where the features of which a condition is true can lie: what the index is asked before anything else.
enum Reach {
    case everywhere
    /// Only features with a geometry whose envelope meets one of these, in degrees.
    case boxes([Envelope])

    static let nowhere = Reach.boxes([])

    /// The most boxes that are worth asking the index about.
    static let boxLimit = 16

    /// Where both hold. One of the two is enough, since the conditions themselves are asked afterwards.
    func narrower(_ other: Reach) -> Reach {
        guard case .boxes(let mine) = self else { return other }
        guard case .boxes(let others) = other else { return self }
        return Reach.size(mine) <= Reach.size(others) ? self : other
    }

    /// Where either holds.
    func joined(_ other: Reach) -> Reach {
        guard case .boxes(let mine) = self, case .boxes(let others) = other, mine.count + others.count <= Reach.boxLimit else {
            return .everywhere
        }
        return .boxes(mine + others)
    }

    private static func size(_ boxes: [Envelope]) -> Double {
        boxes.reduce(0) { $0 + max(1e-9, $1.maxX - $1.minX) * max(1e-9, $1.maxY - $1.minY) }
    }
}
