import CDeflate
import CPageAssets
import CXXHash
import Synchronization

/// One file of the pages, as it lies in the binary.
///
/// All use of C is in this file.
@safe
final class PageAsset: Sendable {
    /// Below `Assets`, like `js/main.js`.
    let path: String
    /// XXH3 of the bytes.
    let hash: UInt64
    // Sound because it points to constant data of the binary, which lives and stays the same as long as the process.
    private nonisolated(unsafe) let content: UnsafeRawBufferPointer
    private let compressed = Mutex<[UInt8]?>(nil)

    private init(path: String, content: UnsafeRawBufferPointer) {
        self.path = path
        self.content = content
        hash = XXH3_64bits(content.baseAddress, content.count)
    }

    var bytes: [UInt8] { Array(content) }

    var text: String { String(decoding: content, as: UTF8.self) }

    /// In gzip form, made at the first call (some 60 ms for MapLibre) and kept.
    var gzip: [UInt8] {
        compressed.withLock { kept in
            if let kept { return kept }
            let made = PageAsset.gzip(content)
            kept = made
            return made
        }
    }

    /// The bytes in gzip form (RFC 1952), smaller rather than sooner.
    static func gzip(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard let compressor = libdeflate_alloc_compressor(9) else { preconditionFailure("no memory for a compressor") }
        defer { libdeflate_free_compressor(compressor) }
        let bound = libdeflate_gzip_compress_bound(compressor, bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            count = libdeflate_gzip_compress(compressor, bytes.baseAddress, bytes.count, buffer.baseAddress, buffer.count)
            precondition(count > 0, "libdeflate’s own bound is enough")
        }
    }

    static func hash(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) }
    }

    /// All files in the binary.
    static let all: [PageAsset] = (0..<page_asset_count()).map { index in
        let asset = page_asset_at(index)
        return PageAsset(path: String(cString: asset.path), content: UnsafeRawBufferPointer(start: asset.bytes, count: asset.count))
    }

    var mediaType: String {
        switch path.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "json": "application/json"
        case "html": "text/html; charset=utf-8"
        default: "text/plain; charset=utf-8"
        }
    }
}
