import CGDAL
import Foundation
import Geo
import RecordStream

/// One run of the importer: lock in, recognise, open, send.
public struct ImportRun {
    private let arguments: ImportArguments
    private let scratch: String

    /// - Parameter arguments: with `input` and `scratch` set.
    public init(_ arguments: ImportArguments) {
        self.arguments = arguments
        scratch = Input.realPath(arguments.scratch ?? "") ?? ""
    }

    /// Writes records to `descriptor`. A failure is written there too.
    /// - Returns: nil when all went well; the failure for the log otherwise.
    public func write(to descriptor: Int32) -> RecordFailure? {
        // A closed pipe is an error of writing, not the end of the program without a word; so is a file grown too large.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        var output = RecordOutput(descriptor: descriptor)
        do {
            try run(&output)
            return nil
        } catch let failure as RecordFailure {
            return tell(failure, &output)
        } catch let error as RecordStreamError {
            // Nobody reads any more, so there is nobody to tell.
            return RecordFailure(code: "output", message: "\(error)")
        } catch {
            return tell(RecordFailure(code: "unreadable", message: "the source could not be read"), &output)
        }
    }

    private func tell(_ failure: RecordFailure, _ output: inout RecordOutput) -> RecordFailure {
        do {
            try output.writer.failure(failure)
            return failure
        } catch {
            return RecordFailure(code: "output", message: "\(error)")
        }
    }

    private func run(_ output: inout RecordOutput) throws {
        let input = try Input(arguments)
        guard !scratch.isEmpty else { throw RecordFailure(code: "no-room", message: "there is no scratch folder") }
        var encodings = TextEncoding.common
        if let named = arguments.encoding.flatMap({ TextEncoding(named: $0) }) { encodings.append(named) }
        TextDecoder.preload(encodings)
        GDALLibrary.start(scratch: scratch)
        let confinement = Confinement(
            readable: input.readable, writable: [scratch], memoryLimit: arguments.memoryLimit, timeLimit: arguments.timeLimit)
        switch arguments.confinement {
        case .landlock: try confinement.apply()
        case .none: try confinement.applyLimits()
        }

        let crs = try arguments.crs.map { text throws(RecordFailure) in try CRSReading.parse(text) }
        let files =
            input.isFolder
            ? try SourceFiles(folder: input.path)
            : try SourceFiles(file: input.path, name: input.name, siblings: input.siblings, scratch: scratch)
        let source = try chooseFile(files.files)
        let names = files.files.map(\.name)
        switch source.format {
        case .shapefile:
            guard let set = source.shapefile else { throw RecordFailure(code: "damaged", message: "no .shp file") }
            try ShapefileReading(set: set, encoding: arguments.encoding, crs: crs)
                .write(layers: names, scratch: scratch, listOnly: arguments.list, to: &output)
        case .csv:
            try CSVReading(name: source.name, encoding: arguments.encoding, crs: crs)
                .write(source.path, layers: names, scratch: scratch, listOnly: arguments.list, to: &output)
        default:
            try readByGDAL(source, otherFiles: names, crs, &output)
        }
        try output.end()
    }

    /// The only file, or the one named.
    private func chooseFile(_ files: [SourceFile]) throws(RecordFailure) -> SourceFile {
        if files.count == 1, let only = files.first {
            let isContainer = ![.shapefile, .csv].contains(only.format)
            if let wanted = arguments.sourceLayer, wanted != only.name, !isContainer { throw noSuchLayer(files.map(\.name)) }
            return only
        }
        guard let wanted = arguments.sourceLayer else { throw severalLayers(files.map(\.name)) }
        guard let file = files.first(where: { $0.name == wanted }) else { throw noSuchLayer(files.map(\.name)) }
        return file
    }

    private func severalLayers(_ names: [String]) -> RecordFailure {
        RecordFailure(code: "several-layers", message: "the source has several layers; name one of them", names: names)
    }

    private func noSuchLayer(_ names: [String]) -> RecordFailure {
        RecordFailure(code: "no-such-layer", message: "the source has no layer of that name", names: names)
    }

    // MARK: Formats that GDAL reads whole

    private func readByGDAL(_ file: SourceFile, otherFiles: [String], _ crs: SourceCRS?, _ output: inout RecordOutput) throws {
        let path = try prepare(file)
        let driver = file.format == .kml && GDALGetDriverByName("LIBKML") != nil ? "LIBKML" : file.format.rawValue
        // The prefix keeps the driver from finding the content not sequential enough.
        let prefix = file.format == .geoJSONSequence ? "GeoJSONSeq:" : ""
        let source = try GDALSource(prefix + path, driver: driver, options: options(file.format), scratch: scratch)
        var layers = source.layers
        if file.format == .geoPackage {
            let tables = try GeoPackageTables.names(source)
            layers = layers.filter { tables.contains($0.name) }
        }
        // FlatGeobuf, GeoJSON and the like have one layer, named after the file; its name on our disk is not that.
        let single = [.flatGeobuf, .geoJSON, .geoJSONSequence].contains(file.format)
        let names = single ? otherFiles : layers.map(\.name)
        let layer = try chooseLayer(layers, single: single || (otherFiles.count > 1 && layers.count == 1))
        let fields = FieldReader(layer, file.format, path)
        guard fields.columns.count <= RecordFormat.fieldLimit else {
            throw RecordFailure(
                code: "too-many-columns", message: "\(fields.columns.count) columns; \(RecordFormat.fieldLimit) are the most")
        }
        let reading = FeatureReading(layer: layer, format: file.format)
        var reference = layer.reference
        // GDAL takes heights in a GeoJSON for another reference system than RFC 7946 has.
        if [.geoJSON, .geoJSONSequence].contains(file.format), reference.crs?.code == "4979" {
            reference.crs = try CRSReading.parse("EPSG:4326")
        }
        try output.writer.header(
            reading.header(layers: names, reference: reference, crs: crs, name: single ? file.name : layer.name, fields: fields))
        if arguments.list { return }
        // The two formats whose drivers hand out columns faster than features.
        if [.flatGeobuf, .geoPackage].contains(file.format), let columns = ColumnReading(layer, fields) {
            defer { columns.close() }
            try columns.write(swapped: reference.swapped, to: &output)
        } else {
            try reading.write(fields, swapped: reference.swapped, to: &output)
        }
        // A sequence of something else than features passes the driver without a word.
        if file.format == .geoJSONSequence, output.writer.featureCount == 0 {
            throw RecordFailure(code: "damaged", message: "not a sequence of features")
        }
        if file.format == .flatGeobuf, let declared = layer.declaredCount, UInt64(declared) > output.writer.featureCount {
            throw RecordFailure(
                code: "damaged", message: "the file says \(declared) features and holds \(output.writer.featureCount)")
        }
    }

    private func chooseLayer(_ layers: [GDALLayer], single: Bool) throws(RecordFailure) -> GDALLayer {
        let names = layers.map(\.name)
        guard let first = layers.first else { throw RecordFailure(code: "no-layers", message: "the source has no layer with features") }
        if single { return first }
        guard let wanted = arguments.sourceLayer else {
            guard layers.count == 1 else { throw severalLayers(names) }
            return first
        }
        guard let found = layers.first(where: { $0.name == wanted }) else { throw noSuchLayer(names) }
        return found
    }

    private func options(_ format: SourceFormat) -> [String] {
        switch format {
        case .geoPackage: ["LIST_ALL_TABLES=NO", "NOLOCK=YES"]
        case .gml: ["DOWNLOAD_SCHEMA=NO", "WRITE_GFS=NO", "USE_SCHEMA_IMPORT=NO", "INVERT_AXIS_ORDER_IF_LAT_LONG=YES"]
        default: []
        }
    }

    /// A name of our own for the file, so that no driver finds neighbours or reads meaning into what a stranger called it.
    private func prepare(_ file: SourceFile) throws -> String {
        let folder = scratch + "/source"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let ending =
            switch file.format {
            case .geoPackage: "gpkg"
            case .flatGeobuf: "fgb"
            case .gml: "gml"
            case .kml: "kml"
            default: "geojson"
            }
        let path = folder + "/source." + ending
        if [.gml, .kml].contains(file.format) {
            let encoding = try XMLGuard.check(FileBytes(file.path))
            if encoding != .utf8 {
                try XMLRecoding.rewrite(file.path, from: encoding, to: path)
                return path
            }
        }
        guard symlink(file.path, path) == 0 else {
            throw RecordFailure(code: "no-room", message: "the scratch folder cannot be written (\(errno))")
        }
        return path
    }
}

/// Where the input is and what belongs to it, found out before confinement by looking at names only.
private struct Input {
    var path: String
    var name: String
    var isFolder: Bool
    var siblings: [String] = []

    init(_ arguments: ImportArguments) throws(RecordFailure) {
        // The real path, since Landlock follows links and so must the comparison of names.
        guard let real = Self.realPath(arguments.input) else {
            throw RecordFailure(code: "unreadable", message: "there is no such file")
        }
        path = real
        name = arguments.name ?? arguments.input.split(separator: "/").last.map(String.init) ?? "source"
        var about = stat()
        isFolder = stat(path, &about) == 0 && about.st_mode & S_IFMT == S_IFDIR
        guard !isFolder else { return }
        let own = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        for folder in [own, arguments.companions.flatMap { Self.realPath($0) }].compactMap({ $0 }) { addSiblings(in: folder) }
    }

    /// Absolute and without links; nil when there is nothing.
    static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Files of the same stem with the endings of a shapefile's parts.
    private mutating func addSiblings(in folder: String) {
        let stems = [SourceFiles.stem(path), SourceFiles.stem(name)]
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for candidate in names.sorted() {
            guard stems.contains(SourceFiles.stem(candidate)), ShapefileSet.endings.contains(SourceFiles.ending(candidate)) else {
                continue
            }
            let whole = folder + "/" + candidate
            var about = stat()
            // A link could lead to any file of the machine.
            guard lstat(whole, &about) == 0, about.st_mode & S_IFMT == S_IFREG, whole != path else { continue }
            siblings.append(whole)
        }
    }

    var readable: [String] { [path] + siblings }
}
