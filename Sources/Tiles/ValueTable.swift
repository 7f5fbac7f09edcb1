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
        hashes.fill(count: bits.count) { Self.mixed(bits[$0]) }
        fetch()
        numbers.removeAll()
        numbers.reserve(bits.count)
        var last: UInt32 = 0
        for i in 0..<bits.count {
            // Neighbours often have the same.
            if i == 0 || bits[i] != bits[i - 1] {
                let kind: Kind =
                    switch type {
                    case .integer: Int64(bitPattern: bits[i]) < 0 ? .negative : .natural
                    case .real: .real
                    case .boolean: .boolean
                    }
                last = index(kind, bits: bits[i], hash: hashes[i])
            }
            numbers.append(last)
        }
    }

    /// The indexes of many texts.
    mutating func indexes(_ texts: UnsafeBufferPointer<UnsafeRawBufferPointer>, into numbers: inout Scratch<UInt32>) {
        hashes.fill(count: texts.count) { hash(bytes: texts[$0]) }
        fetch()
        numbers.removeAll()
        numbers.reserve(texts.count)
        for i in 0..<texts.count { numbers.append(index(text: texts[i], hash: hashes[i])) }
    }

    /// Reads the slots of `hashes`, which no reading waits for.
    private mutating func fetch() {
        let mask = mask
        fetched.fill(count: hashes.count) { slots[Int(truncatingIfNeeded: hashes[$0]) & mask] }
    }

    /// The index of a text, added if it is new. The bytes must be UTF-8.
    mutating func index(text: UnsafeRawBufferPointer) -> UInt32 {
        index(text: text, hash: hash(bytes: text))
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
    mutating func index(_ kind: Kind, bits: UInt64) -> UInt32 {
        index(kind, bits: bits, hash: Self.mixed(bits))
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
        mask = 2 * mask + 1
        slots.fill(0, count: mask + 1)
        for i in 0..<entries.count {
            var slot = Int(truncatingIfNeeded: entries[i].hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = marked(entries[i].hash, i)
        }
    }

    /// A bijection of 64 bits (the finalizer of MurmurHash3, A. Appleby, public domain).
    @inline(__always)
    private static func mixed(_ bits: UInt64) -> UInt64 {
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
