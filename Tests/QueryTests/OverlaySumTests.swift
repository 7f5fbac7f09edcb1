import CQL2
import FoundationEssentials
import Geo
import LayerStore
import TestKit
import Testing

@testable import Query

/// Sums of numbers so large that a few of them are more than a number can be.
@Suite struct OverlaySumTests {
    @Test(arguments: UInt64(0)..<50)
    func `a sum is infinite only where its numbers together are`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        // Multiples of 2¹⁰⁰⁰, whose sum whole numbers know exactly. From 2²⁴ of them on no number is as large.
        let unit = 0x1p1000
        let bits = Int.random(in: 4...23, using: &generator)
        let values = (0..<40).map { _ in Int.random(in: -(1 << bits)...(1 << bits), using: &generator) }
        let total = values.reduce(0, +)
        let cut = Int.random(in: 0...40, using: &generator)
        var (sum, second) = (CompensatedSum(), CompensatedSum())
        for value in values[..<cut] { sum.add(Double(value) * unit) }
        for value in values[cut...] { second.add(Double(value) * unit) }
        sum.add(second)
        if abs(total) < 1 << 24 { #expect(sum.value == Double(total) * unit) } else { #expect(abs(sum.value) == .infinity) }
        #expect(abs(sum.divided(by: 40) / unit - Double(total) / 40) <= abs(Double(total)) * 1e-15)
    }

    @Test func `what is small beside the large is there when the large has gone`() {
        var sum = CompensatedSum()
        for value in [5, 0x1p1023, 0x1p1023, 0x1p1023, -0x1p1023, -0x1p1023, -0x1p1023, 0.25] { sum.add(value) }
        #expect(sum.value == 5.25)
        #expect(sum.divided(by: 3) == 1.75)
    }

    private func source(_ folder: TemporaryFolder, _ name: String, _ values: [Double]) throws -> RowSource {
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: [Attribute(name: "flow", type: .real)]), scratch: scratch.url)
        for (row, value) in values.enumerated() {
            builder.set(0, real: value)
            try builder.endFeature(geometry: .point(140, 37), sourceRow: UInt64(row))
        }
        let url = folder.path(name + ".layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: LayerFacts())
        return RowSource(layer: name, file: try LayerFile.open(url), columns: [0])
    }

    @Test func `a figure larger than a number can be is empty, and the table says so`() throws {
        let folder = try TemporaryFolder()
        let one = try source(folder, "one", [1])
        func ask(_ values: [Double], groups: [OverlayRequest.Property] = []) throws -> OverlayResult {
            let request = OverlayRequest(
                relation: .intersects, groupBy: groups, aggregates: [.sum(.init(.target, "flow")), .mean(.init(.target, "flow")), .count])
            return try source(folder, "many\(values.count)", values).overlay(one, request, deadline: Deadline(seconds: nil))
        }
        let large = Double.greatestFiniteMagnitude
        let beyond = try ask([large, large, 1])
        #expect(beyond.rows == [[.null, .real(large / 3 * 2), .integer(3)]])
        #expect(beyond.notes.map(\.code) == [.tooLarge] && beyond.notes.map(\.side) == [.target])
        #expect(beyond.notes[0].text.text("en").contains("sum_flow") && beyond.notes[0].text.text("ja").contains("sum_flow"))
        // Not on the way, and not in groups that are not.
        let within = try ask([large, large, -large, -large])
        #expect(within.rows == [[.real(0), .real(0), .integer(4)]] && within.notes.isEmpty)
        let grouped = try ask([large, large, large, 2, 2], groups: [.init(.target, "flow")])
        #expect(grouped.rows == [[.real(2), .real(4), .real(2), .integer(2)], [.real(large), .null, .real(large), .integer(3)]])
        #expect(grouped.notes.count == 1)
    }
}
