public import Geo

/// Polygons that are put on the grid together, see `Coverage`: those of layers whose borders are shared, and those of hazards.
///
/// First all are gathered, then arranged; then each is drawn as its owner.
extension TileEncoder {
    /// Whether gathering makes a difference: where a grid unit is a world unit nothing is rounded.
    public var canGather: Bool { grid.reduction > 0 }

    /// Whether as much was gathered as should be arranged at once.
    public var isFullOfGathered: Bool { coverage.isFull }

    /// Adds what of the polygons of a feature that is shown by itself lies in the tile.
    /// - Parameters:
    ///   - levels: one for each vertex, where the layer has them.
    ///   - rank: of its class, the greater the graver.
    /// - Returns: the owner, for `draw`.
    public mutating func gather(_ stored: Shape, levels: UnsafePointer<VertexLevel>?, rank: UInt8, isInside: Bool) -> Int {
        let owner = coverage.addOwner(rank: rank)
        gather(stored, levels, isInside: isInside, owner: owner, isAlone: true)
        return owner
    }

    /// Begins an owner of several features that are shown as one.
    public mutating func addOwner(rank: UInt8) -> Int { coverage.addOwner(rank: rank) }

    /// Adds what of the polygons of one of several features that are shown as one lies in the tile.
    public mutating func gather(_ stored: Shape, levels: UnsafePointer<VertexLevel>?, isInside: Bool, owner: Int) {
        gather(stored, levels, isInside: isInside, owner: owner, isAlone: false)
    }

    private mutating func gather(_ stored: Shape, _ levels: UnsafePointer<VertexLevel>?, isInside: Bool, owner: Int, isAlone: Bool) {
        let drawn = drawn.take(stored, levels, zoom: vertexZoom, isGeographic: grid.isGeographic)
        let shape = drawn.shape
        self.levels = drawn.levels
        let place = isInside ? .inside : place(of: shape)
        if place == .outside { return }
        if isAlone && notesPlaces { occupied.mark(shape, grid) }
        for part in 0..<shape.partEnds.count where shape.kind(ofPart: part) == .polygon {
            let rings = shape.rings(ofPart: part)
            for ring in rings {
                let vertices = shape.vertices(ofRing: ring)
                let isHole = ring > rings.lowerBound
                loadRing(shape, vertices.dropLast())
                if place == .across { clipper.clipRing(to: grid) }
                let area = signedArea(clipper.points)
                if area != 0 { coverage.add(clipper.points, to: owner, isMargin: false, isReversed: (area < 0) != isHole) }
                if covers { gatherMargin(shape, vertices, owner: owner, isInside: place == .inside) }
                if area == 0 && !isHole { break }  // a polygon without its shell has no holes
            }
        }
        if isAlone, !coverage.isThere(owner), let thread = thread(of: shape) {
            coverage.addThread(from: thread.from, to: thread.to, to: owner)
        }
    }

    /// Whether a place, in Web Mercator world units, lies near a polygon that was gathered by itself; where `start` was told to note them.
    public func isOccupied(x: Int32, y: Int32) -> Bool { occupied.holds(x: x, y: y, grid) }

    /// Puts what was gathered on the grid, if there is time (`isStopped`).
    public mutating func arrangeGathered() { coverage.arrange(&untangler, within: &limit) }

    /// Whether an owner has some area in the tile, but nothing of it found a place on the grid among all others: whoever has it then is not drawn.
    public func isSqueezedOut(_ owner: Int) -> Bool { coverage.isSqueezedOut(owner) }

    /// Forgets what was gathered.
    public mutating func clearGathered() { coverage.start(grid) }

    /// Begins a feature that is what an owner has in the tile. False when that is nothing.
    public mutating func draw(gathered owner: Int, id: UInt64) -> Bool {
        coverage.rings(of: owner, &untangler, within: &limit, into: &rings)
        if rings.rings.isEmpty { return false }
        drawRings(id: id)
        return true
    }

    /// What lies within half a grid unit, along each axis, of the edges of a ring that may grow: the hull of two squares for each.
    ///
    /// Rounding moves nothing by more than that, so what is drawn covers what is true. Edges between two areas grow on one side only, that of the graver
    /// class (`VertexLevel.grows`).
    private mutating func gatherMargin(_ shape: Shape, _ vertices: Range<Int>, owner: Int, isInside: Bool) {
        guard vertices.count > 1 else { return }
        for vertex in vertices.dropLast() {
            if let levels, !levels[vertex].grows { continue }
            let (from, to) = (finePoint(shape, vertex), finePoint(shape, vertex + 1))
            if isInside {
                if from != to { addHull(from, to, owner: owner) }
            } else if let (start, end) = Clipper.clip(from, to, to: grid), start != end {
                addHull(start, end, owner: owner)
            }
        }
    }

    /// Clockwise on the map, and not beyond the buffer.
    private mutating func addHull(_ from: FinePoint, _ to: FinePoint, owner: Int) {
        // From west to east.
        let (a, b) = from.x <= to.x ? (from, to) : (to, from)
        clipper.points.removeAll()
        if b.y < a.y {
            addCorner(a, -1, 1)
            addCorner(a, -1, -1)
            addCorner(b, -1, -1)
            addCorner(b, 1, -1)
            addCorner(b, 1, 1)
            addCorner(a, 1, 1)
        } else {
            addCorner(a, -1, -1)
            addCorner(a, 1, -1)
            addCorner(b, 1, -1)
            addCorner(b, 1, 1)
            addCorner(b, -1, 1)
            addCorner(a, -1, 1)
        }
        coverage.add(clipper.points, to: owner, isMargin: true, isReversed: false)
    }

    @inline(__always)
    private mutating func addCorner(_ point: FinePoint, _ x: Int64, _ y: Int64) {
        clipper.points.append(
            FinePoint(x: max(grid.low, min(grid.high, point.x + x * grid.half)), y: max(grid.low, min(grid.high, point.y + y * grid.half))))
    }
}
