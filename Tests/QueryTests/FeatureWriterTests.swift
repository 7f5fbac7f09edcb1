import Foundation
import Geo
import LayerStore
import TestKit
import Testing

@testable import Query

@Suite struct FeatureWriterTests {
    @Test func `a page reads back with every value as it was`() throws {
        let sample = try SampleLayer(count: 200, seed: 21)
        let page = try sample.publicSource.items(ItemsRequest(limit: 1000), deadline: Deadline(seconds: nil))
        let bytes = try sample.publicSource.collection(
            page, form: FeatureForm(), links: #"[{"href":"/x","rel":"self"}]"#, timeStamp: "2026-01-01T00:00:00Z",
            transforms: TransformPool(gridDirectories: [])
        ).bytes(Deadline(seconds: nil))
        let object = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let features = try #require(object["features"] as? [[String: Any]])
        #expect(features.count == 200)
        #expect(object["numberMatched"] as? Int == 200 && object["numberReturned"] as? Int == 200)
        for (row, feature) in features.enumerated() {
            #expect((feature["id"] as? NSNumber)?.uint64Value == (try sample.file.number(row)))
            #expect((feature["geometry"] is NSNull) == (sample.geometries[row] == nil))
            let properties = try #require(feature["properties"] as? [String: Any])
            #expect(Set(properties.keys) == Set(SampleLayer.attributes.prefix(6).map(\.name)))
            for (column, attribute) in SampleLayer.attributes.prefix(6).enumerated() {
                let value = properties[attribute.name]
                switch sample.values[row][column] {
                case .null: #expect(value is NSNull)
                case .integer(let v): #expect((value as? NSNumber)?.int64Value == v)
                case .real(let v): #expect((value as? NSNumber)?.doubleValue == v)
                case .boolean(let v): #expect((value as? NSNumber)?.boolValue == v)
                case .date(let v):
                    let civil = v.civil
                    #expect(value as? String == String(format: "%04d-%02d-%02d", civil.year, civil.month, civil.day))
                case .text(let v): #expect(value as? String == v)
                default: Issue.record("a value of no known type")
                }
            }
        }
    }

    @Test func `one feature carries its links`() throws {
        let sample = try SampleLayer(count: 3, seed: 22)
        var writer = [UInt8]()
        writer = try sample.publicSource.feature(
            0, form: FeatureForm(), links: "[]", transforms: TransformPool(gridDirectories: []))
        let object = try #require(JSONSerialization.jsonObject(with: Data(writer)) as? [String: Any])
        #expect(object["type"] as? String == "Feature" && object["links"] != nil)
    }
}
