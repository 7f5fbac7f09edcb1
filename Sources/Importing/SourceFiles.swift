import Foundation
import RecordStream

/// One thing that can be opened: a file, or the files of a shapefile.
struct SourceFile: Sendable {
    /// The file's name without folder and ending.
    var name: String
    var format: SourceFormat
    var path: String
    /// Only of a shapefile.
    var shapefile: ShapefileSet?
}

/// What an input holds: itself, or the files of a folder or an archive.
struct SourceFiles {
    /// Those of the best format that is there; the others are descriptions, spreadsheets and copies.
    var files: [SourceFile] = []

    /// In this order one format is taken before another.
    private static let preference: [SourceFormat] = [
        .shapefile, .geoPackage, .flatGeobuf, .geoJSON, .geoJSONSequence, .gml, .kml, .csv,
    ]

    private init(_ files: [SourceFile]) { self.files = files }

    /// A single file; an archive is unpacked into `scratch`.
    /// - Parameters:
    ///   - name: what the person called the file.
    ///   - siblings: paths that may belong to it.
    init(file path: String, name: String, siblings: [String], scratch: String) throws {
        let ending = Self.ending(name)
        let format = try SourceFormat.recognise(FileBytes(path), ending: ending)
        switch format {
        case .archive:
            try self.init(archive: path, scratch: scratch)
        case .shapefile:
            var set = ShapefileSet(name: Self.stem(name))
            set.add(path, ending: "shp")
            let stems = [Self.stem(path), Self.stem(name)]
            for sibling in siblings where stems.contains(Self.stem(sibling)) { set.add(sibling, ending: Self.ending(sibling)) }
            self.init([SourceFile(name: set.name, format: format, path: path, shapefile: set)])
        default:
            self.init([SourceFile(name: Self.stem(name), format: format, path: path)])
        }
    }

    /// All files of a folder, and of the folders in it.
    init(folder: String) throws {
        var found: [(path: String, name: String)] = []
        try Self.list(folder, depth: 0, below: "", into: &found)
        try choose(found)
    }

    private init(archive path: String, scratch: String) throws {
        let file = try FileBytes(path)
        let directory = try ZipDirectory(file)
        let extraction = ZipExtraction(archive: file)
        let folder = scratch + "/archive"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var found: [(path: String, name: String)] = []
        let wanted = SourceFormat.allCases.reduce(ShapefileSet.endings) { $0.union($1.endings) }
        for (index, entry) in directory.entries.enumerated() where !entry.isFolder {
            let ending = Self.ending(entry.name)
            guard !SourceFormat.archive.endings.contains(ending), ending != "7z", ending != "rar", ending != "gz" else {
                throw ZipDirectory.refusal("an archive in the archive")
            }
            // What macOS adds beside each file, and what nobody here reads.
            guard wanted.contains(ending), !entry.name.hasPrefix("__MACOSX/"), !entry.name.contains("/._") else { continue }
            // Names of our own on the disk: what the archive calls a file is only a word here.
            let unpacked = "\(folder)/\(index).\(ending)"
            try extraction.extract(entry, to: unpacked)
            found.append((unpacked, entry.name))
        }
        try choose(found)
    }

    /// Gathers shapefiles and keeps the files of the best format.
    private mutating func choose(_ found: [(path: String, name: String)]) throws {
        var sets: [String: ShapefileSet] = [:]
        var all: [SourceFile] = []
        for (path, name) in found.sorted(by: { $0.name < $1.name }) {
            let ending = Self.ending(name)
            if ShapefileSet.endings.contains(ending) {
                let key = String(name.dropLast(ending.count + 1)).lowercased()
                sets[key, default: ShapefileSet(name: Self.stem(name))].add(path, ending: ending)
            } else if let format = try? SourceFormat.recognise(FileBytes(path), ending: ending), format != .archive {
                all.append(SourceFile(name: Self.stem(name), format: format, path: path))
            }
        }
        for (key, set) in sets {
            guard let shp = set.shp else { continue }
            _ = try SourceFormat.recognise(FileBytes(shp), ending: "shp")
            // Two of one name in different folders are told apart by their folders.
            var named = set
            if sets.filter({ $0.value.name == set.name && $0.value.shp != nil }).count > 1 { named.name = key }
            all.append(SourceFile(name: named.name, format: .shapefile, path: shp, shapefile: named))
        }
        guard let best = Self.preference.first(where: { format in all.contains { $0.format == format } }) else {
            throw RecordFailure(code: "unsupported-format", message: "no file in it is of a format that is read")
        }
        files = all.filter { $0.format == best }.sorted { $0.name < $1.name }
    }

    private static func list(_ folder: String, depth: Int, below: String, into found: inout [(path: String, name: String)]) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        for name in names where !name.hasPrefix(".") {
            let path = folder + "/" + name
            var about = stat()
            guard lstat(path, &about) == 0 else { continue }
            if about.st_mode & S_IFMT == S_IFDIR, depth < 3 {
                try list(path, depth: depth + 1, below: below + name + "/", into: &found)
            } else if about.st_mode & S_IFMT == S_IFREG {
                found.append((path, below + name))
            }
            guard found.count <= ZipDirectory.entryLimit else {
                throw RecordFailure(code: "too-many-files", message: "the folder has more than \(ZipDirectory.entryLimit) files")
            }
        }
    }

    /// What comes after the last dot, in lower case.
    static func ending(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    /// The name without folder and ending.
    static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return String(name) }
        return String(name[..<dot])
    }
}
