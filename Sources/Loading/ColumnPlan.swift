import Descriptions
public import Geo
import RecordStream

/// Which attribute each column of a source becomes, under which name and type.
///
/// Attributes of the description come from the columns they name; columns that none names keep name and type. The order is the source's.
public struct ColumnPlan: Sendable {
    public struct Column: Sendable, Equatable {
        /// The name in the source.
        public var source: String
        public var sourceType: AttributeType
        public var attribute: Attribute

        var isCast: Bool { sourceType != attribute.type }
    }

    public var columns: [Column]
    /// The column that identifies features.
    public var idColumn: Int?

    public var attributes: [Attribute] { columns.map(\.attribute) }

    /// - Parameter id: the name of the id column in the source, or of the attribute it becomes.
    init(fields: [RecordField], attributes: [AttributeDescription], id: String?) throws(LoadError) {
        var byColumn: [String: AttributeDescription] = [:]
        for attribute in attributes { byColumn[attribute.column] = attribute }
        let names = fields.map(\.name)
        if let missing = attributes.first(where: { !names.contains($0.column) }) {
            throw Self.noColumn(missing.column, names)
        }
        columns = fields.map { field in
            let described = byColumn[field.name]
            let attribute = Attribute(
                name: described?.name ?? field.name, type: described?.type ?? field.type, visibility: described?.visibility ?? .public)
            return Column(source: field.name, sourceType: field.type, attribute: attribute)
        }
        var seen: Set<String> = []
        for column in columns where !seen.insert(column.attribute.name).inserted {
            throw LoadError(
                "duplicate-column", ja: "属性「\(column.attribute.name)」が二つの列からできてしまいます。layer.yaml の attributes を見直してください。",
                en: "Two columns would become the attribute “\(column.attribute.name)”. Change attributes in layer.yaml.")
        }
        guard let id else { return }
        guard let index = columns.firstIndex(where: { $0.source == id }) ?? columns.firstIndex(where: { $0.attribute.name == id }) else {
            throw Self.noColumn(id, names)
        }
        idColumn = index
        switch columns[index].attribute.type {
        case .integer, .text: break
        // Drivers hand whole numbers of many digits out as reals.
        case .real where byColumn[columns[index].source]?.type == nil: columns[index].attribute.type = .integer
        default:
            throw LoadError(
                "bad-id-column", ja: "ID列「\(id)」は整数か文字列でなければなりません。", en: "The id column “\(id)” must hold integers or text.")
        }
    }

    /// Refuses what cannot say when a feature is from.
    func check(_ time: TimeDescription?) throws(LoadError) {
        guard let time else { return }
        for name in [time.start, time.end].compactMap(\.self) {
            guard let column = columns.first(where: { $0.attribute.name == name }), [.date, .time].contains(column.attribute.type) else {
                throw LoadError(
                    "bad-time-column", ja: "layer.yaml の time にある「\(name)」は、日付か日時の属性ではありません。",
                    en: "“\(name)”, under time in layer.yaml, is not an attribute of days or times.")
            }
        }
    }

    /// The column that says which features matter more.
    /// - Parameter name: of the attribute, or of the column it is made of.
    func importanceColumn(_ name: String?) throws(LoadError) -> Int? {
        guard let name else { return nil }
        guard let index = columns.firstIndex(where: { $0.attribute.name == name }) ?? columns.firstIndex(where: { $0.source == name })
        else {
            let all = columns.map(\.attribute.name).joined(separator: ", ")
            throw LoadError(
                "no-importance-column", ja: "layer.yaml の style.importance にある「\(name)」という属性はありません。ある属性: \(all)",
                en: "There is no attribute “\(name)”, which style.importance in layer.yaml names. There are: \(all)")
        }
        let attribute = columns[index].attribute
        guard [.integer, .real].contains(attribute.type) else {
            throw LoadError(
                "bad-importance-column", ja: "layer.yaml の style.importance にある「\(name)」は、数の属性ではありません（\(attribute.type.rawValue)）。",
                en:
                    "“\(name)”, under style.importance in layer.yaml, is not an attribute of numbers but of type \(attribute.type.rawValue)."
            )
        }
        guard attribute.visibility == .public else {
            throw LoadError(
                "hidden-importance-column", ja: "layer.yaml の style.importance にある「\(name)」は公開しない属性です。何が残るかで値の大小が分かってしまうため、使えません。",
                en:
                    "“\(name)”, under style.importance in layer.yaml, is not public: what is left on the map would tell which values are greater."
            )
        }
        return index
    }

    private static func noColumn(_ name: String, _ names: [String]) -> LoadError {
        let all = names.isEmpty ? "–" : names.joined(separator: ", ")
        return LoadError(
            "no-such-column", ja: "列「\(name)」は元データにありません。ある列: \(all)", en: "The source has no column “\(name)”. It has: \(all)")
    }
}
