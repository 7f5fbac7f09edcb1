import Geo
@_spi(Rows) public import LayerAtlas
import LayerStore

extension QueryEngine {
    /// From when to when the layer's features are, by the attributes that `datetime` asks about; nil when it has no such attribute that the viewer sees.
    ///
    /// A day is that whole day in Japan, to its last second. An end is nil where it is open or not known: some feature has no beginning, or no end, or
    /// none has a time, or the file cannot be read there.
    /// - Complexity: O(rows ÷ 4096): only the column's statistics are looked at.
    public func timeExtent(_ layer: VisibleLayer) -> TimeSpan? { source(layer).timeExtent }
}

extension RowSource {
    var timeExtent: TimeSpan? {
        guard let time = timeColumns else { return nil }
        let start = known(file.columns[time.start])
        guard let column = time.end else { return TimeSpan(start: start?.span.start, end: start?.span.end) }
        let end = known(file.columns[column])
        let first = start.flatMap { $0.hasNulls ? nil : $0.span.start }
        guard let end, !end.hasNulls, let last = end.span.end else { return TimeSpan(start: first, end: nil) }
        // A feature that ends before it begins has at least its beginning.
        return TimeSpan(start: first, end: max(last, start?.span.end ?? last))
    }

    /// The first and the last moment of a column of days or times; nil where there is none, or it cannot be known.
    private func known(_ column: Column) -> (span: TimeSpan, hasNulls: Bool)? {
        let blocks = (file.rowCount + Column.statisticRows - 1) / Column.statisticRows
        var range: ClosedRange<Int64>?
        var hasNulls = false
        for block in 0..<blocks {
            // What cannot be read is not known; whoever asks for the features hears of it.
            guard let statistic = try? column.statistic(block) else { return nil }
            hasNulls = hasNulls || statistic.nullCount > 0
            guard let part = statistic.integers else { continue }
            range = range.map { min($0.lowerBound, part.lowerBound)...max($0.upperBound, part.upperBound) } ?? part
        }
        guard let range else { return nil }
        guard column.attribute.type == .date else { return (TimeSpan(start: range.lowerBound, end: range.upperBound), hasNulls) }
        let (day, zone) = (Int64(86_400_000_000), Int64(9 * 3_600_000_000))
        return (TimeSpan(start: range.lowerBound * day - zone, end: (range.upperBound + 1) * day - zone - 1_000_000), hasNulls)
    }
}
