import CXXHash

/// The distinct texts of a column, as long as they are few. Texts are numbered as they come; sorting is for the end.
final class TextDictionary {
    /// More distinct texts, or more bytes of them, and the column is stored plainly.
    static let entryLimit = 1 << 16
    static let byteLimit = 4 << 20

    private let arena = ByteArena(capacity: 1 << 12)
    private var ends: [Int] = []
    private var hashes: [UInt64] = []
    /// Open addressing; entry number + 1, 0 is free.
    private var table = [UInt32](repeating: 0, count: 256)
    /// No text was refused: the column can be stored as codes.
    private(set) var isComplete = true

    var count: Int { ends.count }

    func text(_ entry: Int) -> UnsafeRawBufferPointer {
        let start = entry == 0 ? 0 : ends[entry - 1]
        return UnsafeRawBufferPointer(start: arena.base + start, count: ends[entry] - start)
    }

    /// The number of a text, nil when there are too many to keep.
    /// - Complexity: O(1) amortised
    func intern(_ text: UnsafeRawBufferPointer) -> UInt32? {
        guard isComplete else { return nil }
        let hash = XXH3_64bits(text.baseAddress, text.count)
        var place = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[place] != 0 {
            let entry = Int(table[place]) - 1
            if hashes[entry] == hash && equal(self.text(entry), text) { return UInt32(entry) }
            place = (place + 1) & (table.count - 1)
        }
        guard count < TextDictionary.entryLimit, arena.count + text.count <= TextDictionary.byteLimit else {
            isComplete = false
            return nil
        }
        arena.put(text)
        ends.append(arena.count)
        hashes.append(hash)
        table[place] = UInt32(count)
        if 2 * count > table.count { rehash() }
        return UInt32(count - 1)
    }

    /// Entries in ascending order of their bytes, which for UTF-8 is the order of code points.
    func sorted() -> [Int] {
        (0..<count).sorted { a, b in
            let (a, b) = (text(a), text(b))
            let order = memcmpOrder(a, b)
            return order != 0 ? order < 0 : a.count < b.count
        }
    }

    private func rehash() {
        table = [UInt32](repeating: 0, count: 2 * table.count)
        for (entry, hash) in hashes.enumerated() {
            var place = Int(truncatingIfNeeded: hash) & (table.count - 1)
            while table[place] != 0 { place = (place + 1) & (table.count - 1) }
            table[place] = UInt32(entry + 1)
        }
    }
}
