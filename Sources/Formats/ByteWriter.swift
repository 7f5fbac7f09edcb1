/// Bytes of an answer as they are written: memory that grows at its end, with the few pieces that JSON needs.
///
/// Pointers stay inside this file; every write makes room first. One owner at a time.
public struct ByteWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    /// Bytes written so far.
    public private(set) var count: Int

    public init(capacity: Int = 4096) {
        self.capacity = max(64, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 16)
        count = 0
    }

    deinit { base.deallocate() }

    /// What was written; valid during the call.
    public borrowing func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    public borrowing func array() -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() { count = 0 }

    /// Takes back bytes from the end.
    public mutating func removeLast(_ bytes: Int) {
        precondition(bytes <= count)
        count -= bytes
    }

    @inline(__always)
    mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    private mutating func grow(_ more: Int) {
        let size = max(2 * capacity, count + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
        capacity = size
    }

    // MARK: Bytes

    @inline(__always)
    mutating func unchecked(_ byte: UInt8) {
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    public mutating func byte(_ byte: UInt8) {
        reserve(1)
        unchecked(byte)
    }

    public mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: start, byteCount: bytes.count)
        count += bytes.count
    }

    public mutating func bytes(_ array: [UInt8]) {
        array.withUnsafeBytes { bytes($0) }
    }

    /// A literal of the program, as it stands.
    public mutating func literal(_ text: StaticString) {
        bytes(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func text(_ string: String) {
        var string = string
        string.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    // MARK: Numbers

    public mutating func integer(_ value: Int64) {
        reserve(20)
        if value < 0 { unchecked(45) }
        digits(value.magnitude)
    }

    public mutating func integer(_ value: UInt64) {
        reserve(20)
        digits(value)
    }

    @inline(__always)
    private mutating func digits(_ value: UInt64) {
        if value < 10 {
            unchecked(48 + UInt8(truncatingIfNeeded: value))
            return
        }
        var rest = value
        var length = 0
        var probe = value
        while probe > 0 {
            probe /= 10
            length += 1
        }
        var at = count + length
        while rest > 0 {
            at -= 1
            base.storeBytes(of: 48 + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: at, as: UInt8.self)
            rest /= 10
        }
        count += length
    }

    /// A whole number of 10^−`decimals` units with all its decimals, 7 to 9: 1397000000 with seven is `139.7000000`.
    /// - Parameter value: of magnitude below 10³ whole units.
    @inline(__always)
    public mutating func fixed(_ value: Int64, decimals: Int) {
        reserve(24)
        if value < 0 { unchecked(45) }
        let magnitude = value.magnitude
        switch decimals {
        case 7:
            let whole = UInt32(truncatingIfNeeded: magnitude / 10_000_000)
            degrees(whole)
            unchecked(46)
            let rest = UInt32(truncatingIfNeeded: magnitude - UInt64(whole) * 10_000_000)
            base.storeBytes(of: ByteWriter.eightDigits(rest * 10), toByteOffset: count, as: UInt64.self)
            count += 7
        case 8:
            let whole = UInt32(truncatingIfNeeded: magnitude / 100_000_000)
            degrees(whole)
            unchecked(46)
            let rest = UInt32(truncatingIfNeeded: magnitude - UInt64(whole) * 100_000_000)
            base.storeBytes(of: ByteWriter.eightDigits(rest), toByteOffset: count, as: UInt64.self)
            count += 8
        default:
            precondition(decimals == 9)
            let whole = UInt32(truncatingIfNeeded: magnitude / 1_000_000_000)
            degrees(whole)
            unchecked(46)
            let rest = UInt32(truncatingIfNeeded: magnitude - UInt64(whole) * 1_000_000_000)
            base.storeBytes(of: ByteWriter.eightDigits(rest / 10), toByteOffset: count, as: UInt64.self)
            count += 8
            unchecked(48 + UInt8(truncatingIfNeeded: rest % 10))
        }
    }

    @inline(__always)
    private mutating func degrees(_ whole: UInt32) {
        if whole >= 100 { unchecked(48 + UInt8(truncatingIfNeeded: whole / 100)) }
        if whole >= 10 { unchecked(48 + UInt8(truncatingIfNeeded: whole / 10 % 10)) }
        unchecked(48 + UInt8(truncatingIfNeeded: whole % 10))
    }

    /// Eight decimal digits as the bytes of a word, the first digit lowest.
    ///
    /// All digits at once: Khuong, “How to print integers really fast” (2017).
    @inline(__always)
    static func eightDigits(_ value: UInt32) -> UInt64 {
        let merged = UInt64(value / 10_000) | UInt64(value % 10_000) << 32
        let top = ((merged &* 10_486) >> 20) & (0x7F << 32 | 0x7F)
        let hundreds = ((merged &- 100 &* top) << 16) &+ top
        var tens = (hundreds &* 103) >> 10
        tens &= 0x000F_000F_000F_000F
        tens &+= (hundreds &- 10 &* tens) << 8
        return tens &+ 0x3030_3030_3030_3030
    }

    /// A finite double in a form that reads back as the same double.
    public mutating func real(_ value: Double) {
        // Most measurements have few decimals. i ÷ 1000 is rounded as the text of it would be, so when they agree the text is exact.
        let thousandths = (value * 1000).rounded()
        if abs(thousandths) < 1e15 && thousandths / 1000 == value {
            let units = Int64(thousandths)
            reserve(24)
            if units < 0 { unchecked(45) }
            digits(units.magnitude / 1000)
            let rest = units.magnitude % 1000
            guard rest > 0 else { return }
            unchecked(46)
            unchecked(48 + UInt8(truncatingIfNeeded: rest / 100))
            if rest % 100 > 0 {
                unchecked(48 + UInt8(truncatingIfNeeded: rest / 10 % 10))
                if rest % 10 > 0 { unchecked(48 + UInt8(truncatingIfNeeded: rest % 10)) }
            }
            return
        }
        text(value.description)
    }

    /// A finite double with so many decimals, at most 9, rounded; nil for as many as read back the same double. Metres of a plane, mostly.
    public mutating func real(_ value: Double, decimals: Int?) {
        guard let decimals else { return real(value) }
        let scale = ByteWriter.powers[decimals]
        let scaled = (value * Double(scale)).rounded()
        // Beyond that a double has no decimals to speak of.
        guard abs(scaled) < 9e15 else { return real(value) }
        let units = Int64(scaled)
        reserve(32)
        if units < 0 { unchecked(45) }
        digits(units.magnitude / scale)
        var rest = units.magnitude % scale
        guard decimals > 0 else { return }
        unchecked(46)
        var step = scale / 10
        while step > 0 {
            unchecked(48 + UInt8(truncatingIfNeeded: rest / step))
            rest %= step
            step /= 10
        }
    }

    private static let powers: [UInt64] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]

    // MARK: Numbers as they lie in memory, little-endian

    public mutating func raw<T: BitwiseCopyable>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    /// Writes over bytes that were written before.
    public mutating func overwrite<T: BitwiseCopyable>(_ value: T, at place: Int) {
        precondition(place >= 0 && place + MemoryLayout<T>.size <= count)
        base.storeBytes(of: value, toByteOffset: place, as: T.self)
    }

    /// Zeros until the count from `start` is a multiple of `size`.
    public mutating func pad(to size: Int, from start: Int = 0) {
        while (count - start) % size != 0 { byte(0) }
    }

    // MARK: JSON texts

    /// A JSON string with its quotation marks (RFC 8259, 7), from valid UTF-8.
    public mutating func jsonString(_ utf8: UnsafeRawBufferPointer) {
        // The worst case is \u00XX for every byte.
        reserve(6 * utf8.count + 2)
        unchecked(34)
        for byte in utf8 {
            if byte >= 32 && byte != 34 && byte != 92 {
                unchecked(byte)
            } else {
                escape(byte)
            }
        }
        unchecked(34)
    }

    public mutating func jsonString(_ string: String) {
        var string = string
        string.withUTF8 { jsonString(UnsafeRawBufferPointer($0)) }
    }

    private mutating func escape(_ byte: UInt8) {
        unchecked(92)
        switch byte {
        case 34, 92: unchecked(byte)
        case 8: unchecked(98)
        case 9: unchecked(116)
        case 10: unchecked(110)
        case 12: unchecked(102)
        case 13: unchecked(114)
        default:
            for digit in [117, 48, 48, byte >> 4 == 0 ? 48 : 49, byte & 15 < 10 ? 48 + byte & 15 : 87 + byte & 15] { unchecked(digit) }
        }
    }
}
