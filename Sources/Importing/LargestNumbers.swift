import RecordStream

/// Tells numbers that a text has from those to which GDAL cut larger ones: its readers of GeoJSON, GML and KML make 2⁶³ and all beyond it 2⁶³ − 1, and say
/// so to nobody, or once.
///
/// A value at the very end of its range is believed only where the text has no whole number beyond that end. Which of the two is which a reader of features
/// cannot know, so in a text with both neither is believed.
final class LargestNumbers {
    private let path: String
    /// Of the largest and the least whole number in the text; found out when somebody asks.
    private var ends: (positive: Digits, negative: Digits)?

    /// - Parameter path: of the text, in an encoding that has digits as ASCII does.
    init(_ path: String) {
        self.path = path
    }

    /// Whether a value is one that larger numbers were cut to.
    /// - Throws: `RecordFailure` where the text cannot be read again.
    func isCut(_ value: Int64, bits: Int) throws(RecordFailure) -> Bool {
        guard value == Int64.max >> (64 - bits) || value == Int64.min >> (64 - bits) else { return false }
        let ends = try found()
        return value > 0 ? ends.positive.exceed(UInt64(value)) : ends.negative.exceed(value.magnitude)
    }

    /// Also of whole numbers among others that are not, which are cut before they become real.
    func isCut(_ value: Double) throws(RecordFailure) -> Bool {
        guard value.magnitude == 0x1p63 else { return false }
        let ends = try found()
        return (value > 0 ? ends.positive : ends.negative).exceed(1 << 63)
    }

    private func found() throws(RecordFailure) -> (positive: Digits, negative: Digits) {
        if let ends { return ends }
        let ends = try LargestNumbers.look(in: FileBytes(path))
        self.ends = ends
        return ends
    }

    /// The digits of a whole number, without zeros before them.
    private struct Digits {
        var bytes: [UInt8] = []

        func exceed(_ limit: UInt64) -> Bool { Digits(bytes: Array(String(limit).utf8)).isLess(than: bytes[...]) }

        func isLess(than other: ArraySlice<UInt8>) -> Bool {
            bytes.count != other.count ? bytes.count < other.count : bytes.lexicographicallyPrecedes(other)
        }
    }

    /// Runs of digits with nothing of a fraction, an exponent or a word beside them, wherever they stand.
    private static func look(in file: FileBytes) throws(RecordFailure) -> (positive: Digits, negative: Digits) {
        var ends = (positive: Digits(), negative: Digits())
        var run: [UInt8] = []
        /// The bytes before the run.
        var before = (last: UInt8(0), first: UInt8(0))
        var previous = (last: UInt8(0), first: UInt8(0))
        func isPart(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte >= 0x80
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        func end(_ next: UInt8) {
            let negative = before.last == UInt8(ascii: "-")
            defer { run.removeAll(keepingCapacity: true) }
            guard run.count >= 10, !isPart(next), !isPart(negative ? before.first : before.last) else { return }
            let digits = run.drop { $0 == UInt8(ascii: "0") }
            if negative {
                if ends.negative.isLess(than: digits) { ends.negative.bytes = Array(digits) }
            } else if ends.positive.isLess(than: digits) {
                ends.positive.bytes = Array(digits)
            }
        }
        var offset = 0
        while offset < file.size {
            let bytes = try file.bytes(at: offset, count: 1 << 20)
            if bytes.isEmpty { break }
            offset += bytes.count
            for byte in bytes {
                if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                    if run.isEmpty { before = previous }
                    // A hostile run may be as long as the file; what is longer than any number here need not be kept.
                    if run.count < 4096 { run.append(byte) }
                } else if !run.isEmpty {
                    end(byte)
                }
                previous = (byte, previous.last)
            }
        }
        if !run.isEmpty { end(0) }
        return ends
    }
}
