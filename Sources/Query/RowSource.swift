import Geo
import LayerStore

/// The rows of one layer version as one viewer sees them: the only form in which the engine's inner parts know a layer.
struct RowSource: Sendable {
    let layer: String
    let file: LayerFile
    /// The columns that the viewer sees, in order.
    let columns: [Int]

    /// The column of a visible attribute.
    func column(named name: String) -> Int? {
        columns.first { file.attributes[$0].name == name }
    }

    /// Identifiers are shown and understood unless their column is hidden from this viewer; numbers always are.
    var showsIdentifier: Bool {
        file.identity == .text && file.idColumn.map { columns.contains($0) } == true
    }

    /// The attribute that says when a feature is from: the first instant, else the first date.
    var timeColumn: Int? {
        columns.first { file.attributes[$0].type == .time } ?? columns.first { file.attributes[$0].type == .date }
    }
}

/// Turns what a layer file throws into what a question throws.
func reading<R>(_ layer: String, _ body: () throws(LayerFileError) -> R) throws(QueryError) -> R {
    do throws(LayerFileError) { return try body() } catch { throw .damaged(layer: layer, detail: "\(error)") }
}
