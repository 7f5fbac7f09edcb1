/// The different values of one tile, each written once in the form it has in the tile (MVT 2.1, 4.1), with a hash table over those bytes.
///
/// Open addressing, linear probing, at most half full; nothing is allocated per value once the memory has grown.
struct ValueTable: ~Copyable {
    /// What kinds of value there are, with their field numbers in the message `Value`.
    enum Kind: UInt8 {
        case text = 1
        case real = 3
        case natural = 4
        case negative = 6
        case boolean = 7
    }

    struct Entry: BitwiseCopyable {
        /// For a text the hash of its bytes. For the others a bijection of the number, so that equal hashes mean equal numbers.
        var hash: UInt64
        /// Where a text's bytes begin in `wire`.
        var offset: UInt32
        var length: UInt32
        var kind: UInt8
    }

    /// The values as the layer holds them: field 4, length, `Value`.
    private(set) var wire = Scratch<UInt8>(capacity: 4096)
    private var entries = Scratch<Entry>(capacity: 256)
    /// Index into `entries` plus one in the bits of `mask`, and above them bits of the hash, so that few entries are looked at in vain; zero is free.
    /// The table is the one thing here that is read all over, so it is kept small.
    private var slots = Scratch<UInt32>(capacity: leastSlots)
    private var mask = leastSlots - 1
    private static let leastSlots = 1024

    init() {
        slots.fill(0, count: Self.leastSlots)
    }

    /// The table starts small again: one as large as the largest tile so far would lie outside the processor's caches for every small one.
    mutating func removeAll() {
        wire.removeAll()
        entries.removeAll()
        mask = Self.leastSlots - 1
        slots.fill(0, count: Self.leastSlots)
    }

    /// The index of a text, added if it is new. The bytes must be UTF-8.
    @inline(__always)
    mutating func index(text: UnsafeRawBufferPointer) -> UInt32 {
        let hash = hash(bytes: text)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let found = slots[slot]
            if found == 0 { return add(text: text, hash: hash, slot: slot) }
            if mayBe(found, hash) {
                let number = index(found)
                let entry = entries[Int(number)]
                if entry.hash == hash && entry.kind == Kind.text.rawValue && entry.length == text.count
                    && wire.equals(text, at: Int(entry.offset))
                {
                    return number
                }
            }
            slot = (slot &+ 1) & mask
        }
    }

    /// The index of a number or a truth value given by its 64 bits, added if it is new.
    @inline(__always)
    mutating func index(_ kind: Kind, bits: UInt64) -> UInt32 {
        let hash = mixed(bits)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let found = slots[slot]
            if found == 0 { return add(kind, bits: bits, hash: hash, slot: slot) }
            if mayBe(found, hash) {
                let number = index(found)
                let entry = entries[Int(number)]
                if entry.hash == hash && entry.kind == kind.rawValue { return number }
            }
            slot = (slot &+ 1) & mask
        }
    }

    @inline(never)
    private mutating func add(text: UnsafeRawBufferPointer, hash: UInt64, slot: Int) -> UInt32 {
        let length = UInt64(text.count)
        wire.append(0x22)
        wire.append(varint: 1 + varintLength(length) + length)
        wire.append(0x0A)
        wire.append(varint: length)
        let offset = wire.count
        wire.append(bytes: text)
        return place(
            Entry(hash: hash, offset: UInt32(offset), length: UInt32(length), kind: Kind.text.rawValue), slot: slot)
    }

    @inline(never)
    private mutating func add(_ kind: Kind, bits: UInt64, hash: UInt64, slot: Int) -> UInt32 {
        wire.append(0x22)
        switch kind {
        case .real:
            wire.append(9)
            wire.append(0x19)
            wire.append(fixed: bits)
        case .natural, .negative, .boolean, .text:
            let number = kind == .negative ? zigzag(bits) : bits
            wire.append(varint: 1 + varintLength(number))
            wire.append(kind.rawValue << 3)
            wire.append(varint: number)
        }
        return place(Entry(hash: hash, offset: 0, length: 0, kind: kind.rawValue), slot: slot)
    }

    private mutating func place(_ entry: Entry, slot: Int) -> UInt32 {
        entries.append(entry)
        slots[slot] = marked(entry.hash, entries.count - 1)
        if 2 * entries.count > mask { grow() }
        return UInt32(entries.count - 1)
    }

    /// What stands in the slot of an entry. There are at most half as many entries as slots, so an index fits the bits of `mask`.
    @inline(__always)
    private func marked(_ hash: UInt64, _ index: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: hash >> 32) & ~UInt32(truncatingIfNeeded: mask) | UInt32(truncatingIfNeeded: index + 1)
    }

    /// Whether the entry of a slot may have this hash.
    @inline(__always)
    private func mayBe(_ slot: UInt32, _ hash: UInt64) -> Bool {
        (slot ^ UInt32(truncatingIfNeeded: hash >> 32)) & ~UInt32(truncatingIfNeeded: mask) == 0
    }

    @inline(__always)
    private func index(_ slot: UInt32) -> UInt32 {
        (slot & UInt32(truncatingIfNeeded: mask)) - 1
    }

    private mutating func grow() {
        mask = 4 * mask + 3
        slots.fill(0, count: mask + 1)
        for i in 0..<entries.count {
            var slot = Int(truncatingIfNeeded: entries[i].hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = marked(entries[i].hash, i)
        }
    }

    /// A bijection of 64 bits (the finalizer of MurmurHash3, A. Appleby, public domain).
    @inline(__always)
    private func mixed(_ bits: UInt64) -> UInt64 {
        var z = bits
        z = (z ^ (z >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        z = (z ^ (z >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return z ^ (z >> 33)
    }

    private func zigzag(_ bits: UInt64) -> UInt64 {
        (bits << 1) ^ UInt64(bitPattern: Int64(bitPattern: bits) >> 63)
    }
}

/// How many bytes a varint takes.
@inline(__always)
func varintLength(_ value: UInt64) -> UInt64 {
    UInt64(truncatingIfNeeded: (70 &- (value | 1).leadingZeroBitCount) / 7)
}
