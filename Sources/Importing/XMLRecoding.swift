import Foundation
import RecordStream

/// Writes an XML file of another encoding anew in UTF-8, which is what the parser can read.
enum XMLRecoding {
    /// The whole file at once; 256 MiB at most.
    static func rewrite(_ path: String, from encoding: TextEncoding, to target: String) throws {
        let text = try MappedText(path)
        guard text.bytes.count <= 256 << 20 else {
            throw RecordFailure(code: "file-too-large", message: "a \(encoding.name) file of more than 256 MiB; UTF-8 has no such limit")
        }
        guard let plain = try TextDecoder(encoding).data(text.bytes) else {
            throw RecordFailure(code: "undecodable-text", message: "the file is not \(encoding.name) throughout")
        }
        // The declaration names the old encoding, so another takes its place.
        var body = plain[...]
        if body.starts(with: Array("<?xml".utf8)), let end = body.firstIndex(of: UInt8(ascii: ">")) { body = body[(end + 1)...] }
        guard FileManager.default.createFile(atPath: target, contents: Data("<?xml version=\"1.0\" encoding=\"UTF-8\"?>".utf8) + body)
        else {
            throw RecordFailure(code: "no-room", message: "the scratch folder cannot be written")
        }
        // What decoding made of odd sequences is looked at again, since it is this that the parser reads.
        _ = try XMLGuard.check(FileBytes(target))
    }
}
