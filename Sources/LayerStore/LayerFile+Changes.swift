import Geo
public import SpatialIndex

#if canImport(Glibc)
    import Glibc
#endif

extension LayerFile {
    /// Where maps drawn from this file can differ from those of an earlier version: the envelopes of all features that were added, removed or changed,
    /// the old ones and the new ones.
    ///
    /// Features are the same when they have the same number, geometry and attributes, and the same `FeatureDetail`: what thinning decided of a feature
    /// because of others counts as a change of its own, and what simplification did with its borders. So does a change of order: of two that changed places in the file one is named. What is not named
    /// is drawn alike, in every tile that meets no envelope of the result.
    ///
    /// - Parameters:
    ///   - limit: of envelopes; there are two for a feature that moved.
    ///   - check: called now and then; what it throws is thrown.
    /// - Returns: nil when everything may differ: other attributes, another precision, a file with something in it that is not looked at here, or more
    ///   changes than the limit.
    /// - Complexity: O(bytes of both files); memory of a bit for each feature of the earlier one.
    public func drawnChanges(since before: LayerFile, limit: Int, check: () throws -> Void) throws -> [IndexBox]? {
        guard attributes == before.attributes, decimals == before.decimals, hasKnownSectionsOnly, before.hasKnownSectionsOnly,
            zip(columns, before.columns).allSatisfy({ $0.isFormed(like: $1) })
        else { return nil }
        let (details, detailsBefore) = (try self.details(), try before.details())
        let (levels, levelsBefore) = (try vertexLevels(), try before.vertexLevels())
        let (ranks, ranksBefore) = (try hazardRanks(), try before.hazardRanks())
        guard (details == nil) == (detailsBefore == nil), (levels == nil) == (levelsBefore == nil), (ranks == nil) == (ranksBefore == nil)
        else { return nil }

        var boxes: [IndexBox] = []
        var kept = [UInt64](repeating: 0, count: (before.geometryCount + 63) / 64)
        var furthest = -1
        for row in 0..<geometryCount {
            if row & 4095 == 0 {
                try check()
                if boxes.count > limit { return nil }
            }
            let number = try number(row)
            // Features keep their order, so the next one is mostly the next one there too.
            var old: Int?
            if furthest + 1 < before.geometryCount, try before.number(furthest + 1) == number {
                old = furthest + 1
            } else if let found = try before.row(number: number), found < before.geometryCount {
                old = found
            }
            guard let old, old > furthest, try isDrawn(row, like: old, of: before, details, detailsBefore),
                try isSimplified(row, like: old, levels, levelsBefore), try ranks?.rank(row) == ranksBefore?.rank(old)
            else {
                boxes.append(try indexBox(row))
                continue
            }
            furthest = old
            kept[old >> 6] |= 1 << UInt64(old & 63)
        }
        for old in 0..<before.geometryCount where kept[old >> 6] & (1 << UInt64(old & 63)) == 0 {
            if old & 4095 == 0 { try check() }
            boxes.append(try before.indexBox(old))
            if boxes.count > limit { return nil }
        }
        return boxes.count > limit ? nil : boxes
    }

    /// Whether the file has no section but those that are compared here, those that say the same in another way, and those that no map is drawn from.
    /// A section of a kind that comes later makes this false until its meaning is looked at.
    private var hasKnownSectionsOnly: Bool {
        sections.keys.allSatisfy { key in
            switch key.kind {
            case .metadata, .index, .hilbertKey, .source, .number, .numberOrder, .identifierHash, .identifierRow, .contentHash,
                .contentOrder,
                .sourceRow, .statistics:
                true
            case .geometryKind, .vertexSteps, .vertexBases, .ringSteps, .ringBases, .partSteps, .partBases, .ringEnds, .partEnds,
                .partKinds,
                .degrees, .mercator, .detail, .vertexLevel, .hazardRank:
                true
            case .nulls, .values, .zones, .textSteps, .textBases, .text, .codes: true
            }
        }
    }

    /// Whether rows of the same vertices keep the same of them at every zoom. Their blocks were touched.
    private func isSimplified(
        _ row: Int, like old: Int, _ levels: VertexLevels?, _ before: VertexLevels?
    ) throws(LayerFileError) -> Bool {
        guard let levels, let before else { return true }
        try levels.touch(row..<row + 1)
        try before.touch(old..<old + 1)
        return memcmp(levels.levels(touched: row), before.levels(touched: old), try vertexCount(row)) == 0
    }

    private func isDrawn(
        _ row: Int, like old: Int, of before: LayerFile, _ details: FeatureDetails?, _ detailsBefore: FeatureDetails?
    ) throws(LayerFileError) -> Bool {
        if let details, let detailsBefore {
            try details.touch(row..<row + 1)
            try detailsBefore.touch(old..<old + 1)
            guard details[row] == detailsBefore[old] else { return false }
        }
        guard try shape(row).isSame(as: before.shape(old)) else { return false }
        for (column, other) in zip(columns, before.columns) {
            try column.touch(row..<row + 1)
            try other.touch(old..<old + 1)
            guard column.value(row).isSame(as: other.value(old)) else { return false }
        }
        return true
    }
}

extension Column {
    /// Values of both are held in the same way: tiles have the attributes of few values first.
    fileprivate func isFormed(like other: Column) -> Bool {
        record.pointee.form == other.record.pointee.form
    }
}

extension Column.Value {
    /// The same to the bit.
    fileprivate func isSame(as other: Column.Value) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.integer(let a), .integer(let b)): a == b
        case (.real(let a), .real(let b)): a.bitPattern == b.bitPattern
        case (.boolean(let a), .boolean(let b)): a == b
        case (.date(let a), .date(let b)): a == b
        case (.time(let a), .time(let b)): a == b
        case (.text(let a), .text(let b)), (.json(let a), .json(let b)): haveSameBytes(a, b)
        default: false
        }
    }
}

extension Shape {
    /// The same vertices, rings and parts, to the unit.
    fileprivate func isSame(as other: Shape) -> Bool {
        guard kind == other.kind, haveSameBytes(UnsafeRawBufferPointer(mercator), UnsafeRawBufferPointer(other.mercator)),
            haveSameBytes(UnsafeRawBufferPointer(ringEnds), UnsafeRawBufferPointer(other.ringEnds)),
            haveSameBytes(UnsafeRawBufferPointer(partEnds), UnsafeRawBufferPointer(other.partEnds)),
            haveSameBytes(UnsafeRawBufferPointer(partKinds), UnsafeRawBufferPointer(other.partKinds))
        else { return false }
        switch (degrees, other.degrees) {
        case (.narrow(let a), .narrow(let b)): return memcmp(a, b, 4 * mercator.count) == 0
        case (.wide(let a, let decimals), .wide(let b, let others)): return decimals == others && memcmp(a, b, 8 * mercator.count) == 0
        default: return false
        }
    }
}

private func haveSameBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count, let first = a.baseAddress, let second = b.baseAddress else { return a.count == b.count }
    return memcmp(first, second, a.count) == 0
}
