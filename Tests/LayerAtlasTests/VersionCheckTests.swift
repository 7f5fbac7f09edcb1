import AtlasKit
import Descriptions
import Foundation
import Geo
import LayerCatalog
import Testing

@testable import LayerAtlas

@Test(arguments: [0.0, 0.3, 0.6, 0.9, 1.0])
func `a version is good only while every byte of it is`(place: Double) throws {
    let office = try Office()
    let version = try office.load(
        LayerDescription(id: "a", title: LocalizedText(ja: "a"), access: .public), attributes: [Attribute(name: "name", type: .text)],
        rows: (0..<500).map { Office.Row(.point(140 + Double($0) * 0.001, 37), [.text("建物\($0)")]) })
    let record = try office.catalogue.version(version, of: "a")
    try VersionCheck.verify(record, in: office.catalogue)
    let file = office.catalogue.file(of: "a", version: version)
    let whole = try Data(contentsOf: file)
    // Bytes between sections count for nothing: some byte near the place does.
    let start = min(Int(place * Double(whole.count)), whole.count - 64)
    var damaged = whole
    for index in start..<start + 64 { damaged[index] ^= 0x10 }
    try damaged.write(to: file)
    let error = #expect(throws: AtlasError.self) { try VersionCheck.verify(record, in: office.catalogue) }
    #expect(error?.code == "unreadable")
    try FileManager.default.removeItem(at: file)
    #expect(throws: AtlasError.self) { try VersionCheck.verify(record, in: office.catalogue) }
}
