import FoundationEssentials
import Geo
import LayerStore
import TestKit

/// A layer of random features with an attribute of every type, nulls everywhere, and what is in it as plain values.
struct FilterSample {
    static let attributes = [
        Attribute(name: "usage", type: .text), Attribute(name: "name", type: .text), Attribute(name: "storeys", type: .integer),
        Attribute(name: "height", type: .real), Attribute(name: "listed", type: .boolean), Attribute(name: "open", type: .boolean),
        Attribute(name: "built", type: .date), Attribute(name: "razed", type: .date), Attribute(name: "seen", type: .time),
        Attribute(name: "left", type: .time), Attribute(name: "tags", type: .json), Attribute(name: "other", type: .text),
        Attribute(name: "keeper", type: .text, visibility: .internal),
    ]
    static let usages = ["住宅", "商業", "工場", "", "Café", "CAFE", "cafe\u{301}", "ｶﾌｪ", "カフェ", "100%", "a_b"]
    static let whole: [Int64] = [.min, .max, 1 << 53, (1 << 53) + 1, (1 << 53) + 3, -1, 0, 1, 2, 3, 5, 8, 40]
    static let reals = [-1.5, 0, 0.1, 1, 2, 2.5, 9_007_199_254_740_992, 9_007_199_254_740_996, 0x1p63, -0x1p63, 9.3e18, 1e300]
    /// Microseconds about midnight in Japan (15:00 UTC) of a few days.
    static let instants: [Int64] = (0..<12).map { number in
        let midnight: Int64 = (20_000 + Int64(number / 4)) * 86_400_000_000 + 54_000_000_000
        return midnight + [-1, 0, 1, 43_200_000_000][number % 4]
    }
    static let lists = [
        "[]", "[1,2]", "[2, 1, 2]", #"["a","b"]"#, #"["a", 1.0, true]"#, #"["\u3042","あ"]"#, "{\"a\":1}", #"[[1,2],"a"]"#, "[3]",
    ]

    let folder: TemporaryFolder
    let file: LayerFile
    let geometries: [Geometry?]
    let values: [[AttributeValue]]

    init(count: Int, seed: UInt64, isSorted: Bool = false) throws {
        var generator = SeededGenerator(seed: seed)
        folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: FilterSample.attributes), scratch: scratch.url)
        for i in 0..<count {
            func sometimes(_ body: () throws -> Void) rethrows { if Int.random(in: 0..<6, using: &generator) > 0 { try body() } }
            try sometimes { try builder.set(0, text: FilterSample.usages.randomElement(using: &generator)!) }
            try sometimes {
                try builder.set(1, text: "\(FilterSample.usages.randomElement(using: &generator)!)\(i)\(i % 3 == 0 ? "ÀÉ" : "x")")
            }
            sometimes {
                builder.set(2, integer: isSorted ? Int64(i / 40) : FilterSample.whole.randomElement(using: &generator)!)
            }
            sometimes { builder.set(3, real: isSorted ? Double(i) / 40 : FilterSample.reals.randomElement(using: &generator)!) }
            sometimes { builder.set(4, boolean: Bool.random(using: &generator)) }
            sometimes { builder.set(5, boolean: Bool.random(using: &generator)) }
            sometimes {
                builder.set(6, date: Day(daysSince1970: isSorted ? Int32(i / 40) : Int32.random(in: 20_000...20_003, using: &generator)))
            }
            sometimes { builder.set(7, date: Day(daysSince1970: Int32.random(in: 20_000...20_003, using: &generator))) }
            sometimes { builder.set(8, time: instant(&generator, isSorted ? i : nil)) }
            sometimes { builder.set(9, time: instant(&generator, nil)) }
            try sometimes {
                var list = FilterSample.lists.randomElement(using: &generator)!
                try list.withUTF8 { try builder.set(10, json: UnsafeRawBufferPointer($0)) }
            }
            try sometimes { try builder.set(11, text: FilterSample.usages.randomElement(using: &generator)!) }
            try sometimes { try builder.set(12, text: "氏名\(i)") }
            // Rows without a geometry keep their order.
            let shape =
                isSorted || Int.random(in: 0..<12, using: &generator) == 0 ? nil : RandomGeometry().geometry(using: &generator)
            try builder.endFeature(geometry: shape, sourceRow: UInt64(i))
        }
        let url = folder.path("a.layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: LayerFacts())
        file = try LayerFile.open(url)
        var geometries: [Geometry?] = []
        var values: [[AttributeValue]] = []
        for row in 0..<file.rowCount {
            geometries.append(row < file.geometryCount ? try file.shape(row).geometry : nil)
            values.append(try file.columns.map { try $0.attributeValue(row) })
        }
        (self.geometries, self.values) = (geometries, values)

        func instant(_ generator: inout SeededGenerator, _ i: Int?) -> Instant {
            Instant(
                microseconds: i.map { Int64($0) * 1_000_000_000 } ?? FilterSample.instants.randomElement(using: &generator)!,
                zoneMinutes: Bool.random(using: &generator) ? 540 : nil)
        }
    }
}
