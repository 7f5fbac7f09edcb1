import AtlasKit
import Descriptions
import Foundation
import Geo
@_spi(Rows) import LayerAtlas
import LayerCatalog
import LayerStore
import Testing

@testable import Access

private func layer(_ id: String, _ access: LayerAccess, theme: String = "base", internals: [String] = []) -> LayerDescription {
    LayerDescription(
        id: id, title: LocalizedText(ja: id), theme: theme, source: LayerSource(file: "/home/secret.shp"), access: access,
        attributes: internals.map { AttributeDescription(name: $0, visibility: .internal) })
}

private let attributes = [Attribute(name: "name", type: .text), Attribute(name: "people", type: .integer)]
private let rows = [Office.Row(.point(140, 37), [.text("a"), .integer(1)]), Office.Row(.point(140.1, 37), [.text("b"), .integer(2)])]

private func viewer(_ departments: String...) -> Viewer {
    Viewer(name: "key", keyID: "0", departments: Set(departments), mayReadInternal: true, mayReadEverything: false)
}

@Test func `a layer is seen by whom it is for, and to others it does not exist`() throws {
    let office = try Office()
    for (id, access) in [("open", LayerAccess.public), ("office", .internal), ("welfare", .departments(["福祉課"]))] {
        try office.load(layer(id, access), attributes: attributes, rows: rows)
    }
    for (who, sees) in [
        (Viewer.publicViewer, ["open"]), (viewer(), ["office", "open"]), (viewer("道路課"), ["office", "open"]),
        (viewer("福祉課", "道路課"), ["office", "open", "welfare"]), (.commandLine, ["office", "open", "welfare"]),
    ] {
        #expect(office.atlas.layers(for: who).map(\.id) == sees)
        #expect(office.atlas.listing(for: who).map(\.id) == sees)
        for id in ["open", "office", "welfare", "nowhere", "../open", ""] {
            if sees.contains(id) {
                #expect(try office.atlas.layer(id, for: who).id == id)
            } else {
                #expect(throws: AtlasError.noSuchLayer(id)) { try office.atlas.layer(id, for: who) }
            }
        }
    }
}

@Test func `internal attributes are not there for the public, in columns or in words`() throws {
    let office = try Office()
    var description = layer("a", .public, internals: ["people"])
    description.style = StyleDescription(label: "people", by: "people", colors: [.init(value: "1", color: .black)])
    try office.load(description, attributes: attributes, rows: rows)
    let seen = try office.atlas.layer("a", for: .publicViewer)
    #expect(seen.attributes.map(\.name) == ["name"])
    #expect(seen.columns == [0])
    #expect(seen.isPublic && seen.variesByViewer)
    let json = String(decoding: try JSONEncoder().encode(seen.description), as: UTF8.self)
    #expect(!json.contains("people") && !json.contains("secret"))
    let whole = try office.atlas.layer("a", for: viewer())
    #expect(whole.attributes.map(\.name) == ["name", "people"])
    #expect(whole.description.attribute("people") != nil)
}

@Test func `a publication shows at the next look, and readers of the old version go on`() throws {
    let office = try Office()
    let first = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    let held = try office.atlas.layer("a", for: .publicViewer)
    #expect(try !office.atlas.refresh())
    let second = try office.load(layer("a", .public), attributes: attributes, rows: [rows[0]])
    let now = try office.atlas.layer("a", for: .publicViewer)
    #expect(now.version == second && now.featureCount == 1)
    #expect(held.version == first && held.featureCount == 2)
    #expect(try office.atlas.layer("a", version: first, for: .publicViewer).featureCount == 2)
    try office.catalogue.rollback("a", by: "test")
    #expect(try office.atlas.layer("a", for: .publicViewer).version == second)
    #expect(try office.atlas.refresh())
    #expect(try office.atlas.layer("a", for: .publicViewer).version == first)
}

@Test func `a publication by another process shows without a restart`() throws {
    let office = try Office()
    try office.load(layer("a", .public), attributes: attributes, rows: rows)
    let reader = try LayerAtlas(
        dataDirectory: office.folder.url, catalogue: Catalogue(directory: office.folder.url, readOnly: true))
    let version = try office.load(layer("b", .public), attributes: attributes, rows: rows)
    #expect(throws: AtlasError.noSuchLayer("b")) { try reader.layer("b", for: .publicViewer) }
    #expect(try reader.refresh())
    #expect(try reader.layer("b", for: .publicViewer).version == version)
    try office.catalogue.retire("b", by: "test")
    #expect(try reader.refresh())
    #expect(throws: AtlasError.noSuchLayer("b")) { try reader.layer("b", for: .publicViewer) }
    #expect(try !reader.refresh())
}

@Test func `closing a layer closes its earlier versions too`() throws {
    let office = try Office()
    let first = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    try office.load(layer("a", .public), attributes: attributes, rows: rows)
    #expect(try office.atlas.layer("a", version: first, for: .publicViewer).version == first)
    try office.catalogue.setAccess(.internal, of: "a", by: "test")
    try office.atlas.refresh()
    #expect(throws: AtlasError.noSuchLayer("a")) { try office.atlas.layer("a", for: .publicViewer) }
    #expect(throws: AtlasError.noSuchLayer("a")) { try office.atlas.layer("a", version: first, for: .publicViewer) }
    #expect(try office.atlas.layer("a", version: first, for: viewer()).version == first)
}

@Test func `drafts and withdrawn versions are nobody's, whatever name is guessed`() throws {
    let office = try Office()
    let first = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    let second = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    let draft = try office.load(layer("a", .public), attributes: attributes, rows: rows, publishing: false)
    #expect(try office.atlas.layer("a", version: first, for: .publicViewer).version == first)
    try office.catalogue.retire("a", version: first, by: "test")
    try office.atlas.refresh()
    for version in [first, draft, "1", "v2", "", "../a/\(second)"] {
        #expect(throws: AtlasError.noSuchVersion(layer: "a", version: version)) {
            try office.atlas.layer("a", version: version, for: .commandLine)
        }
    }
    #expect(try office.atlas.layer("a", version: second, for: .publicViewer).version == second)
}

@Test func `a damaged file is an error only for those who may see the layer`() throws {
    let office = try Office()
    let version = try office.load(layer("a", .internal), attributes: attributes, rows: rows)
    try office.load(layer("b", .public), attributes: attributes, rows: rows)
    try office.damage("a", version: version)
    #expect(throws: AtlasError.noSuchLayer("a")) { try office.atlas.layer("a", for: .publicViewer) }
    let error = #expect(throws: AtlasError.self) { try office.atlas.layer("a", for: viewer()) }
    #expect(error?.code == "unreadable")
    #expect(office.atlas.layers(for: viewer()).map(\.id) == ["b"])
    #expect(office.atlas.listing(for: viewer()).map(\.id) == ["a", "b"])
    // Put right, it is there again without a restart.
    try office.damage("a", version: version)
    #expect(try office.atlas.layer("a", for: viewer()).version == version)
}

@Test func `layers are sorted by theme and id`() throws {
    let office = try Office()
    for (id, theme) in [("z", "base"), ("a", "hazard"), ("b", "base"), ("c", "facility")] {
        try office.load(layer(id, .public, theme: theme), rows: [Office.Row(.point(140, 37))])
    }
    #expect(office.atlas.layers(for: .publicViewer).map(\.id) == ["b", "z", "c", "a"])
}

@Test func `no file is opened before somebody asks`() throws {
    let office = try Office()
    let version = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    try FileManager.default.removeItem(at: office.catalogue.file(of: "a", version: version))
    let atlas = try LayerAtlas(dataDirectory: office.folder.url, catalogue: office.catalogue)
    #expect(atlas.listing(for: .publicViewer).count == 1)
    let error = #expect(throws: AtlasError.self) { try atlas.layer("a", for: .publicViewer) }
    #expect(error?.code == "unreadable")
}

@Test func `swept files stay readable for those who hold them`() throws {
    let office = try Office()
    let versions = try (0..<5).map { _ in try office.load(layer("a", .public), attributes: attributes, rows: rows) }
    let held = try office.atlas.layer("a", version: versions[0], for: .publicViewer)
    #expect(try office.atlas.sweep() == 0)
    office.wait(Catalogue.grace + 1)
    #expect(try office.atlas.sweep() == 1)
    #expect(!FileManager.default.fileExists(atPath: office.catalogue.file(of: "a", version: versions[0]).path))
    #expect(throws: AtlasError.noSuchVersion(layer: "a", version: versions[0])) {
        try office.atlas.layer("a", version: versions[0], for: .publicViewer)
    }
    #expect(try held.file.columns[0].attributeValue(0) != .null)
}

@Test func `while versions are swapped every reader sees one whole version`() async throws {
    let office = try Office()
    try office.load(layer("a", .public), attributes: attributes, rows: rows)
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
            group.addTask {
                for _ in 0..<300 {
                    let seen = try office.atlas.layer("a", for: .publicViewer)
                    let first = try seen.file.columns[1].attributeValue(0)
                    let last = try seen.file.columns[1].attributeValue(seen.featureCount - 1)
                    #expect(seen.featureCount == 2 && first != last)
                }
            }
        }
        group.addTask {
            for _ in 0..<20 { try office.load(layer("a", .public), attributes: attributes, rows: rows) }
        }
        try await group.waitForAll()
    }
}

@Test func `a version that was gone back from is gone at once, a superseded one when its grace is over`() throws {
    let office = try Office()
    let first = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    let second = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    #expect(try office.atlas.layer("a", version: first, for: .publicViewer).version == first)
    office.wait(Catalogue.grace - 1)
    #expect(try office.atlas.layer("a", version: first, for: .publicViewer).version == first)
    office.wait(1)
    #expect(throws: AtlasError.noSuchVersion(layer: "a", version: first)) {
        try office.atlas.layer("a", version: first, for: .publicViewer)
    }
    try office.catalogue.rollback("a", by: "test")
    try office.atlas.refresh()
    for viewer in [Viewer.publicViewer, .commandLine] {
        #expect(throws: AtlasError.noSuchVersion(layer: "a", version: second)) { try office.atlas.layer("a", version: second, for: viewer) }
    }
    // And it can be published again.
    try office.catalogue.publish("a", version: second, by: "test")
    try office.atlas.refresh()
    #expect(try office.atlas.layer("a", for: .publicViewer).version == second)
    #expect(try office.atlas.layer("a", version: first, for: .publicViewer).version == first)
    // Publishing an older one by name is going back as well.
    try office.catalogue.publish("a", version: first, by: "test")
    try office.atlas.refresh()
    #expect(throws: AtlasError.noSuchVersion(layer: "a", version: second)) {
        try office.atlas.layer("a", version: second, for: .publicViewer)
    }
}

@Test(arguments: [AttributeType.integer, .text])
func `an earlier version whose features are known by what is hidden now is not shown`(type: AttributeType) throws {
    let office = try Office()
    let rows = [Office.Row(.point(140, 37), [type == .integer ? .integer(4711) : .text("4711")])]
    let attributes = [Attribute(name: "resident", type: type)]
    let first = try office.load(layer("a", .public), attributes: attributes, idColumn: 0, rows: rows)
    try office.load(layer("a", .public, internals: ["resident"]), attributes: attributes, idColumn: 0, rows: rows)
    #expect(throws: AtlasError.noSuchVersion(layer: "a", version: first)) {
        try office.atlas.layer("a", version: first, for: .publicViewer)
    }
    #expect(try office.atlas.layer("a", version: first, for: viewer()).version == first)
}

@Test func `what a layer hides now is hidden in its earlier versions too`() throws {
    let office = try Office()
    let first = try office.load(layer("a", .public), attributes: attributes, rows: rows)
    #expect(try office.atlas.layer("a", version: first, for: .publicViewer).attributes.map(\.name) == ["name", "people"])
    var hiding = layer("a", .public, internals: ["people"])
    hiding.style = StyleDescription(label: "people")
    try office.load(hiding, attributes: attributes, rows: rows)
    let seen = try office.atlas.layer("a", version: first, for: .publicViewer)
    #expect(seen.version == first)
    #expect(seen.attributes.map(\.name) == ["name"] && seen.columns == [0] && seen.variesByViewer)
    #expect(try office.atlas.layer("a", version: first, for: viewer()).attributes.map(\.name) == ["name", "people"])
}

@Test(arguments: [AttributeType.integer, .text])
func `an id column that is not for everybody shows in no number`(type: AttributeType) throws {
    let office = try Office()
    let values: [AttributeValue] = [4711, 815, 90_210].map { type == .integer ? .integer($0) : .text("\($0)") }
    let rows = values.enumerated().map { Office.Row(.point(140 + Double($0.offset) / 10, 37), [$0.element]) }
    func load(internals: [String]) throws -> [UInt64] {
        try office.load(
            layer("a", .public, internals: internals), attributes: [Attribute(name: "resident", type: type)], idColumn: 0, rows: rows,
            continuing: true)
        let file = try office.atlas.layer("a", for: .publicViewer).file
        return try (0..<file.rowCount).map { try file.number($0) }
    }
    #expect(try Set(load(internals: [])) == [4711, 815, 90_210])
    // Also when numbers could be carried over from a time when everybody saw the column.
    let hidden = try load(internals: ["resident"])
    #expect(Set(hidden).isDisjoint(with: [4711, 815, 90_210]))
    #expect(try load(internals: ["resident"]) == hidden, "and they last over reloads")
    let file = try office.atlas.layer("a", for: viewer()).file
    #expect(try file.row(identifier: "4711") != nil, "who sees the column finds features by it")
}
