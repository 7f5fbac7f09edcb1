/// Where the tiles of a PMTiles archive lie (version 3, “Directories”).
struct PMTilesDirectory {
    /// A run of tiles with the same content, or a leaf directory (`runLength` 0).
    struct Entry: Equatable {
        var number: UInt64
        var offset: UInt64
        var length: UInt32
        var runLength: UInt32
    }

    var entries: [Entry]

    /// The bytes before they are compressed.
    /// - Complexity: O(entries)
    var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(entries.count * 8)
        append(UInt64(entries.count), to: &result)
        var last: UInt64 = 0
        for entry in entries {
            append(entry.number - last, to: &result)
            last = entry.number
        }
        for entry in entries { append(UInt64(entry.runLength), to: &result) }
        for entry in entries { append(UInt64(entry.length), to: &result) }
        for (place, entry) in entries.enumerated() {
            // 0: right behind the one before.
            let follows = place > 0 && entry.offset == entries[place - 1].offset + UInt64(entries[place - 1].length)
            append(follows ? 0 : entry.offset + 1, to: &result)
        }
        return result
    }

    private func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
