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
        /// For a text the hash of its bytes, for the others their 64 bits.
        var bits: UInt64
        /// Where a text's bytes begin in `wire`.
        var offset: UInt32
        /// The length of a text, for the others `form` of their kind.
        var form: UInt32

        /// Longer than any text.
        @inline(__always)
        static func form(_ kind: Kind) -> UInt32 { ~UInt32(kind.rawValue) }

        @inline(__always)
        var hash: UInt64 { form > ~16 ? ValueTable.hash(bits) : bits }
    }

    /// The values as the layer holds them: field 4, length, `Value`.
    private(set) var wire = Scratch<UInt8>(capacity: 4096)
    private var entries = Scratch<Entry>(capacity: 256)
    /// Index into `entries` plus one in the bits of `mask`, and above them bits of the hash, so that few entries are looked at in vain; zero is free.
    /// The table is the one thing here that is read all over, so it is kept small.
    private var slots = Scratch<UInt32>(capacity: leastSlots)
    private var mask = leastSlots - 1
    private static let leastSlots = 1024
    private var hashes = Scratch<UInt64>(capacity: TileEncoder.batchLimit)
    private var fetched = Scratch<UInt32>(capacity: TileEncoder.batchLimit)

    init() {
        slots.fill(0, count: Self.leastSlots)
    }

    /// The table starts as small as it can: one as large as the largest tile so far would lie outside the processor's caches for every small one.
    /// - Parameter expected: about how many values there will be.
    mutating func removeAll(expected: Int) {
        wire.removeAll()
        entries.removeAll()
        mask = Self.leastSlots - 1
        while mask < 2 * min(expected, 1 << 20) { mask = 2 * mask + 1 }
        slots.fill(0, count: mask + 1)
    }

    /// The indexes of many numbers or truth values given by their 64 bits.
    ///
    /// In three steps, so that what has to be fetched from memory is on its way for all of them at once, and not for one after another.
    mutating func indexes(_ type: TileEncoder.NumberType, bits: UnsafeBufferPointer<UInt64>, into numbers: inout Scratch<UInt32>) {
        if bits.isEmpty { return }
        hashes.fill(count: bits.count) { Self.hash(bits[$0]) }
        fetch()
        let isInteger = type == .integer
        let kind: Kind = type == .real ? .real : type == .boolean ? .boolean : .natural
        var last = bits[0]
        var number = index(isInteger && Int64(bitPattern: last) < 0 ? .negative : kind, bits: last, hash: hashes[0])
        numbers.fill(count: bits.count) { i in
            // Neighbours often have the same.
            if bits[i] != last {
                last = bits[i]
                number = index(isInteger && Int64(bitPattern: last) < 0 ? .negative : kind, bits: last, hash: hashes[i])
            }
            return number
        }
    }

    /// The indexes of many texts.
    mutating func indexes(_ texts: UnsafeBufferPointer<UnsafeRawBufferPointer>, into numbers: inout Scratch<UInt32>) {
        hashes.fill(count: texts.count) { Tiles.hash(bytes: texts[$0]) }
        fetch()
        numbers.fill(count: texts.count) { index(text: texts[$0], hash: hashes[$0]) }
    }

    /// Reads the slots of `hashes`, which no reading waits for.
    private mutating func fetch() {
        let mask = mask
        fetched.fill(count: hashes.count) { slots[Int(truncatingIfNeeded: hashes[$0]) & mask] }
    }

    /// The index of a text, added if it is new. The bytes must be UTF-8.
    mutating func index(text: UnsafeRawBufferPointer) -> UInt32 {
        index(text: text, hash: Tiles.hash(bytes: text))
    }

    @inline(__always)
    private mutating func index(text: UnsafeRawBufferPointer, hash: UInt64) -> UInt32 {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let found = slots[slot]
            if found == 0 { return add(text: text, hash: hash, slot: slot) }
            if mayBe(found, hash) {
                let number = index(found)
                let entry = entries[Int(number)]
                if entry.bits == hash && entry.form == text.count && wire.equals(text, at: Int(entry.offset)) {
                    return number
                }
            }
            slot = (slot &+ 1) & mask
        }
    }

    /// The index of a number or a truth value given by its 64 bits, added if it is new.
    mutating func index(_ kind: Kind, bits: UInt64) -> UInt32 {
        index(kind, bits: bits, hash: Self.hash(bits))
    }

    @inline(__always)
    private mutating func index(_ kind: Kind, bits: UInt64, hash: UInt64) -> UInt32 {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let found = slots[slot]
            if found == 0 { return add(kind, bits: bits, hash: hash, slot: slot) }
            if mayBe(found, hash) {
                let number = index(found)
                let entry = entries[Int(number)]
                if entry.bits == bits && entry.form == Entry.form(kind) { return number }
            }
            slot = (slot &+ 1) & mask
        }
    }

    @inline(never)
    private mutating func add(text: UnsafeRawBufferPointer, hash: UInt64, slot: Int) -> UInt32 {
        let length = UInt64(text.count)
        wire.append(field: 0x22, 1 + varintLength(length) + length)
        wire.append(field: 0x0A, length)
        let offset = wire.count
        wire.append(bytes: text)
        return place(Entry(bits: hash, offset: UInt32(offset), form: UInt32(length)), hash: hash, slot: slot)
    }

    @inline(never)
    private mutating func add(_ kind: Kind, bits: UInt64, hash: UInt64, slot: Int) -> UInt32 {
        switch kind {
        case .real: wire.append(field: 0x22, 9, fixed: 0x19, bits)
        case .natural, .negative, .boolean, .text:
            let number = kind == .negative ? zigzag(bits) : bits
            wire.append(field: 0x22, 1 + varintLength(number))
            wire.append(field: kind.rawValue << 3, number)
        }
        return place(Entry(bits: bits, offset: 0, form: Entry.form(kind)), hash: hash, slot: slot)
    }

    @inline(__always)
    private mutating func place(_ entry: Entry, hash: UInt64, slot: Int) -> UInt32 {
        let number = entries.count
        entries.append(entry)
        slots[slot] = marked(hash, number)
        if 2 &* number >= mask { grow() }
        return UInt32(truncatingIfNeeded: number)
    }

    /// What stands in the slot of an entry. There are at most half as many entries as slots, so an index fits the bits of `mask`.
    @inline(__always)
    private func marked(_ hash: UInt64, _ index: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: hash >> 32) & ~UInt32(truncatingIfNeeded: mask) | UInt32(truncatingIfNeeded: index &+ 1)
    }

    /// Whether the entry of a slot may have this hash.
    @inline(__always)
    private func mayBe(_ slot: UInt32, _ hash: UInt64) -> Bool {
        (slot ^ UInt32(truncatingIfNeeded: hash >> 32)) & ~UInt32(truncatingIfNeeded: mask) == 0
    }

    @inline(__always)
    private func index(_ slot: UInt32) -> UInt32 {
        (slot & UInt32(truncatingIfNeeded: mask)) &- 1
    }

    @inline(never)
    private mutating func grow() {
        mask = 2 * mask + 1
        slots.fill(0, count: mask + 1)
        for i in 0..<entries.count {
            let hash = entries[i].hash
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = marked(hash, i)
        }
    }

    @inline(__always)
    private static func hash(_ bits: UInt64) -> UInt64 { fold(bits ^ 0x9E37_79B9_7F4A_7C15) }

    private func zigzag(_ bits: UInt64) -> UInt64 {
        (bits << 1) ^ UInt64(bitPattern: Int64(bitPattern: bits) >> 63)
    }
}

/// How many bytes a varint takes.
@inline(__always)
func varintLength(_ value: UInt64) -> UInt64 {
    UInt64(truncatingIfNeeded: (70 &- (value | 1).leadingZeroBitCount) / 7)
}
