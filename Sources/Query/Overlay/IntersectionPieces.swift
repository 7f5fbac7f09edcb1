import Geo
import GeoNative

/// Geometries of one kind, made one where they may lie one over another.
struct IntersectionPieces {
    let kind: GeometryKind
    private var pieces: [(box: Box, geometry: Geometry, isInside: Bool)] = []

    init(kind: GeometryKind) {
        self.kind = kind
    }

    /// - Parameter isInside: all of it lies in the target.
    mutating func add(_ geometry: Geometry, isInside: Bool) { pieces.append((geometry.envelope, geometry, isInside)) }

    /// Geometries whose boxes are apart and that cover what the pieces do.
    /// - Complexity: O(n log n), and the union of pieces whose boxes meet
    func united(_ context: GEOSContext) throws(GEOSError) -> [(geometry: Geometry, isInside: Bool)] {
        guard pieces.count > 1 else { return pieces.map { ($0.geometry, $0.isInside) } }
        var result: [(geometry: Geometry, isInside: Bool)] = []
        for cluster in clusters() {
            guard cluster.count > 1 else {
                result.append((pieces[cluster[0]].geometry, pieces[cluster[0]].isInside))
                continue
            }
            // Polygons that lie one over another are no valid multipolygon, but a collection of them is.
            var all = Geometry(kind: kind == .polygon ? .geometryCollection : .multiLineString)
            for number in cluster {
                let geometry = pieces[number].geometry
                for part in geometry.partEnds.indices {
                    all.append(part: part, of: geometry)
                    if kind == .polygon { all.partKinds.append(.polygon) }
                }
            }
            let united = try NativeGeometry(all, in: context).dissolved().geometry()
            result.append((united, cluster.allSatisfy { pieces[$0].isInside }))
        }
        return result
    }

    /// Numbers of pieces whose boxes meet, directly or through others; in the order of their first.
    private func clusters() -> [[Int]] {
        var parents = Array(pieces.indices)
        func root(_ number: Int) -> Int {
            var number = number
            while parents[number] != number {
                parents[number] = parents[parents[number]]
                number = parents[number]
            }
            return number
        }
        let order = pieces.indices.sorted { pieces[$0].box.minX < pieces[$1].box.minX }
        var open: [Int] = []
        for number in order {
            let box = pieces[number].box
            open.removeAll { pieces[$0].box.maxX < box.minX }
            for other in open where pieces[other].box.intersects(box) {
                let (a, b) = (root(number), root(other))
                if a != b { parents[max(a, b)] = min(a, b) }
            }
            open.append(number)
        }
        var groups: [[Int]] = []
        var places: [Int: Int] = [:]
        for number in pieces.indices {
            let root = root(number)
            if let place = places[root] {
                groups[place].append(number)
            } else {
                places[root] = groups.count
                groups.append([number])
            }
        }
        return groups
    }
}
