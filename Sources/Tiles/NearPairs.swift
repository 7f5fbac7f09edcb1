/// What has a north end and a south end, in fine units.
protocol LineSegment: BitwiseCopyable {
    var north: FinePoint { get }
    var south: FinePoint { get }
}

/// Finds which of many segments lie so near to each other that they may cross.
///
/// For each strip of 32 columns it lists the pieces of segments in it from north to south, so that only neighbours are compared. Where that leaves too many,
/// as with many long lines beside each other, the strip's segments are ordered across the way they mostly run instead, if that leaves fewer.
///
/// ```swift
/// for i in 0..<segments.count { pairs.chosen.append(UInt32(i)) }
/// pairs.list(segments, from: northWest, reduction: grid.reduction)
/// while pairs.nextStrip(segments) {
///     for i in 0..<pairs.count {
///         var j = i + 1
///         while pairs.areNear(i, j) {
///             compare(pairs.segment(i), pairs.segment(j))
///             j += 1
///         }
///     }
/// }
/// ```
/// A pair may come several times, once in each strip.
struct NearPairs: ~Copyable {
    /// The segments that are looked at.
    var chosen = Scratch<UInt32>(capacity: 256)
    /// Strip in 8 bits, the piece's first and last row in 13 each (or one more at either end), the segment in 30.
    private var pieces = Scratch<UInt64>(capacity: 256)
    private var spare = Scratch<UInt64>(capacity: 256)
    /// The next strip's first piece.
    private var next = 0
    /// Of the strip at hand: where each piece begins, in 34 bits, ascending, and its segment in 30.
    private var starts = Scratch<UInt64>(capacity: 256)
    /// Where each ends; the lower 30 bits are set.
    private var ends = Scratch<UInt64>(capacity: 256)
    private let crowd: Int

    private static let segmentBits: UInt64 = 30
    private static let segmentMask: UInt64 = 1 << 30 - 1

    /// - Parameter crowd: how many are many to be near one.
    init(crowd: Int = 128) { self.crowd = crowd }

    /// Begins with the chosen ones of segments; what lies within one cell is left out.
    /// - Parameters:
    ///   - origin: their most north-western cell.
    ///   - reduction: a cell is 2^reduction fine units wide.
    /// - Complexity: O(segments + strips that they pass)
    mutating func list<Segment: LineSegment>(_ segments: borrowing Scratch<Segment>, from origin: GridPoint, reduction: Int64) {
        let half: Int64 = reduction > 0 ? 1 << (reduction - 1) : 0
        func cell(_ value: Int64) -> Int32 { Int32(truncatingIfNeeded: (value &+ half) &>> reduction) }
        pieces.removeAll()
        next = 0
        for place in 0..<chosen.count {
            let i = Int(chosen[place])
            let (north, south) = (segments[i].north, segments[i].south)
            let (northColumn, southColumn, northRow, southRow) = (cell(north.x), cell(south.x), cell(north.y), cell(south.y))
            if northColumn == southColumn && northRow == southRow { continue }
            let first = (min(northColumn, southColumn) - origin.x) >> 5
            let last = (max(northColumn, southColumn) - origin.x) >> 5
            /// About the row in which it passes the western border of a column: that of one of its ends where it lies on one side.
            func row(at column: Int32) -> Int32 {
                let run = Double(south.x - north.x)
                let share = run == 0 ? 0 : max(0, min(1, (Double(Int64(column) << reduction - half) - Double(north.x)) / run))
                return cell(Int64(Double(north.y) + share * Double(south.y - north.y)))
            }
            for strip in first...last {
                var top = northRow
                var bottom = southRow
                if first != last {
                    let a = row(at: origin.x + strip << 5)
                    let b = row(at: origin.x + strip << 5 + 32)
                    top = max(top, min(a, b) - 1)
                    bottom = min(bottom, max(a, b) + 1)
                }
                let rows = UInt64(top - origin.y) << 43 | UInt64(bottom - origin.y) << 30
                pieces.append(UInt64(strip) << 56 | rows | UInt64(i))
            }
        }
        pieces.sort(bits: 43..<64, spare: &spare)
    }

    /// Goes to the next strip. False after the last.
    mutating func nextStrip<Segment: LineSegment>(_ segments: borrowing Scratch<Segment>) -> Bool {
        if next == pieces.count { return false }
        let first = next
        let strip = pieces[first] >> 56
        while next < pieces.count && pieces[next] >> 56 == strip { next += 1 }
        orderByRows(first..<next)
        if isCrowded {
            let number = pairCount
            orderAcross(segments)
            if pairCount >= number { orderByRows(first..<next) }
        }
        return true
    }

    /// Whether more than a quarter of the pieces are near so many others that another order may be better.
    private var isCrowded: Bool {
        var crowded = 0
        for i in 0..<max(0, count - crowd) where areNear(i, i + crowd) { crowded += 1 }
        return 4 * crowded > count
    }

    /// Pieces in the strip at hand.
    var count: Int { starts.count }

    @inline(__always)
    func segment(_ place: Int) -> Int { Int(truncatingIfNeeded: starts[place] & NearPairs.segmentMask) }

    /// Whether a later piece, all between them being near, is near an earlier one.
    @inline(__always)
    func areNear(_ place: Int, _ later: Int) -> Bool { later < starts.count && starts[later] <= ends[place] }

    private mutating func orderByRows(_ range: Range<Int>) {
        starts.removeAll()
        ends.removeAll()
        for i in range {
            let piece = pieces[i]
            starts.append((piece >> 43 & 0x1FFF) << NearPairs.segmentBits | piece & NearPairs.segmentMask)
            ends.append((piece >> 30 & 0x1FFF) << NearPairs.segmentBits | NearPairs.segmentMask)
        }
    }

    /// - Complexity: O(pieces × log pieces)
    private var pairCount: Int {
        var result = 0
        for i in 0..<count {
            var low = i + 1
            var high = count
            while low < high {
                let middle = (low + high) / 2
                if starts[middle] <= ends[i] { low = middle + 1 } else { high = middle }
            }
            result += low - i - 1
        }
        return result
    }

    /// Orders the segments at hand by how far they lie to one side of the way most of them run: what crosses overlaps there too.
    private mutating func orderAcross<Segment: LineSegment>(_ segments: borrowing Scratch<Segment>) {
        let (p, q) = direction(segments)
        let origin = segments[segment(0)].north
        // A difference takes 33 bits at most, so this 56.
        func side(_ point: FinePoint) -> Int64 { (point.x - origin.x) * q - (point.y - origin.y) * p }
        var low = Int64.max
        var high = Int64.min
        for i in 0..<count {
            let (a, b) = (side(segments[segment(i)].north), side(segments[segment(i)].south))
            low = min(low, a, b)
            high = max(high, a, b)
        }
        let shift = max(0, Int64(64 - (high - low).leadingZeroBitCount) - 33)
        for i in 0..<count {
            let number = segment(i)
            let start = min(side(segments[number].north), side(segments[number].south))
            starts[i] = UInt64((start - low) >> shift) << NearPairs.segmentBits | UInt64(number)
        }
        starts.sort(bits: Int(NearPairs.segmentBits)..<64, spare: &spare)
        for i in 0..<count {
            let number = segment(i)
            let end = max(side(segments[number].north), side(segments[number].south))
            ends[i] = UInt64((end - low) >> shift) << NearPairs.segmentBits | NearPairs.segmentMask
        }
    }

    /// The axis along which the segments at hand are longest, about 2²⁰ long.
    private func direction<Segment: LineSegment>(_ segments: borrowing Scratch<Segment>) -> (x: Int64, y: Int64) {
        var (xx, xy, yy) = (0.0, 0.0, 0.0)
        for i in 0..<count {
            let segment = segments[segment(i)]
            let (x, y) = (Double(segment.south.x - segment.north.x), Double(segment.south.y - segment.north.y))
            xx += x * x
            xy += x * y
            yy += y * y
        }
        // Of the matrix of these, the vector of the greater value.
        let value = (xx + yy) / 2 + ((xx - yy) * (xx - yy) / 4 + xy * xy).squareRoot()
        let (x, y) = xx > yy ? (value - yy, xy) : (xy, value - xx)
        let length = max(abs(x), abs(y))
        if length == 0 { return (1 << 20, 0) }
        return (Int64(x / length * 0x1p20), Int64(y / length * 0x1p20))
    }
}
