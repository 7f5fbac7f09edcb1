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

    /// The attributes that the layer's description names for the time of a feature; nil where it names none.
    var time: (start: String, end: String?)?

    /// The columns that say when a feature is from: those the description names; else the first of instants, or else of days. Nil when the viewer sees
    /// none, or not both ends.
    var timeColumns: (start: Int, end: Int?)? {
        if let time {
            guard let start = column(named: time.start) else { return nil }
            guard let name = time.end else { return (start, nil) }
            return column(named: name).map { (start, $0) }
        }
        let first = columns.first { file.attributes[$0].type == .time } ?? columns.first { file.attributes[$0].type == .date }
        return first.map { ($0, nil) }
    }
}

/// Turns what a layer file throws into what a question throws.
func reading<R>(_ layer: String, _ body: () throws(LayerFileError) -> R) throws(QueryError) -> R {
    do throws(LayerFileError) { return try body() } catch { throw .damaged(layer: layer, detail: "\(error)") }
}
