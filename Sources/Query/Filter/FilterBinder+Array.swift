import CQL2
import Formats
import Geo

extension FilterBinder {
    func array(_ relation: ArrayRelation, _ left: Expression, _ right: Expression) throws(QueryError) -> TruthNode {
        let (a, b) = (try list(left), try list(right))
        let node = ArrayNode(context, relation, a, b)
        return a.isConstant && b.isConstant ? try constant(node) : node
    }

    private func list(_ expression: Expression) throws(QueryError) -> ListOperand {
        switch expression {
        case .property(let name):
            guard case .column(let number) = try property(name), source.file.attributes[number].type == .json else {
                throw invalid("「\(name)」は一覧ではありません。", "“\(name)” is not a list.")
            }
            return ListOperand(layer, column: source.file.columns[number])
        case .list(let items):
            var writer = ByteWriter()
            try write(items, to: &writer)
            return ListOperand(layer, json: writer.array())
        default: throw invalid("配列演算には一覧が必要です。", "Array relations take lists.")
        }
    }

    /// Dates and times are texts in JSON.
    private func write(_ items: [Expression], to writer: inout ByteWriter) throws(QueryError) {
        writer.byte(UInt8(ascii: "["))
        for (number, item) in items.enumerated() {
            if number > 0 { writer.byte(UInt8(ascii: ",")) }
            switch item {
            case .list(let inner): try write(inner, to: &writer)
            case .date(let day):
                writer.byte(34)
                writer.day(day)
                writer.byte(34)
            case .timestamp(let instant):
                writer.byte(34)
                writer.instant(instant)
                writer.byte(34)
            default:
                switch try operand(item) {
                case .integer(let operand as IntegerConstant) where operand.constant != nil: writer.integer(operand.constant!)
                case .real(let operand as RealConstant) where operand.constant != nil: writer.real(operand.constant!)
                case .text(let operand) where operand.constant != nil:
                    writer.jsonString(String(decoding: operand.constant!, as: UTF8.self))
                case .truth(let node as ConstantNode): writer.literal(node.truth == Truth.yes ? "true" : "false")
                default:
                    throw invalid("一覧の要素はリテラルでなければなりません。", "The elements of a list must be literals.")
                }
            }
        }
        writer.byte(UInt8(ascii: "]"))
    }
}
