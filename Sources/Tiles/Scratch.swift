/// A growable run of plain values that keeps its memory from one feature to the next.
///
/// The only file of this target that owns pointers. What makes them sound: the memory belongs to one value that cannot be copied and is
/// freed with it; every index is checked against `count`; and whatever is written without a check of its own was reserved just before.
@safe
struct Scratch<Element: BitwiseCopyable>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 64) {
        self.capacity = max(capacity, 16)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    @inline(__always) var isEmpty: Bool { count == 0 }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            return base[index]
        }
        set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            base[index] = newValue
        }
        _modify {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            yield &base[index]
        }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(by: 1) }
        base[count] = element
        count &+= 1
    }

    @inline(__always)
    mutating func append(repeating element: Element, count number: Int) {
        reserve(number)
        for i in 0..<number { base[count &+ i] = element }
        count &+= number
    }

    /// The elements where they lie, until something is added.
    var view: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

    mutating func removeAll() { count = 0 }

    /// Becomes `newCount` elements that `element` makes of their numbers.
    @inline(__always)
    mutating func fill(count newCount: Int, _ element: (Int) -> Element) {
        count = 0
        reserve(newCount)
        for i in 0..<newCount { base[i] = element(i) }
        count = newCount
    }

    mutating func removeLast(_ number: Int = 1) {
        precondition(number <= count)
        count -= number
    }

    mutating func truncate(to newCount: Int) {
        precondition(newCount <= count)
        count = newCount
    }

    /// Becomes `newCount` copies of `element`.
    mutating func fill(_ element: Element, count newCount: Int) {
        count = 0
        reserve(newCount)
        base.update(repeating: element, count: newCount)
        count = newCount
    }

    /// Puts the whole of `other` in place of the elements in `range`.
    mutating func replace(_ range: Range<Int>, with other: borrowing Scratch<Element>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        reserve(other.count)
        let tail = count - range.upperBound
        if other.count != range.count && tail > 0 {
            (base + range.lowerBound + other.count).update(from: base + range.upperBound, count: tail)
        }
        (base + range.lowerBound).update(from: other.base, count: other.count)
        count += other.count - range.count
    }

    /// Puts two elements in front of the one at `index`.
    mutating func insert(_ first: Element, _ second: Element, at index: Int) {
        precondition(index >= 0 && index <= count)
        reserve(2)
        (base + index + 2).update(from: base + index, count: count - index)
        base[index] = first
        base[index + 1] = second
        count += 2
    }

    mutating func remove(_ number: Int, at index: Int) {
        precondition(index >= 0 && number >= 0 && index + number <= count)
        (base + index).update(from: base + index + number, count: count - index - number)
        count -= number
    }

    /// Turns the elements in `range` round.
    mutating func reverse(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var low = range.lowerBound
        var high = range.upperBound - 1
        while low < high {
            swap(&base[low], &base[high])
            low += 1
            high -= 1
        }
    }

    /// Makes sure that `number` more elements fit.
    @inline(__always)
    mutating func reserve(_ number: Int) {
        if capacity - count < number { grow(by: number) }
    }

    @inline(never)
    private mutating func grow(by number: Int) {
        capacity = max(2 * capacity, count + number)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }
}

extension Scratch where Element == UInt64 {
    /// Sorts ascending by the bits in `bits`; numbers that agree there keep their order.
    ///
    /// Insertion for a few, else by nine bits at a time (least significant first) through `spare`.
    /// - Complexity: O(count × bits ÷ 9)
    mutating func sort(bits: Range<Int>, spare: inout Scratch<UInt64>) {
        if count <= 40 {
            let shift = UInt64(bits.lowerBound)
            var i = 1
            while i < count {
                let element = base[i]
                var j = i
                while j > 0 && base[j - 1] >> shift > element >> shift {
                    base[j] = base[j - 1]
                    j -= 1
                }
                base[j] = element
                i += 1
            }
            return
        }
        spare.removeAll()
        spare.reserve(count)
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 512) { starts in
            var shift = bits.lowerBound
            while shift < bits.upperBound {
                starts.initialize(repeating: 0)
                for i in 0..<count { starts[Int(truncatingIfNeeded: (base[i] >> UInt64(shift)) & 511)] += 1 }
                var total = 0
                var full = false
                for digit in 0..<512 {
                    let number = starts[digit]
                    if number == count { full = true }
                    starts[digit] = total
                    total += number
                }
                if !full {  // otherwise all agree in these bits
                    for i in 0..<count {
                        let digit = Int(truncatingIfNeeded: (base[i] >> UInt64(shift)) & 511)
                        spare.base[starts[digit]] = base[i]
                        starts[digit] += 1
                    }
                    swap(&base, &spare.base)
                    swap(&capacity, &spare.capacity)
                }
                shift += 9
            }
        }
    }
}

extension Scratch where Element == UInt8 {
    /// A protobuf varint: seven bits a byte, the lowest first.
    @inline(__always)
    mutating func append(varint value: UInt64) {
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            base[count] = UInt8(truncatingIfNeeded: rest) | 0x80
            count &+= 1
            rest >>= 7
        }
        base[count] = UInt8(truncatingIfNeeded: rest)
        count &+= 1
    }

    mutating func append(bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + count).copyMemory(from: source, byteCount: bytes.count)
        count &+= bytes.count
    }

    mutating func append(text: String) {
        for byte in text.utf8 { append(byte) }
    }

    @inline(__always)
    mutating func append(_ other: borrowing Scratch<UInt8>, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= other.count)
        reserve(range.count + 15)
        if other.capacity - range.upperBound >= 15 {
            // A few bytes at most: sixteen at a time into what was reserved cost less than a call.
            let source = UnsafeRawPointer(other.base + range.lowerBound)
            let target = UnsafeMutableRawPointer(base + count)
            var offset = 0
            while offset < range.count {
                target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self), toByteOffset: offset, as: SIMD16<UInt8>.self)
                offset &+= 16
            }
        } else {
            (base + count).update(from: other.base + range.lowerBound, count: range.count)
        }
        count &+= range.count
    }

    /// The bytes of `value`, lowest first.
    mutating func append(fixed value: UInt64) {
        reserve(8)
        UnsafeMutableRawPointer(base + count).storeBytes(of: value.littleEndian, as: UInt64.self)
        count &+= 8
    }

    func equals(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        precondition(offset >= 0 && bytes.count <= count - offset)
        return UnsafeRawBufferPointer(start: base + offset, count: bytes.count).elementsEqual(bytes)
    }

    /// Key and value of each cell that has one (MVT 2.1, 4.4), for those of one feature.
    @inline(__always)
    mutating func append(cells: borrowing Scratch<UInt32>, _ range: Range<Int>, keys: borrowing Scratch<Int32>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= cells.count && range.count <= keys.count)
        reserve(15 * range.count)
        var target = base + count
        for i in 0..<range.count {
            let cell = cells.base[range.lowerBound &+ i]
            if cell == 0 { continue }
            target = Self.put(UInt32(bitPattern: keys.base[i]), at: target)
            target = Self.put(cell &- 1, at: target)
        }
        count = target - base
    }

    @inline(__always)
    private static func put(_ value: UInt32, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var target = start
        var rest = value
        while rest >= 0x80 {
            target[0] = UInt8(truncatingIfNeeded: rest) | 0x80
            target += 1
            rest >>= 7
        }
        target[0] = UInt8(truncatingIfNeeded: rest)
        return target + 1
    }

    /// The commands of a polygon of one ring, clockwise on the map (MVT 2.1, 4.3.4.4), its vertices rounded to the grid, repeated ones left out.
    /// - Parameter ring: world units, the first vertex repeated at the end; at least three are left on the grid.
    mutating func append(ring: UnsafeBufferPointer<Int32>, isClockwise: Bool, _ grid: TileGrid) {
        let open = ring.count / 2 - 1
        precondition(open >= 3)
        reserve(4 * open + 16)
        var place = isClockwise ? 0 : 2 * open
        let step = isClockwise ? 2 : -2
        let first = grid.snap(grid.fine(ring[place], ring[place + 1]))
        let start = base + count
        start[0] = 9
        var target = Self.put(step: first.x, at: start + 1)
        target = Self.put(step: first.y, at: target)
        // The number of vertices is known at the end; up to 16 it takes one byte, else two.
        let number = target
        let room = open <= 16 ? 1 : 2
        target += room
        var last = first
        var lastStep = target
        var steps = 0
        for _ in 1..<open {
            place &+= step
            let point = grid.snap(grid.fine(ring[place], ring[place + 1]))
            if point == last { continue }
            lastStep = target
            target = Self.put(step: point.x &- last.x, at: target)
            target = Self.put(step: point.y &- last.y, at: target)
            last = point
            steps &+= 1
        }
        if last == first && steps > 0 {  // the vertices before the closing one fell onto it
            target = lastStep
            steps &-= 1
        }
        let end = Self.put(UInt32(truncatingIfNeeded: steps) << 3 | 2, at: number)
        if end != number + room {
            end.update(from: number + room, count: target - number - room)
            target -= 1
        }
        target[0] = 15
        count = target + 1 - base
    }

    /// Steps from vertex to vertex as zigzag varints (MVT 2.1, 4.3.2), starting from `cursor`, which ends at the last vertex.
    ///
    /// A step inside a buffered tile is under 2¹³, so it takes one byte or two; both are written and the second counted only when used.
    @inline(__always)
    mutating func append(stepsThrough points: borrowing Scratch<GridPoint>, _ range: Range<Int>, from cursor: inout GridPoint) {
        precondition(range.lowerBound >= 0 && range.upperBound <= points.count)
        reserve(4 * range.count + 1)
        var target = base + count
        var last = cursor
        for i in range {
            let point = points.base[i]
            target = Self.put(step: point.x &- last.x, at: target)
            target = Self.put(step: point.y &- last.y, at: target)
            last = point
        }
        cursor = last
        count = target - base
    }

    @inline(__always)
    private static func put(step: Int32, at target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let zigzag = UInt32(bitPattern: (step << 1) ^ (step >> 31))
        let long = zigzag >= 0x80
        target[0] = UInt8(truncatingIfNeeded: zigzag) & 0x7F | (long ? 0x80 : 0)
        target[1] = UInt8(truncatingIfNeeded: zigzag >> 7)
        return target + (long ? 2 : 1)
    }

    fileprivate var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
}

extension [UInt8] {
    /// Five runs of bytes one after another, each copied once.
    static func joined(
        _ a: borrowing Scratch<UInt8>, _ b: borrowing Scratch<UInt8>, _ c: borrowing Scratch<UInt8>, _ d: borrowing Scratch<UInt8>,
        _ e: borrowing Scratch<UInt8>
    ) -> [UInt8] {
        let parts = (a.bytes, b.bytes, c.bytes, d.bytes, e.bytes)
        let count = parts.0.count + parts.1.count + parts.2.count + parts.3.count + parts.4.count
        return [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            for part in [parts.0, parts.1, parts.2, parts.3, parts.4] {
                guard let start = part.baseAddress, part.count > 0 else { continue }
                (target.baseAddress! + initialized).initialize(from: start, count: part.count)
                initialized += part.count
            }
        }
    }
}

/// A hash of bytes, eight at a time: multiply to 128 bits and fold (the step of wyhash, W. Yi, public domain).
@inline(__always)
func hash(bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: bytes.count)
    var offset = 0
    while bytes.count - offset >= 8 {
        state = fold(state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
    }
    var rest: UInt64 = 0
    var shift: UInt64 = 0
    if bytes.count - offset >= 4 {
        rest = UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        shift = 32
        offset += 4
    }
    while offset < bytes.count {
        rest |= UInt64(bytes[offset]) << shift
        shift += 8
        offset += 1
    }
    return fold(state ^ rest)
}

@inline(__always)
private func fold(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
}
