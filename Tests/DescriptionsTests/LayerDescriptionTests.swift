import Descriptions
import Foundation
import Geo
import Testing

/// The example of the interface description, as it stands there but with `coverage` inside `hazard`.
private let example = """
    id: flood-l2                       # collection id; letters, digits, - and _
    title: {ja: 洪水浸水想定区域（想定最大規模）, en: Flood inundation, largest assumed}
    description: {ja: …, en: …}
    department: 危機管理課
    theme: hazard                      # base, hazard, shelter, facility, planning, place …
    source: {file: flood_l2.zip, layer: null, preset: null, crs: null, encoding: null, id: null}
    access: public                     # public, internal, or [課, …]
    base_date: 2024-03-31              # 基準日
    licence: CC BY 4.0
    attribution: {ja: …, en: …}
    survey_approval: null
    accept: []
    attributes:
      rank: {column: A31a_205, title: {ja: 浸水ランク, en: Depth class}, type: integer, codes: depth-6, visibility: public}
    hazard:
      kind: flood
      scenario: L2
      river: {ja: 見本川, en: Mihon River}
      scheme: depth-6
      class: rank
      phenomenon: null
      coverage: coverage.geojson
    style: {min-zoom: 8, max-zoom: 16}
    """

private func parse(_ yaml: String) throws -> LayerDescription {
    try LayerDescription.parse(yaml: yaml, file: "layer.yaml")
}

private func problems(_ yaml: String) -> [DescriptionProblem] {
    do {
        _ = try parse(yaml)
        return []
    } catch let error as DescriptionError {
        return error.problems
    } catch {
        return []
    }
}

@Test func `the example of the interface is read whole`() throws {
    let layer = try parse(example)
    #expect(layer.id == "flood-l2")
    #expect(layer.title.text("en") == "Flood inundation, largest assumed")
    #expect(layer.source == LayerSource(file: "flood_l2.zip"))
    #expect(layer.access == .public)
    #expect(layer.baseDate?.text == "2024-03-31")
    #expect(layer.surveyApproval == nil)
    let rank = try #require(layer.attribute("rank"))
    #expect(rank.column == "A31a_205")
    #expect(rank.type == .integer)
    #expect(rank.codes?.label(for: .integer(2))?.text("ja") == "0.5m以上3.0m未満")
    let hazard = try #require(layer.hazard)
    #expect(hazard.scenario == "L2")
    #expect(hazard.classScheme == .depth6)
    #expect(hazard.coverage == .file("coverage.geojson"))
    #expect(hazard.phenomenonAttribute == nil)
    #expect(layer.style == StyleDescription(minZoom: 8, maxZoom: 16))
}

@Test func `JSON keeps every part of a description`() throws {
    var layer = try parse(example)
    layer.access = .departments(["道路課", "危機管理課"])
    layer.hazard?.coverage = .box(Envelope(minX: 140, minY: 37, maxX: 141, maxY: 38))
    layer.style.color = Color("#0A0b0C")
    let again = try JSONDecoder().decode(LayerDescription.self, from: JSONEncoder().encode(layer))
    #expect(again == layer)
}

@Test func `an unknown key is named with its line, wherever it is`() throws {
    for (yaml, key, line) in [
        ("id: a\ntitle: {ja: あ}\nhazrd: {kind: flood}", "hazrd", 3),
        ("id: a\ntitle: {ja: あ}\nsource:\n  file: a.shp\n  sheet: 1", "source.sheet", 5),
        ("id: a\ntitle: {ja: あ}\nattributes:\n  rank:\n    column: R\n    titel: {ja: あ}", "attributes.rank.titel", 6),
        ("id: a\ntitle: {ja: あ}\nhazard:\n  kind: flood\n  river_attribute: r", "hazard.river_attribute", 5),
        ("id: a\ntitle: {ja: あ}\nstyle: {min_zoom: 8}", "style.min_zoom", 3),
        ("id: a\ntitle: {ja: あ}\nhazard: {kind: flood, coverage: {box: [1, 2, 3, 4], bbox: [1, 2, 3, 4]}}", "hazard.coverage.box", 3),
    ] {
        let found = problems(yaml)
        #expect(found.map(\.rule) == [.unknownKey], "\(yaml)")
        #expect(found.first?.key == key)
        #expect(found.first?.line == line)
        #expect(found.first?.message.text("ja").isEmpty == false)
        let last = try #require(key.split(separator: ".").last)
        #expect(found.first?.message.text("en").contains(String(last)) == true)
    }
}

@Test func `a misspelt key is told what may have been meant`() {
    #expect(problems("id: a\ntitel: {ja: あ}").contains { $0.message.text("en").contains("“title”") })
}

@Test func `each rule is reported under its own code`() {
    let start = "id: a\ntitle: {ja: あ}\n"
    let cases: [(DescriptionRule, String, String, Int?)] = [
        (.missingKey, "title: {ja: あ}", "id", 1),
        (.missingKey, "id: a", "title", 1),
        (.missingKey, "id: a\ntitle: {en: A}", "title.ja", 2),
        (.badIdentifier, "id: a/b\ntitle: {ja: あ}", "id", 1),
        (.badIdentifier, "id: 道路\ntitle: {ja: あ}", "id", 1),
        (.badIdentifier, "id: ..\ntitle: {ja: あ}", "id", 1),
        (.badIdentifier, "id: \(String(repeating: "a", count: 65))\ntitle: {ja: あ}", "id", 1),
        (.wrongType, "id: a\ntitle: 道路", "title", 2),
        (.wrongType, "id: [a]\ntitle: {ja: あ}", "id", 1),
        (.wrongType, "- a\n- b", "", 1),
        (.badLanguage, "id: a\ntitle: {ja: あ, Japanese: あ}", "title.Japanese", 2),
        (.badDate, start + "base_date: 2024-02-30", "base_date", 3),
        (.badDate, start + "base_date: 令和6年", "base_date", 3),
        (.badValue, start + "access: everybody", "access", 3),
        (.badValue, start + "access: []", "access", 3),
        (.wrongType, start + "accept: code", "accept", 3),
        (.missingKey, start + "source: {layer: a}", "source.file", 3),
        (.badValue, start + "attributes: {a: {type: number}}", "attributes.a.type", 3),
        (.badValue, start + "attributes: {a: {visibility: secret}}", "attributes.a.visibility", 3),
        (.unknownCodes, start + "attributes: {a: {codes: depth-9}}", "attributes.a.codes", 3),
        (.duplicateColumn, start + "attributes: {a: {column: X}, b: {column: X, visibility: internal}}", "attributes.b.column", 3),
        (.missingKey, start + "hazard: {scenario: L2}", "hazard.kind", 3),
        (.unknownScheme, start + "hazard: {kind: flood, scheme: depth6, class: rank}", "hazard.scheme", 3),
        (.conflict, start + "hazard: {kind: flood, scheme: depth-6}", "hazard.scheme", 3),
        (.conflict, start + "hazard: {kind: flood, river: {ja: 川}, river-attribute: r}", "hazard.river-attribute", 3),
        (.conflict, start + "hazard: {kind: flood, scheme: depth-6, class: r, phenomenon: p}", "hazard.phenomenon", 3),
        (.badPath, start + "hazard: {kind: flood, coverage: ../other/coverage.geojson}", "hazard.coverage", 3),
        (.badPath, start + "hazard: {kind: flood, coverage: /etc/passwd.json}", "hazard.coverage", 3),
        (.badNumber, start + "hazard: {kind: flood, coverage: {bbox: [141, 37, 140, 38]}}", "hazard.coverage.bbox", 3),
        (.badNumber, start + "hazard: {kind: flood, coverage: {bbox: [140, 37, 141]}}", "hazard.coverage.bbox", 3),
        (.badColor, start + "style: {color: red}", "style.color", 3),
        (.badColor, start + "style: {color: \"#+12345\"}", "style.color", 3),
        (.wrongType, start + "style: {min-zoom: eight}", "style.min-zoom", 3),
        (.wrongType, start + "style: {min-zoom: \"8\"}", "style.min-zoom", 3),
        (.badNumber, start + "style: {min-zoom: 99}", "style.min-zoom", 3),
        // No tile has such a zoom, and no tile's buffer is as wide as half such a stroke.
        (.badNumber, start + "style: {min-zoom: 23}", "style.min-zoom", 3),
        (.badNumber, start + "style: {width: 17}", "style.width", 3),
        // Two keys to YAML, one value to the map, which draws nothing at all of a style that has it twice.
        (.duplicateKey, start + "style: {by: a, colors: {1: \"#FF0000\", \"1\": \"#00FF00\"}}", "style.colors.1", 3),
        (.badNumber, start + "style: {min-zoom: 9, max-zoom: 8}", "style.max-zoom", 3),
        (.wrongType, start + "style: {order: 1.5}", "style.order", 3),
        (.conflict, start + "style: {by: class}", "style.by", 3),
        (.wrongType, start + "style: {importance: [a]}", "style.importance", 3),
        (.wrongType, start + "attributes: {a: {type: text}}\nstyle: {importance: a}", "style.importance", 4),
        (.conflict, start + "attributes: {a: {visibility: internal}}\nstyle: {importance: a}", "style.importance", 4),
        (.duplicateKey, start + "department: a\ndepartment: b", "", 3),
        (.syntax, "id: [a", "", nil),
        (.syntax, "", "", nil),
        (.syntax, "id: a\n---\nid: b", "", nil),
        (.tooLarge, String(repeating: "# 重\n", count: 300_000), "", nil),
    ]
    for (rule, yaml, key, line) in cases {
        let found = problems(yaml)
        #expect(found.contains { $0.rule == rule && $0.key == key && (line == nil || $0.line == line) }, "\(yaml.prefix(200)): \(found)")
        #expect(found.allSatisfy { $0.message.texts["ja"] != nil && $0.message.texts["en"] != nil })
    }
    #expect(Set(cases.map(\.0)).union([.unknownKey]) == Set(DescriptionRule.allCases))
}

@Test func `all problems of a file come at once, in the order of their lines`() {
    let found = problems("id: a b\ntitle: {en: A}\nbase_date: never\nfoo: 1")
    #expect(found.map(\.rule) == [.badIdentifier, .missingKey, .badDate, .unknownKey])
    #expect(found.map(\.line) == [1, 2, 3, 4])
}

@Test func `words of YAML 1.1 stay texts`() throws {
    let layer = try parse("id: no\ntitle: {ja: yes}\ndepartment: 0x10\nlicence: ~\nattributes: {no: }")
    #expect(layer.id == "no")
    #expect(layer.title.text("ja") == "yes")
    #expect(layer.department == "0x10")
    #expect(layer.licence == nil)
    #expect(layer.attributes == [AttributeDescription(name: "no")])
}

@Test func `attributes and colours keep the order of the file`() throws {
    let layer = try parse(
        """
        id: a
        title: {ja: あ}
        attributes: {z: {}, a: {column: 乙}, m: {codes: {2: {ja: 二}, 1: {ja: 一}}}}
        style: {by: m, colors: {2: "#000002", 1: "#000001"}}
        """)
    #expect(layer.attributes.map(\.name) == ["z", "a", "m"])
    #expect(layer.attributes.map(\.column) == ["z", "乙", "m"])
    #expect(layer.attribute("m")?.codes?.codes.map(\.value) == ["2", "1"])
    #expect(layer.style.colors.map(\.value) == ["2", "1"])
}

@Test func `access is not guessed where the file is silent`() throws {
    let layer = try parse("id: a\ntitle: {ja: あ}")
    #expect(layer.access == nil)
    #expect(!layer.isPublic)
    #expect(try parse("id: a\ntitle: {ja: あ}\naccess: [福祉課]").access == .departments(["福祉課"]))
}

@Test func `coverage is a file, a layer or a box`() throws {
    func coverage(_ text: String) throws -> HazardCoverage? {
        try parse("id: a\ntitle: {ja: あ}\nhazard: {kind: flood, coverage: \(text)}").hazard?.coverage
    }
    #expect(try coverage("survey/area.geojson") == .file("survey/area.geojson"))
    #expect(try coverage("survey-area") == .layer("survey-area"))
    #expect(try coverage("{bbox: [140, 37, 141.5, 38]}") == .box(Envelope(minX: 140, minY: 37, maxX: 141.5, maxY: 38)))
    #expect(try coverage("null") == nil)
}

@Test func `a scheme of the town's own is written in the layer or in the town`() throws {
    let scheme = "{title: {ja: ため池}, unit: m, classes: [{rank: 1, min: 0, max: 1, label: {ja: 浅い}, color: \"#AABBCC\"}]}"
    let town = try TownDescription.parse(yaml: "name: {ja: 町}\nschemes:\n  pond: \(scheme)", file: "town.yaml")
    let yaml = "id: a\ntitle: {ja: あ}\nhazard: {kind: pond, scheme: pond, class: c}"
    let layer = try LayerDescription.parse(yaml: yaml, file: "layer.yaml", town: town)
    #expect(layer.hazard?.classScheme?.classes.first?.color.description == "#AABBCC")
    #expect(problems(yaml).map(\.rule) == [.unknownScheme])
    let inline = scheme.replacing("{title", with: "{name: own, title", maxReplacements: 1)
    #expect(try parse("id: a\ntitle: {ja: あ}\nhazard: {kind: pond, scheme: \(inline), class: c}").hazard?.scheme == "own")
}

@Test func `every layer of the sample town is described`() throws {
    let layers = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Layers").standardizedFileURL
    let town = try TownDescription.parse(yaml: String(contentsOf: layers.appending(path: "town.yaml"), encoding: .utf8), file: "town.yaml")
    #expect(town.hazards.contains(ExpectedHazard(kind: "inland-flood")))
    let folders = try FileManager.default.contentsOfDirectory(at: layers, includingPropertiesForKeys: [.isDirectoryKey])
        .filter { FileManager.default.fileExists(atPath: $0.appending(path: "layer.yaml").path) }
    #expect(folders.count >= 8)
    for folder in folders {
        let file = folder.appending(path: "layer.yaml")
        let layer = try LayerDescription.parse(yaml: String(contentsOf: file, encoding: .utf8), file: file.path, town: town)
        #expect(layer.id == folder.lastPathComponent)
        if case .file(let coverage)? = layer.hazard?.coverage {
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: coverage).path))
        }
    }
}

@Test func `a layer may say which attributes hold its time`() throws {
    func time(_ text: String) throws -> TimeDescription? {
        try LayerDescription.parse(yaml: "id: a\ntitle: {ja: 題}\n" + text, file: "layer.yaml").time
    }
    #expect(try time("") == nil)
    #expect(try time("time: {start: 開始日}") == TimeDescription(start: "開始日"))
    #expect(try time("time: {start: 開始日, end: 終了日}") == TimeDescription(start: "開始日", end: "終了日"))
    #expect(throws: DescriptionError.self) { try time("time: {end: 終了日}") }
    #expect(throws: DescriptionError.self) { try time("time: {start: a, ende: b}") }
    // What was stored before layers could say so.
    let old = try JSONEncoder().encode(LayerDescription(id: "a", title: LocalizedText(ja: "題")))
    #expect(!String(decoding: old, as: UTF8.self).contains("\"time\""))
    #expect(try JSONDecoder().decode(LayerDescription.self, from: old).time == nil)
}

@Test func `a stored description whose numbers no disk should have made is not read`() throws {
    var whole = LayerDescription(id: "a", title: LocalizedText(ja: "題"))
    whole.style = StyleDescription(minZoom: 8, maxZoom: 20, width: 2, opacity: 0.5, order: 3)
    whole.hazard = HazardDescription(kind: "flood", coverage: .box(Envelope(minX: 139, minY: 35, maxX: 140, maxY: 36)))
    let json = String(decoding: try JSONEncoder().encode(whole), as: UTF8.self)
    #expect(try LayerDescription(stored: Data(json.utf8)) == whole)
    for (before, after) in [
        ("\"minZoom\":8", "\"minZoom\":8e88"), ("\"maxZoom\":20", "\"maxZoom\":-20"), ("\"width\":2", "\"width\":2e9"),
        ("\"opacity\":0.5", "\"opacity\":7.5"), ("\"order\":3", "\"order\":3000000000"), ("\"minX\":139", "\"minX\":1e300"),
        ("\"maxX\":140", "\"maxX\":100"), ("\"maxY\":36", "\"maxY\":96"), ("\"minY\":35", "\"minY\":-95"), ("\"title\"", "\"tidle\""),
    ] {
        #expect(json.contains(before), "\(before)")
        #expect(throws: DecodingError.self, "\(after)") { try LayerDescription(stored: Data(json.replacing(before, with: after).utf8)) }
    }
}
