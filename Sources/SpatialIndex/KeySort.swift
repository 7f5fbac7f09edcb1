/// A key and what it belongs to.
public struct KeyedItem: Sendable, Equatable {
    public var key: UInt64
    public var item: UInt64

    @inlinable
    public init(key: UInt64, item: UInt64) {
        self.key = key
        self.item = item
    }
}

/// Sorts by key, equal keys in the order given: a radix sort from the lowest digit.
public enum KeySort {
    /// Digits of 11 bits; a digit that is the same in all keys, as the high ones are within one town, costs one look and no pass.
    /// - Complexity: O(n), 16 bytes an item of memory besides.
    public static func sort(_ items: inout [KeyedItem]) {
        let digitBits = 11
        let size = 1 << digitBits
        if items.count < 256 {
            items.sort { $0.key != $1.key ? $0.key < $1.key : $0.item < $1.item }
            return
        }
        var all: UInt64 = .max
        var any: UInt64 = 0
        for item in items {
            all &= item.key
            any |= item.key
        }
        let varying = all ^ any
        var other = [KeyedItem](repeating: KeyedItem(key: 0, item: 0), count: items.count)
        var counts = [Int](repeating: 0, count: size)
        var shift: UInt64 = 0
        while shift < 64 {
            if (varying >> shift) & UInt64(size - 1) != 0 {
                items.withUnsafeMutableBufferPointer { from in
                    other.withUnsafeMutableBufferPointer { to in
                        counts.withUnsafeMutableBufferPointer { counts in
                            counts.update(repeating: 0)
                            for item in from { counts[Int((item.key >> shift) & UInt64(size - 1))] += 1 }
                            var start = 0
                            for digit in 0..<size { (counts[digit], start) = (start, start + counts[digit]) }
                            for item in from {
                                let digit = Int((item.key >> shift) & UInt64(size - 1))
                                to[counts[digit]] = item
                                counts[digit] += 1
                            }
                        }
                    }
                }
                swap(&items, &other)
            }
            shift += UInt64(digitBits)
        }
    }
}
