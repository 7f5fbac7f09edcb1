public import CQL2
public import LayerAtlas

extension QueryEngine {
    /// How a filter would be answered, a line a step: what the index is asked, how many blocks their statistics settle, and the conditions in the
    /// order in which columns are read.
    ///
    /// - Throws: `unknownProperty` and `invalidFilter`, as asking would.
    /// - Complexity: O(blocks of 4,096 rows)
    public func plan(_ layer: VisibleLayer, _ filter: Expression) throws(QueryError) -> String {
        try Filter(filter, in: source(layer)).explanation()
    }
}
