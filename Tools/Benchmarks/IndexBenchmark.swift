import Geo
import SpatialIndex

/// Building and searching the packed index alone: a million boxes the size of buildings, spread over a degree.
struct IndexBenchmark {
    func run() {
        var random = Random(seed: 1)
        let boxes = (0..<1_000_000).map { _ -> IndexBox in
            let x = Int32(1_390_000_000 + random.below(10_000_000))
            let y = Int32(350_000_000 + random.below(10_000_000))
            return IndexBox(minX: x, minY: y, maxX: x + Int32(random.below(2_000)), maxY: y + Int32(random.below(2_000)))
        }
        var index = PackedIndex.build([]).index
        report("index: build 1,000,000 boxes", unit: "ms", scale: 1e3, runs: 5) { index = PackedIndex.build(boxes).index }
        index.bytes.withUnsafeBufferPointer { numbers in
            let view = PackedIndexView(nodes: numbers.baseAddress!, count: index.count)
            for (hits, side) in [(10, 31_000), (1_000, 315_000)] {
                let queries = (0..<10_000).map { _ -> IndexBox in
                    let x = Int32(1_390_000_000 + random.below(9_500_000))
                    let y = Int32(350_000_000 + random.below(9_500_000))
                    return IndexBox(minX: x, minY: y, maxX: x + Int32(side), maxY: y + Int32(side))
                }
                var found = 0
                report("index: search, about \(hits) hits", unit: "µs", scale: 1e6 / Double(queries.count), runs: 5) {
                    found = 0
                    for query in queries { view.search(query, inside: query) { rows, _ in found += rows.count } }
                }
                print("    hits a search: \(Double(found) / Double(queries.count))")
            }
        }
    }
}

/// SplitMix64, so that every run and machine measures the same boxes.
struct Random {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ limit: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) % limit
    }
}

/// Prints the median and the range of several runs.
func report(_ name: String, unit: String, scale: Double, runs: Int, _ body: () throws -> Void) rethrows {
    var times: [Double] = []
    let clock = ContinuousClock()
    for _ in 0..<runs {
        let time = try clock.measure(body)
        times.append((Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18) * scale)
    }
    times.sort()
    func short(_ value: Double) -> String { String((value * 1000).rounded() / 1000) }
    print("\(name): \(short(times[times.count / 2])) \(unit) (\(short(times[0])) to \(short(times[times.count - 1])))")
}
