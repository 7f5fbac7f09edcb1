import Files
import Foundation
import Query

/// Has GDAL make a file from features, in a temporary folder that is gone when the file is made or has failed.
///
/// It blocks the thread until GDAL is done; that is one of its own.
struct Conversion {
    /// GDAL did not write the file.
    struct Failure: Error {
        /// What it said.
        var reason: String
    }

    let program: String
    let form: GDALForm
    let encoding: TableEncoding
    let layer: String
    /// Said to be that of the file's last change, so that the same features give the same bytes.
    let time: String
    let deadline: Deadline
    /// Bytes of the FlatGeobuf.
    var sizeLimit = 4 << 30
    var timeLimit = Duration.seconds(600)

    /// - Throws: `Problem`, `QueryError`, `Failure`, and errors of files.
    func file(_ stream: FeatureStream) throws -> ConvertedFile {
        do {
            let place = try WorkFolder(Conversion.folders)
            defer { withExtendedLifetime(place) {} }
            return try file(stream, in: place)
        } catch let failure as WorkFolder.Failure {
            throw Failure(reason: failure.description)
        }
    }

    private func file(_ stream: FeatureStream, in place: WorkFolder) throws -> ConvertedFile {
        let end = ContinuousClock.now + timeLimit
        let folder = place.url
        let source = folder.appendingPathComponent("\(layer).fgb")
        if form == .shapefile { stream.rename(GDALProgram.shortNames(stream.columnNames).map(\.short)) }
        try write(stream, to: place.newFile(source.lastPathComponent), end)
        // The zip of a shapefile is known to GDAL by this ending.
        let target = folder.appendingPathComponent(layer + (form == .shapefile ? ".shz" : ".gpkg"))
        try run(
            GDALProgram.arguments(
                form, from: source.path, to: target.path, layer: layer, columns: stream.columnNames, encoding: encoding, time: time),
            in: place, end)
        // An open file stays readable without a name, until it is closed.
        return try ConvertedFile(target)
    }

    /// The folders of conversions, of all servers.
    static let folders = WorkFolder.Kind("kasane-download-")

    private func check(_ end: ContinuousClock.Instant) throws {
        try deadline.check()
        if ContinuousClock.now > end { throw QueryError.overdue }
    }

    private func write(_ stream: FeatureStream, to handle: FileHandle, _ end: ContinuousClock.Instant) throws {
        defer {
            // What could not be written was told by `write`.
            try? handle.close()
        }
        var size = 0
        while !stream.isDone {
            try check(end)
            var piece = Data()
            _ = try stream.next(deadline) { piece = Data($0) }
            size += piece.count
            guard size <= sizeLimit else {
                throw Problem(
                    .limitExceeded, ja: "この形式には大きすぎます。範囲か条件で分けるか、FlatGeobufを使ってください。",
                    en: "It is too large for this format. Divide it by an area or a filter, or take FlatGeobuf.")
            }
            try handle.write(contentsOf: piece)
        }
    }

    private func run(_ arguments: [String], in folder: WorkFolder, _ end: ContinuousClock.Instant) throws {
        // A file, because a pipe would have to be read meanwhile.
        let complaints = folder.url.appendingPathComponent("complaints")
        let handle = try folder.newFile(complaints.lastPathComponent)
        defer {
            // Nothing of ours is in it.
            try? handle.close()
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8",
        ]
        process.currentDirectoryURL = folder.url
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = handle
        try process.run()
        defer { ChildEnd.end(process) }
        var status: Int32?
        while status == nil {
            try check(end)
            Thread.sleep(forTimeInterval: 0.01)
            status = ChildEnd.status(of: process)
        }
        guard status == 0 else {
            let text = (try? Data(contentsOf: complaints)) ?? Data()
            throw Failure(reason: String(decoding: text.prefix(2000), as: UTF8.self))
        }
    }
}

/// A file that nobody else can open any more; what it takes of the disk is given back when nobody holds it.
final class ConvertedFile: Sendable {
    let size: Int
    private let descriptor: Int32

    init(_ file: URL) throws {
        descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        var facts = stat()
        guard descriptor >= 0, fstat(descriptor, &facts) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            throw Conversion.Failure(reason: "no file: \(errno)")
        }
        size = Int(facts.st_size)
    }

    deinit { close(descriptor) }

    /// Bytes from a place on; fewer than asked for only at the end.
    func bytes(from offset: Int, _ count: Int) throws -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: min(count, size - offset)) { buffer, done in
            done = 0
            while done < buffer.count {
                let got = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    failure = got < 0 ? errno : EIO
                    return
                }
                done += got
            }
        }
        guard failure == 0 else { throw Conversion.Failure(reason: "pread: \(failure)") }
        return bytes
    }
}
