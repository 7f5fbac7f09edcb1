import Geo

extension TileEncoder {
    enum Place {
        case outside
        case inside
        case across
    }

    /// Where a shape's envelope lies against the buffered tile.
    func place(of shape: Shape) -> Place {
        let mercator = shape.mercator
        var i = 0
        var low = SIMD2<Int32>(repeating: .max)
        var high = SIMD2<Int32>(repeating: .min)
        while i + 1 < mercator.count {
            let vertex = SIMD2(mercator[i], mercator[i + 1])
            low = pointwiseMin(low, vertex)
            high = pointwiseMax(high, vertex)
            i += 2
        }
        let (minX, minY, maxX, maxY) = (Int64(low.x), Int64(low.y), Int64(high.x), Int64(high.y))
        if i == 0 || maxX < grid.worldLowX || minX > grid.worldHighX || maxY < grid.worldLowY || minY > grid.worldHighY {
            return .outside
        }
        let inside = minX >= grid.worldLowX && maxX <= grid.worldHighX && minY >= grid.worldLowY && maxY <= grid.worldHighY
        return inside ? .inside : .across
    }

    @inline(__always)
    func finePoint(_ shape: Shape, _ vertex: Int) -> FinePoint {
        grid.fine(shape.mercator[2 * vertex], shape.mercator[2 * vertex + 1])
    }

    // MARK: Points

    /// One MoveTo to all points inside the buffered tile (MVT 2.1, 4.3.4.2), also to those that fall on the same place of the grid.
    mutating func drawPoints(_ shape: Shape) {
        rings.removeAll()
        for part in 0..<shape.partEnds.count where shape.kind(ofPart: part) == .point {
            for ring in shape.rings(ofPart: part) {
                for vertex in shape.vertices(ofRing: ring) {
                    let point = finePoint(shape, vertex)
                    if Clipper.sides(point, grid).isEmpty { rings.points.append(grid.snapWithin(point)) }
                }
            }
        }
        if rings.points.isEmpty { return }
        var cursor = GridPoint(x: 0, y: 0)
        geometry.append(varint: UInt64(rings.points.count) << 3 | 1)
        geometry.append(stepsThrough: rings.points, 0..<rings.points.count, from: &cursor)
    }

    // MARK: Lines

    /// Every piece of every line inside the buffered tile (MVT 2.1, 4.3.4.3); one that lies within a cell is a unit long.
    mutating func drawLines(_ shape: Shape, isInside: Bool) {
        var cursor = GridPoint(x: 0, y: 0)
        var lastShort: GridPoint?
        for part in 0..<shape.partEnds.count where shape.kind(ofPart: part) == .lineString {
            for ring in shape.rings(ofPart: part) {
                if isInside {
                    rings.removeAll()
                    for vertex in shape.vertices(ofRing: ring) { addToLine(grid.snap(finePoint(shape, vertex))) }
                    endLine(&cursor, &lastShort)
                } else {
                    clipLine(shape, shape.vertices(ofRing: ring), &cursor, &lastShort)
                }
            }
        }
    }

    private mutating func clipLine(_ shape: Shape, _ vertices: Range<Int>, _ cursor: inout GridPoint, _ lastShort: inout GridPoint?) {
        var end: FinePoint? = nil
        rings.removeAll()
        for vertex in vertices.dropFirst() {
            guard let (from, to) = Clipper.clip(finePoint(shape, vertex - 1), finePoint(shape, vertex), to: grid), from != to else {
                continue
            }
            if from != end {
                endLine(&cursor, &lastShort)
                rings.removeAll()
                addToLine(grid.snap(from))
            }
            addToLine(grid.snap(to))
            end = to
        }
        endLine(&cursor, &lastShort)
    }

    @inline(__always)
    private mutating func addToLine(_ point: GridPoint) {
        if rings.points.isEmpty || rings.points[rings.points.count - 1] != point { rings.points.append(point) }
    }

    /// Writes the line in `rings.points`, if any. Of several short ones in the same cell one is enough.
    private mutating func endLine(_ cursor: inout GridPoint, _ lastShort: inout GridPoint?) {
        if rings.points.isEmpty { return }
        if rings.points.count == 1 {
            let place = rings.points[0]
            if place == lastShort { return }
            lastShort = place
            let limit = Int32(TileGrid.extent) + TileGrid.buffer32
            rings.points.append(GridPoint(x: place.x < limit ? place.x + 1 : place.x - 1, y: place.y))
        } else if !keepsStraight {
            rings.points.truncate(to: rings.points.removeStraight(0..<rings.points.count, isRing: false).upperBound)
        }
        let count = rings.points.count
        geometry.append(9)
        geometry.append(stepsThrough: rings.points, 0..<1, from: &cursor)
        geometry.append(varint: UInt64(count - 1) << 3 | 2)
        geometry.append(stepsThrough: rings.points, 1..<count, from: &cursor)
    }

    // MARK: Polygons

    /// The polygons' rings on the grid, cut, closed, turned the right way and valid (MVT 2.1, 4.3.4.4).
    mutating func drawPolygons(_ shape: Shape, isInside: Bool, owner: Int?, keepsStraight: Bool) {
        if let owner {
            coverage.rings(of: owner, &untangler, within: &limit, into: &rings)
            if rings.rings.isEmpty && coverage.isSqueezedOut(owner) { return }
        } else {
            roundRings(shape, isInside: isInside)
            if rings.mayBeOff && isOff(shape, isInside: isInside) { collapse.standIn(into: &rings) }
        }
        if rings.rings.isEmpty && !drawCollapsed(shape, isInside: isInside) { return }
        writeRings(keepsStraight: keepsStraight)
    }

    private mutating func roundRings(_ shape: Shape, isInside: Bool) {
        rings.removeAll()
        var isSure = true
        var isTangled = false
        for part in 0..<shape.partEnds.count where shape.kind(ofPart: part) == .polygon {
            let ringsOfPart = shape.rings(ofPart: part)
            for ring in ringsOfPart {
                let isHole = ring > ringsOfPart.lowerBound
                let form = addRing(shape, shape.vertices(ofRing: ring), part: Int32(part), isHole: isHole, isInside: isInside)
                if form == .nothing && !isHole { break }  // a polygon without its shell has no holes
                if form == .tangled { isTangled = true }
                if form != .convex || rings.rings.count > 1 { isSure = false }
            }
        }
        if !rings.rings.isEmpty && !isSure && !isValid(isTangled: isTangled) { untangler.untangle(&rings, within: &limit) }
    }

    private mutating func isValid(isTangled: Bool) -> Bool {
        if isTangled { return false }
        let isSmall = rings.rings.count == 1 && rings.points.count - rings.rings[0].start <= 16
        return isSmall ? check.isSimple(rings) : check.isValid(rings)
    }

    @inline(__always)
    private mutating func addRing(
        _ shape: Shape, _ vertices: Range<Int>, part: Int32, isHole: Bool, isInside: Bool
    ) -> GridRings.RingForm {
        let start = rings.points.count
        // A stored ring is closed by its last vertex.
        let open = vertices.dropLast()
        if isInside {
            for vertex in open { rings.add(grid.snap(finePoint(shape, vertex)), ringStart: start) }
        } else {
            loadRing(shape, open)
            clipper.clipRing(to: grid)
            for i in 0..<clipper.points.count { rings.add(grid.snap(clipper.points[i]), ringStart: start) }
        }
        return rings.endRing(start: start, part: part, isHole: isHole)
    }

    mutating func loadRing(_ shape: Shape, _ vertices: Range<Int>) {
        clipper.points.removeAll()
        clipper.points.reserve(vertices.count)
        for vertex in vertices { clipper.points.append(finePoint(shape, vertex)) }
    }

    /// Vertices of what is thin all over, the closing one too: of a square with a thorn a stand-in would leave the thorn alone.
    private static let mostThin = 6

    /// Whether what rounding made of polygons has another area than they have in truth, by more than an eighth. As much is gained as is lost, but what is lost
    /// whole gets a stand-in, so that there would be too much of all slivers.
    private mutating func isOff(_ shape: Shape, isInside: Bool) -> Bool {
        sumUp(shape, isInside: isInside)
        return collapse.fits(isThin: shape.mercator.count / 2 <= TileEncoder.mostThin)
            && abs(Double(rings.doubledArea) / 2 - collapse.area) > collapse.area / 8
    }

    /// A feature of whose polygons nothing is left on the grid is shown by its area. False when it has none in the tile.
    private mutating func drawCollapsed(_ shape: Shape, isInside: Bool) -> Bool {
        sumUp(shape, isInside: isInside)
        // What is thinner than a world unit has no area, but is there.
        if collapse.area <= 0 {
            guard let thread = thread(of: shape) else { return false }
            collapse.set(from: thread.from, to: thread.to)
        }
        collapse.standIn(into: &rings)
        return true
    }

    /// Makes `collapse` what a shape's polygons have in the tile.
    private mutating func sumUp(_ shape: Shape, isInside: Bool) {
        collapse.removeAll()
        for part in 0..<shape.partEnds.count where shape.kind(ofPart: part) == .polygon {
            let ringsOfPart = shape.rings(ofPart: part)
            for ring in ringsOfPart {
                loadRing(shape, shape.vertices(ofRing: ring).dropLast())
                if !isInside { clipper.clipRing(to: grid) }
                collapse.add(clipper.points, grid, isHole: ring > ringsOfPart.lowerBound)
            }
        }
    }

    /// The first edge of which something lies in the tile.
    func thread(of shape: Shape) -> (from: GridPoint, to: GridPoint)? {
        for part in 0..<shape.partEnds.count where shape.kind(ofPart: part) == .polygon {
            for vertex in shape.vertices(ofRing: shape.rings(ofPart: part).lowerBound).dropLast() {
                guard let (from, to) = Clipper.clip(finePoint(shape, vertex), finePoint(shape, vertex + 1), to: grid), from != to else {
                    continue
                }
                return (grid.snap(from), grid.snap(to))
            }
        }
        return nil
    }

    /// - Parameter keepsStraight: besides where the whole layer does, see `start`.
    mutating func writeRings(keepsStraight: Bool) {
        var cursor = GridPoint(x: 0, y: 0)
        for number in 0..<rings.rings.count {
            var ring = rings.rings[number].start..<rings.rings[number].end
            if !(keepsStraight || self.keepsStraight) { ring = rings.points.removeStraight(ring, isRing: true) }
            geometry.append(9)
            geometry.append(stepsThrough: rings.points, ring.lowerBound..<ring.lowerBound + 1, from: &cursor)
            geometry.append(varint: UInt64(ring.count - 1) << 3 | 2)
            geometry.append(stepsThrough: rings.points, ring.lowerBound + 1..<ring.upperBound, from: &cursor)
            geometry.append(15)
        }
    }
}
