import FoundationEssentials
import Geo
import TestKit
import Testing

@testable import LayerStore

/// A feature as the test knows it, beside the one in the file.
struct Model: Equatable {
    var geometry: Geometry?
    var values: [AttributeValue]
}

let everyType = [
    Attribute(name: "番号", type: .integer), Attribute(name: "高さ", type: .real), Attribute(name: "公開", type: .boolean),
    Attribute(name: "日付", type: .date), Attribute(name: "時刻", type: .time), Attribute(name: "用途", type: .text),
    Attribute(name: "名称", type: .text), Attribute(name: "詳細", type: .json), Attribute(name: "担当", type: .text, visibility: .internal),
]

func randomModels(_ count: Int, using generator: inout SeededGenerator) -> [Model] {
    let shapes = RandomGeometry()
    return (0..<count).map { i in
        func maybe(_ value: AttributeValue) -> AttributeValue { Int.random(in: 0..<5, using: &generator) == 0 ? .null : value }
        var generator2 = generator
        let geometry = Int.random(in: 0..<20, using: &generator) == 0 ? nil : shapes.geometry(using: &generator2)
        _ = generator2.next()
        generator = generator2
        return Model(
            geometry: geometry,
            values: [
                maybe(.integer(Int64.random(in: .min ... .max, using: &generator))),
                maybe(.real(Double.random(in: -1e9...1e9, using: &generator))), maybe(.boolean(Bool.random(using: &generator))),
                maybe(.date(Day(daysSince1970: Int32.random(in: -100_000...100_000, using: &generator)))),
                maybe(
                    .time(
                        Instant(
                            microseconds: Int64.random(in: 0...2_000_000_000_000_000, using: &generator),
                            zoneMinutes: [nil, 0, 540].randomElement(using: &generator)!))),
                maybe(.text(["住宅", "商業", "", "工場"].randomElement(using: &generator)!)), maybe(.text("建物\(i)号")),
                maybe(.json("{\"a\":[\(i)]}")), maybe(.text("課員\(i % 3)")),
            ])
    }
}

func build(
    _ models: [Model], as url: URL, attributes: [Attribute] = everyType, idColumn: Int? = nil, memoryLimit: Int = 1 << 20,
    identity: Identity = Identity()
) throws -> (file: LayerFile, summary: SealSummary) {
    let scratch = try TemporaryFolder()
    let builder = try LayerBuilder(
        settings: .init(attributes: attributes, idColumn: idColumn, memoryLimit: memoryLimit), scratch: scratch.url)
    for (i, model) in models.enumerated() {
        for (column, value) in model.values.enumerated() {
            switch value {
            case .null: break
            case .integer(let v): builder.set(column, integer: v)
            case .real(let v): builder.set(column, real: v)
            case .boolean(let v): builder.set(column, boolean: v)
            case .date(let v): builder.set(column, date: v)
            case .time(let v): builder.set(column, time: v)
            case .text(let v): try builder.set(column, text: v)
            case .json(let v): try Array(v.utf8).withUnsafeBytes { try builder.set(column, json: $0) }
            }
        }
        try builder.endFeature(geometry: model.geometry, sourceRow: UInt64(i))
    }
    let summary = try builder.seal(as: url, identity: identity, facts: LayerFacts())
    return (try LayerFile.open(url), summary)
}

extension LayerFile {
    func model(_ row: Int) throws -> Model {
        Model(geometry: row < geometryCount ? try shape(row).geometry : nil, values: try columns.map { try $0.attributeValue(row) })
    }
}

@Suite struct LayerFileTests {
    @Test(arguments: [0, 1, 2, 63, 64, 65, 511, 512, 513, 5000], [2_000, 1 << 20])
    func `what goes in comes out, whatever the number of runs`(count: Int, memoryLimit: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        let folder = try TemporaryFolder()
        let models = randomModels(count, using: &generator)
        let (file, summary) = try build(models, as: folder.path("a.layer"), memoryLimit: memoryLimit)
        #expect(file.rowCount == count && summary.rowCount == count)
        #expect(file.geometryCount == models.count { $0.geometry != nil })
        for row in 0..<file.rowCount {
            // On a first load numbers follow the order of the features.
            let number = try file.number(row)
            #expect(try file.model(row) == models[Int(number) - 1])
            #expect(try file.row(identifier: file.identifier(row)) == row)
        }
        #expect(summary.nullCounts == everyType.indices.map { c in models.count { $0.values[c] == .null } })
        try file.verify()
    }

    @Test(arguments: 0..<10)
    func `search agrees with looking at every envelope`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let (file, _) = try build(randomModels(800, using: &generator), as: folder.path("a.layer"))
        for _ in 0..<50 {
            let x = Double.random(in: 139.4...140.1, using: &generator)
            let y = Double.random(in: 35.3...36, using: &generator)
            let box = Envelope(minX: x, minY: y, maxX: x + Double.random(in: 0...0.2, using: &generator), maxY: y + 0.1)
            var found: [Int] = []
            try file.search(box) { rows, isInside in
                found += rows
                guard isInside else { return }
                for row in rows {
                    let envelope = try file.shape(row).geometry.envelope
                    #expect(
                        box.contains(Point(x: envelope.minX, y: envelope.minY)) && box.contains(Point(x: envelope.maxX, y: envelope.maxY)))
                }
            }
            let expected = try (0..<file.geometryCount).filter { try file.shape($0).geometry.envelope.intersects(box) }
            // The index may find too much by a unit of 1e-7 degree, never too little.
            #expect(Set(expected).isSubset(of: Set(found)))
            #expect(found.count <= expected.count + 1)
            #expect(found == found.sorted())
        }
    }

    @Test func `every damaged byte is refused or changes nothing that is read`() throws {
        var generator = SeededGenerator(seed: 9)
        let folder = try TemporaryFolder()
        let url = folder.path("a.layer")
        let models = randomModels(40, using: &generator)
        let whole: [Model]
        do {
            let (file, _) = try build(models, as: url)
            whole = try (0..<file.rowCount).map { try file.model($0) }
        }
        let bytes = try Data(contentsOf: url)
        var refused = 0
        for position in stride(from: 0, to: bytes.count, by: 7) {
            var copy = bytes
            copy[position] ^= UInt8.random(in: 1...255, using: &generator)
            let broken = folder.path("b\(position).layer")
            try copy.write(to: broken)
            do {
                let file = try LayerFile.open(broken)
                let read = try (0..<file.rowCount).map { try file.model($0) }
                #expect(read == whole)
            } catch {
                refused += 1
            }
            try FileManager.default.removeItem(at: broken)
        }
        #expect(refused > 100)
    }

    @Test func `a file cut off anywhere is refused`() throws {
        var generator = SeededGenerator(seed: 10)
        let folder = try TemporaryFolder()
        let url = folder.path("a.layer")
        _ = try build(randomModels(10, using: &generator), as: url)
        let bytes = try Data(contentsOf: url)
        for length in stride(from: 0, to: bytes.count, by: 61) {
            let cut = folder.path("c\(length).layer")
            try bytes.prefix(length).write(to: cut)
            #expect(throws: LayerFileError.self) { try LayerFile.open(cut) }
        }
    }

    @Test func `what lies at the end of the curve comes before what has no geometry`() throws {
        let folder = try TemporaryFolder()
        // Every second without a geometry; longitude 180, latitude -90 is the last cell of the curve.
        let models = (0..<9).map { Model(geometry: $0 % 2 == 0 ? nil : .point(180, -90), values: [.integer(Int64($0))]) }
        let (file, _) = try build(models, as: folder.path("a.layer"), attributes: [Attribute(name: "番号", type: .integer)])
        #expect(
            try (0..<file.rowCount).map { try file.model($0) } == models.filter { $0.geometry != nil }
                + models.filter { $0.geometry == nil })
    }

    @Test func `a dictionary with more entries than its codes can name is refused`() throws {
        let folder = try TemporaryFolder()
        let url = folder.path("a.layer")
        let models = (0..<900).map { Model(geometry: .point(140, 37), values: [.text("用途\($0 % 300)")]) }
        let (file, _) = try build(models, as: url, attributes: [Attribute(name: "用途", type: .text)])
        #expect(file.columns[0].entryCount == 300)
        var bytes = try Data(contentsOf: url)
        func word(_ place: Int) -> Int {
            bytes.withUnsafeBytes { Int(UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt64.self))) }
        }
        func set(_ value: UInt64, _ place: Int) {
            withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(place..<place + 8, with: $0) }
        }
        // The codes' section is said to be half as long, so that each code has one byte; and what is signed is signed again.
        let (directory, count) = (word(24), word(32))
        for entry in 0..<count {
            let start = directory + entry * LayerFileFormat.entrySize
            let kind = bytes.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt32.self)) }
            if kind == LayerFileFormat.Kind.codes.rawValue {
                #expect(word(start + 24) == 1800)
                set(900, start + 24)
            }
        }
        func hash(_ range: Range<Int>) -> UInt64 {
            bytes.withUnsafeBytes { LayerFileFormat.hash(UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
        set(hash(directory..<directory + count * LayerFileFormat.entrySize), 64)
        set(hash(0..<LayerFileFormat.headerSize - 8), LayerFileFormat.headerSize - 8)
        let forged = folder.path("b.layer")
        try bytes.write(to: forged)
        let error = #expect(throws: LayerFileError.self) { try LayerFile.open(forged) }
        #expect(error == .malformed("dictionary of column 0 is larger than its codes"))
    }

    @Test func `decimals are the fewest that lose nothing`() throws {
        let folder = try TemporaryFolder()
        for (place, decimals) in [(139.1234567, 7), (139.12345678, 8), (139.123456789, 9)] {
            let (file, _) = try build(
                [Model(geometry: .point(place, 35), values: [])], as: folder.path("\(decimals).layer"), attributes: [])
            #expect(file.decimals == decimals)
            #expect(try file.shape(0).geometry.coordinates == [place, 35])
        }
    }

    @Test func `block statistics cover their rows`() throws {
        var generator = SeededGenerator(seed: 12)
        let folder = try TemporaryFolder()
        let (file, _) = try build(randomModels(9000, using: &generator), as: folder.path("a.layer"))
        for block in 0..<3 {
            let rows = block * 4096..<min((block + 1) * 4096, file.rowCount)
            let integers = try rows.compactMap { row -> Int64? in
                if case .integer(let value) = try file.columns[0].attributeValue(row) { value } else { nil }
            }
            let statistic = try #require(try file.columns[0].statistic(block))
            #expect(statistic.integers == integers.min()!...integers.max()!)
            #expect(statistic.nullCount == rows.count - integers.count)
        }
    }
}

@Suite struct IdentityTests {
    @Test(arguments: 0..<10)
    func `features keep their numbers over a reload in another order`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        var models = randomModels(300, using: &generator)
        models += models.prefix(20)  // some that are the same in everything
        let (first, summary) = try build(models, as: folder.path("1.layer"))
        var before: [UInt64: Model] = [:]
        for row in 0..<first.rowCount { before[try first.number(row)] = try first.model(row) }

        var changed = models.shuffled(using: &generator).dropLast(30).map { $0 }
        let fresh = randomModels(25, using: &generator).map { model in
            var model = model
            model.values[6] = .text("新築")
            return model
        }
        changed += fresh
        let (second, reload) = try build(
            changed, as: folder.path("2.layer"), identity: Identity(previous: first, nextNumber: summary.nextNumber))
        #expect(reload.keptCount == changed.count - fresh.count)
        var seen: Set<UInt64> = []
        for row in 0..<second.rowCount {
            let number = try second.number(row)
            #expect(seen.insert(number).inserted)
            let model = try second.model(row)
            // The internal column is no part of the public content.
            if let old = before[number] {
                #expect(old.values.dropLast() == model.values.dropLast() && old.geometry == model.geometry)
            } else {
                #expect(number >= summary.nextNumber && number < reload.nextNumber)
            }
        }
    }

    @Test func `a column of numbers is the id`() throws {
        let folder = try TemporaryFolder()
        let models = [7, 3, 9_007_199_254_740_991].map { Model(geometry: .point(139, 35), values: [.integer($0)]) }
        let (file, _) = try build(models, as: folder.path("a.layer"), attributes: [Attribute(name: "id", type: .integer)], idColumn: 0)
        #expect(file.identity == .integer)
        #expect(try file.row(identifier: "3").map { try file.number($0) } == 3)
        #expect(try file.row(identifier: "03") == nil)
        #expect(try file.row(identifier: "4") == nil)
    }

    @Test func `texts are ids, and those that are numbers keep them`() throws {
        let folder = try TemporaryFolder()
        let models = ["13101-bldg-1", "42", "042", "東/西+ 1"].map { Model(geometry: .point(139, 35), values: [.text($0)]) }
        let (file, summary) = try build(models, as: folder.path("a.layer"), attributes: [Attribute(name: "id", type: .text)], idColumn: 0)
        for model in models {
            guard case .text(let id) = model.values[0] else { continue }
            let row = try #require(try file.row(identifier: id))
            #expect(try file.identifier(row) == id)
            #expect(try file.row(number: file.number(row)) == row)
        }
        #expect(try file.row(identifier: "42").map { try file.number($0) } == 42)
        let (again, _) = try build(
            models.reversed(), as: folder.path("b.layer"), attributes: [Attribute(name: "id", type: .text)], idColumn: 0,
            identity: Identity(previous: file, nextNumber: summary.nextNumber))
        for model in models {
            guard case .text(let id) = model.values[0] else { continue }
            #expect(try again.number(again.row(identifier: id)!) == file.number(file.row(identifier: id)!))
        }
    }

    @Test func `an id that is there twice or not at all is refused`() throws {
        let folder = try TemporaryFolder()
        for type in [AttributeType.integer, .text] {
            func value(_ n: Int) -> AttributeValue { type == .integer ? .integer(Int64(n)) : .text("建物\(n)") }
            let attributes = [Attribute(name: "id", type: type)]
            let twice = [1, 2, 2].map { Model(geometry: .point(139, 35), values: [value($0)]) }
            #expect(throws: LayerFileError.duplicateIdentifier(type == .integer ? "2" : "建物2", count: 1)) {
                try build(twice, as: folder.path("\(type)-1.layer"), attributes: attributes, idColumn: 0)
            }
            #expect(throws: LayerFileError.missingIdentifier(count: 1)) {
                try build([Model(geometry: nil, values: [.null])], as: folder.path("\(type)-2.layer"), attributes: attributes, idColumn: 0)
            }
        }
    }
}
