import Foundation
import Geo

extension LayerDescription {
    /// From the JSON that is kept with a version. It was checked when it was made, but a disk may have changed it since: numbers are within the bounds that
    /// hold for a `layer.yaml`.
    /// - Throws: `DecodingError`
    public init(stored json: Data) throws {
        self = try JSONDecoder().decode(LayerDescription.self, from: json)
        func check(_ value: Double?, _ range: ClosedRange<Double>, _ name: String) throws {
            guard let value, !range.contains(value) else { return }
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "\(name) is out of bounds"))
        }
        try check(style.minZoom, 0...24, "minZoom")
        try check(style.maxZoom, 0...24, "maxZoom")
        try check(style.width, 0...100, "width")
        try check(style.opacity, 0...1, "opacity")
        try check(style.order.map(Double.init), -1_000_000...1_000_000, "order")
        guard case .box(let box) = hazard?.coverage else { return }
        try check(box.minX, -180...180, "coverage")
        try check(box.maxX, box.minX...180, "coverage")
        try check(box.minY, -90...90, "coverage")
        try check(box.maxY, box.minY...90, "coverage")
    }
}
