import Foundation
import Glibc

/// Gives back memory that only starting needed: code and constants of this program and its libraries that were read once, above all by the dynamic
/// linker and by the first lookups of protocol conformances.
///
/// The pages come back from the page cache when they are touched again.
enum StartupMemory {
    /// - Returns: bytes that were resident in what was let go of.
    /// - Complexity: a few milliseconds
    @discardableResult
    static func letGo() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/smaps", encoding: .utf8) else { return 0 }
        return mappings(text).reduce(0) { total, mapping in
            guard mapping.isUntouched, let start = UnsafeMutableRawPointer(bitPattern: mapping.range.lowerBound) else { return total }
            // Sound because nothing of the mapping was ever written, and nothing can be: what comes back is the file.
            return madvise(start, mapping.range.count, MADV_DONTNEED) == 0 ? total + mapping.resident : total
        }
    }

    struct Mapping: Equatable {
        var range: Range<UInt>
        /// A private mapping of a file that cannot be written to.
        var isReadOnlyFile: Bool
        /// Bytes in memory, and those of them that are no longer the file's: relocated before the mapping became read-only.
        var resident = 0
        var anonymous: Int?

        var isUntouched: Bool { isReadOnlyFile && anonymous == 0 }
    }

    /// The mappings as `proc_pid_smaps(5)` has them.
    static func mappings(_ smaps: String) -> [Mapping] {
        var result: [Mapping] = []
        for line in smaps.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            if fields.count >= 5, let dash = fields[0].firstIndex(of: "-"), let start = UInt(fields[0][..<dash], radix: 16),
                let end = UInt(fields[0][fields[0].index(after: dash)...], radix: 16), start < end
            {
                let isPrivate = fields[1] == "r-xp" || fields[1] == "r--p"
                let isFile = fields.count >= 6 && fields[5].hasPrefix("/") && fields[4] != "0"
                result.append(Mapping(range: start..<end, isReadOnlyFile: isPrivate && isFile))
            } else if fields.count >= 2, !result.isEmpty, let kilobytes = Int(fields[1]) {
                switch fields[0] {
                case "Rss:": result[result.count - 1].resident = kilobytes << 10
                case "Anonymous:": result[result.count - 1].anonymous = kilobytes << 10
                default: break
                }
            }
        }
        return result
    }
}
