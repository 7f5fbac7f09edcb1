import Descriptions
import Foundation
import Geo
import Testing

@Test func `lists of rivers and scenarios stand for every combination`() throws {
    let town = try TownDescription.parse(
        yaml: """
            name: {ja: 見本市, en: Mihon City}
            boundary: boundary
            languages: [ja, en]
            hazards:
              - {kind: flood, scenarios: [L1, L2], rivers: [見本川, {ja: 支川, en: Tributary}]}
              - {kind: landslide}
            """, file: "town.yaml")
    #expect(town.languages == ["ja", "en"])
    #expect(town.boundary == "boundary")
    #expect(town.hazards.count == 5)
    #expect(town.hazards.contains(ExpectedHazard(kind: "flood", scenario: "L2", river: LocalizedText(ja: "支川", en: "Tributary"))))
    #expect(town.hazards.last == ExpectedHazard(kind: "landslide"))
    #expect(try JSONDecoder().decode(TownDescription.self, from: JSONEncoder().encode(town)) == town)
}

@Test func `a town's mistakes have codes and lines too`() {
    let error = #expect(throws: DescriptionError.self) {
        try TownDescription.parse(
            yaml: "name: 見本市\nlanguages: [ja, Nihongo]\nhazards:\n  - {kind: flood, river: a, rivers: [b]}\n  - {scenario: L2}\nmayor: x",
            file: "town.yaml")
    }
    #expect(error?.problems.map(\.rule) == [.badLanguage, .conflict, .missingKey, .unknownKey])
    #expect(error?.problems.map(\.line) == [2, 4, 5, 6])
}

@Test func `an expectation without a river takes any, one with a river only its own`() {
    let mihon = LocalizedText(ja: "見本川", en: "Mihon River")
    #expect(ExpectedHazard(kind: "flood").isFulfilled(kind: "flood", scenario: "L1", river: mihon))
    #expect(!ExpectedHazard(kind: "flood").isFulfilled(kind: "tsunami", scenario: nil, river: nil))
    let expected = ExpectedHazard(kind: "flood", scenario: "L2", river: mihon)
    #expect(expected.isFulfilled(kind: "flood", scenario: "L2", river: LocalizedText(ja: "見本川")))
    #expect(!expected.isFulfilled(kind: "flood", scenario: "L1", river: mihon))
    #expect(!expected.isFulfilled(kind: "flood", scenario: "L2", river: nil))
    #expect(!expected.isFulfilled(kind: "flood", scenario: "L2", river: LocalizedText(ja: "見取川", en: "Mitori River")))
}
