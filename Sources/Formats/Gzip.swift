import CDeflate

/// Compressing with libdeflate.
///
/// All use of the C library is in this file. A compressor belongs to one call at a time: it is made, used and freed here.
public enum Gzip {
    /// Answers smaller than this are sent as they are: a packet is a packet.
    public static let worthwhile = 860

    /// The bytes in gzip form (RFC 1952).
    ///
    /// - Parameter level: 1 (fast) to 12 (small). 1 for what is made once and sent once, 6 for what is kept.
    /// - Complexity: O(size); at level 1 about 5 ms a megabyte.
    public static func compress(_ bytes: UnsafeRawBufferPointer, level: Int32) -> [UInt8] {
        guard let compressor = libdeflate_alloc_compressor(level) else { preconditionFailure("no memory for a compressor") }
        defer { libdeflate_free_compressor(compressor) }
        let bound = libdeflate_gzip_compress_bound(compressor, bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            count = libdeflate_gzip_compress(compressor, bytes.baseAddress, bytes.count, buffer.baseAddress, buffer.count)
            precondition(count > 0, "libdeflate’s own bound is enough")
        }
    }

    public static func compress(_ bytes: [UInt8], level: Int32) -> [UInt8] {
        bytes.withUnsafeBytes { compress($0, level: level) }
    }
}
