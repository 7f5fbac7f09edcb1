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
    /// Insertion for a few, nothing for what is sorted, else by nine bits at a time (least significant first) through `spare`.
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
        if isSorted(bits) { return }
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

    private func isSorted(_ bits: Range<Int>) -> Bool {
        let shift = UInt64(bits.lowerBound)
        var i = 1
        while i < count && base[i - 1] >> shift <= base[i] >> shift { i += 1 }
        return i == count
    }
}

extension Scratch where Element == GridPoint {
    /// Takes out the vertices of a line or a ring that lie straight between their neighbours; its ends stay where it is a line.
    /// - Returns: where what is left of it lies, within `range`.
    mutating func removeStraight(_ range: Range<Int>, isRing: Bool) -> Range<Int> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var start = range.lowerBound
        var end = start
        for i in range {
            let point = base[i]
            if end - start >= 2 && isStraight(base[end - 2], base[end - 1], point) { end -= 1 }
            base[end] = point
            end += 1
        }
        if isRing && end - start > 3 && isStraight(base[end - 2], base[end - 1], base[start]) { end -= 1 }
        if isRing && end - start > 3 && isStraight(base[end - 1], base[start], base[start + 1]) { start += 1 }
        return start..<end
    }

    private func isStraight(_ a: GridPoint, _ b: GridPoint, _ c: GridPoint) -> Bool {
        turn(a, b, c) == 0 && (b.x &- a.x) &* (c.x &- b.x) &+ (b.y &- a.y) &* (c.y &- b.y) > 0
    }
}

extension Scratch where Element == UInt8 {
    /// A protobuf varint: seven bits a byte, the lowest first.
    @inline(__always)
    mutating func append(varint value: UInt64) {
        reserve(10)
        count = Self.put(value, at: base + count) - base
    }

    /// A field's tag and a varint.
    @inline(__always)
    mutating func append(field: UInt8, _ value: UInt64) {
        reserve(11)
        count = Self.put(field: field, value, at: base + count) - base
    }

    /// A message of one field of 64 bits, lowest byte first: its own tag and length, then the field's tag and `value`.
    @inline(__always)
    mutating func append(field: UInt8, _ length: UInt8, fixed: UInt8, _ value: UInt64) {
        reserve(11)
        let target = base + count
        target[0] = field
        target[1] = length
        target[2] = fixed
        UnsafeMutableRawPointer(target + 3).storeBytes(of: value.littleEndian, as: UInt64.self)
        count &+= 11
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

    func equals(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        precondition(offset >= 0 && bytes.count <= count - offset)
        return UnsafeRawBufferPointer(start: base + offset, count: bytes.count).elementsEqual(bytes)
    }

    /// A feature (MVT 2.1, 4.2): its id, its tags, its type and the commands of its geometry.
    /// - Parameters:
    ///   - cells: those of the feature among `tags`.
    ///   - range: its commands in `geometry`.
    @inline(__always)
    mutating func append(
        feature id: UInt64, type: UInt8, tags: borrowing Scratch<TagCell>, _ cells: Range<Int>, geometry: borrowing Scratch<UInt8>,
        _ range: Range<Int>
    ) {
        precondition(cells.lowerBound >= 0 && cells.upperBound <= tags.count)
        // Six fields with a varint at most; a cell takes seven bytes at most, and eight are written.
        reserve(66 + 8 * cells.count)
        var tagsLength: UInt64 = 0
        for i in cells { tagsLength &+= tags.base[i].length }
        let geometryLength = UInt64(truncatingIfNeeded: range.count)
        var length = 4 &+ varintLength(id) &+ varintLength(geometryLength) &+ geometryLength
        if tagsLength > 0 { length &+= 1 &+ varintLength(tagsLength) &+ tagsLength }
        var target = Self.put(field: 0x12, length, at: base + count)
        target = Self.put(field: 0x08, id, at: target)
        if tagsLength > 0 {
            target = Self.put(field: 0x12, tagsLength, at: target)
            for i in cells {
                let cell = tags.base[i]
                UnsafeMutableRawPointer(target).storeBytes(of: cell.bits.littleEndian, as: UInt64.self)
                target += Int(truncatingIfNeeded: cell.length)
            }
        }
        target[0] = 0x18
        target[1] = type
        count = Self.put(field: 0x22, geometryLength, at: target + 2) - base
        append(geometry, range)
    }

    @inline(__always)
    private static func put(field: UInt8, _ value: UInt64, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        start[0] = field
        return put(value, at: start + 1)
    }

    @inline(__always)
    private static func put(_ value: UInt64, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
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
    /// - Parameters:
    ///   - ring: world units, the first vertex repeated at the end; on the grid it is simple.
    ///   - keepsStraight: vertices that lie straight between their neighbours stay too.
    mutating func append(ring: UnsafeBufferPointer<Int32>, isClockwise: Bool, keepsStraight: Bool, _ grid: TileGrid) {
        let open = ring.count / 2 - 1
        precondition(open >= 3)
        reserve(4 * open + 16)
        var place = isClockwise ? 0 : 2 * open
        let stride = isClockwise ? 2 : -2
        let first = grid.snap(grid.fine(ring[place], ring[place + 1]))
        let start = base + count
        start[0] = 9
        // The number of vertices is known at the end; up to 16 it takes one byte, else two.
        let number = Self.put(first, at: start + 1)
        let room = open <= 16 ? 1 : 2
        var target = number + room
        var last = first
        // A step is written when the next one is known to go another way. No step goes every way, so it is added like one straight on.
        var step = GridPoint(x: 0, y: 0)
        var steps = 0
        for _ in 1..<open {
            place &+= stride
            let point = grid.snap(grid.fine(ring[place], ring[place + 1]))
            let next = point &- last
            last = point
            if next.x &* step.y == next.y &* step.x && (!keepsStraight || next.isZero || step.isZero) {
                step = step &+ next
                continue
            }
            target = Self.put(step, at: target)
            steps &+= 1
            step = next
        }
        var closing = first &- last
        if closing.x &* step.y == closing.y &* step.x && (!keepsStraight || closing.isZero) {
            // The last vertex fell onto the first one, or lies straight before it.
            closing = closing &+ step
        } else {
            target = Self.put(step, at: target)
            steps &+= 1
        }
        let steps0 = number + room
        var kept = UnsafePointer(steps0)
        var header = number
        if !keepsStraight && steps > 2 {
            let (opening, end) = Self.step(at: kept)
            if closing.x &* opening.y == closing.y &* opening.x {
                // So does the first one: the ring begins at the second.
                header = Self.put(first &+ opening, at: start + 1)
                kept = end
                steps &-= 1
            }
        }
        let end = Self.put(UInt64(truncatingIfNeeded: steps) << 3 | 2, at: header)
        let length = UnsafePointer(target) - kept
        if UnsafePointer(end) != kept { end.update(from: kept, count: length) }
        end[length] = 15
        count = end + length + 1 - base
    }

    /// Steps from vertex to vertex as zigzag varints (MVT 2.1, 4.3.2), starting from `cursor`, which ends at the last vertex.
    @inline(__always)
    mutating func append(stepsThrough points: borrowing Scratch<GridPoint>, _ range: Range<Int>, from cursor: inout GridPoint) {
        precondition(range.lowerBound >= 0 && range.upperBound <= points.count)
        reserve(4 * range.count + 1)
        var target = base + count
        var last = cursor
        for i in range {
            let point = points.base[i]
            target = Self.put(point &- last, at: target)
            last = point
        }
        cursor = last
        count = target - base
    }

    /// A step inside a buffered tile is under 2¹³ along both axes, so each takes one byte or two; four are written, and those counted that are used.
    @inline(__always)
    private static func put(_ step: GridPoint, at target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let x = UInt32(bitPattern: (step.x << 1) ^ (step.x >> 31))
        let y = UInt32(bitPattern: (step.y << 1) ^ (step.y >> 31))
        let isLongX: UInt32 = x >= 0x80 ? 1 : 0
        let isLongY: UInt32 = y >= 0x80 ? 1 : 0
        // The bits from the eighth move up by one and make room for the mark that says that there are more.
        let bytesOfX = x &+ (x & ~0x7F) | isLongX << 7
        let bytesOfY = y &+ (y & ~0x7F) | isLongY << 7
        UnsafeMutableRawPointer(target).storeBytes(of: (bytesOfX | bytesOfY &<< (8 &+ 8 &* isLongX)).littleEndian, as: UInt32.self)
        return target + 2 + Int(truncatingIfNeeded: isLongX &+ isLongY)
    }

    /// A step that was put here, and where it ends.
    private static func step(at start: UnsafePointer<UInt8>) -> (step: GridPoint, end: UnsafePointer<UInt8>) {
        var place = start
        func number() -> Int32 {
            var zigzag = UInt32(place[0] & 0x7F)
            if place[0] >= 0x80 {
                place += 1
                zigzag |= UInt32(place[0]) << 7
            }
            place += 1
            return Int32(bitPattern: zigzag >> 1) ^ -Int32(bitPattern: zigzag & 1)
        }
        let x = number()
        let y = number()
        return (GridPoint(x: x, y: y), place)
    }

    /// Where they lie, until something is added.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(view) }
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

/// A step of mixing: 64 bits of which each depends on all that were given.
@inline(__always)
func fold(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
}
