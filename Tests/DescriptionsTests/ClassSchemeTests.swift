import Descriptions
import Geo
import Testing

/// Bounds and RGB as the manuals print them, written here a second time.
private let printed: [(scheme: String, rank: Int, min: Double, max: Double?, rgb: (UInt8, UInt8, UInt8))] = [
    ("depth-6", 1, 0, 0.5, (247, 245, 169)), ("depth-6", 2, 0.5, 3, (255, 216, 192)), ("depth-6", 3, 3, 5, (255, 183, 183)),
    ("depth-6", 4, 5, 10, (255, 145, 145)), ("depth-6", 5, 10, 20, (242, 133, 201)), ("depth-6", 6, 20, nil, (220, 122, 220)),
    ("depth-8", 1, 0, 0.3, (255, 255, 179)), ("depth-8", 2, 0.3, 0.5, (247, 245, 169)), ("depth-8", 3, 0.5, 1, (248, 225, 166)),
    ("depth-8", 4, 1, 3, (255, 216, 192)), ("depth-8", 5, 3, 5, (255, 183, 183)), ("depth-8", 6, 5, 10, (255, 145, 145)),
    ("depth-8", 7, 10, 20, (242, 133, 201)), ("depth-8", 8, 20, nil, (220, 122, 220)),
    ("duration-7", 1, 0, 12, (160, 210, 255)), ("duration-7", 2, 12, 24, (0, 65, 255)), ("duration-7", 3, 24, 72, (250, 245, 0)),
    ("duration-7", 4, 72, 168, (255, 153, 0)), ("duration-7", 5, 168, 336, (255, 40, 0)), ("duration-7", 6, 336, 672, (180, 0, 104)),
    ("duration-7", 7, 672, nil, (96, 0, 96)),
]

@Test func `classes have the official bounds and colours`() throws {
    for entry in printed {
        let scheme = try #require(ClassScheme.official[entry.scheme])
        let found = try #require(scheme.classify(.integer(Int64(entry.rank))))
        #expect(found.min == entry.min && found.max == entry.max, "\(entry)")
        #expect(found.color == Color(entry.rgb.0, entry.rgb.1, entry.rgb.2), "\(entry)")
    }
    for name in ["depth-6", "depth-8", "duration-7"] {
        #expect(ClassScheme.official[name]?.classes.count == printed.count { $0.scheme == name })
    }
}

@Test func `labels say the bounds in both languages`() {
    let labels = ClassScheme.depth6.classes.map(\.label)
    #expect(labels.map { $0.text("ja") } == ["0.5m未満", "0.5m以上3.0m未満", "3.0m以上5.0m未満", "5.0m以上10.0m未満", "10.0m以上20.0m未満", "20.0m以上"])
    #expect(
        labels.map { $0.text("en") } == [
            "under 0.5 m", "0.5 to 3.0 m", "3.0 to 5.0 m", "5.0 to 10.0 m", "10.0 to 20.0 m", "20.0 m or more",
        ])
    #expect(ClassScheme.duration7.classes.map { $0.label.text("ja") }[1...3] == ["12時間以上1日未満", "1日以上3日未満", "3日以上1週間未満"])
}

@Test func `landslides tell phenomenon and zone by the codes of A33`() throws {
    let scheme = ClassScheme.landslide
    for (phenomenon, zone, ja, color) in [
        (1, 1, "急傾斜地の崩壊 警戒区域", "#FAE600"), (1, 2, "急傾斜地の崩壊 特別警戒区域", "#FA2800"),
        (2, 1, "土石流 警戒区域", "#E6C832"), (2, 2, "土石流 特別警戒区域", "#A50021"),
        (3, 3, "地滑り 警戒区域（指定前）", "#FF9900"), (3, 4, "地滑り 特別警戒区域（指定前）", "#B40028"),
    ] {
        let found = try #require(scheme.classify(.integer(Int64(zone)), phenomenon: .text("\(phenomenon)")))
        #expect(found.label.text("ja") == ja)
        #expect(found.color.description == color)
        #expect(found.rank == zone && found.phenomenon == phenomenon)
    }
    // A phenomenon that nobody knows does not take the zone away.
    #expect(scheme.classify(.integer(2), phenomenon: .integer(9))?.label.text("ja") == "土砂災害 特別警戒区域")
    #expect(scheme.classify(.integer(2))?.gravity == scheme.classify(.integer(2), phenomenon: .integer(1))?.gravity)
    #expect(scheme.classify(.integer(5), phenomenon: .integer(1)) == nil)
}

@Test func `a special zone is graver than a warning zone, designated or not`() throws {
    for phenomenon in 1...3 {
        let gravity = try [2, 4, 1, 3].map { zone in
            try #require(ClassScheme.landslide.classify(.integer(zone), phenomenon: .integer(Int64(phenomenon)))).gravity
        }
        #expect(gravity == gravity.sorted(by: >) && Set(gravity).count == 4)
    }
}

@Test func `gravity and pattern grow with depth, and no two classes share a pattern`() {
    for scheme in [ClassScheme.depth6, .depth8, .duration7] {
        let gravity = scheme.classes.map(\.gravity)
        #expect(gravity == gravity.sorted() && Set(gravity).count == gravity.count)
        #expect(Set(scheme.classes.map(\.pattern)).count == scheme.classes.count)
        #expect(zip(scheme.classes, scheme.classes.dropFirst()).allSatisfy { $0.max == $1.min })
    }
}

@Test func `codes are read as numbers, digits or full-width digits`() {
    let scheme = ClassScheme.depth6
    for value: AttributeValue in [.integer(2), .real(2), .text("2"), .text(" 02 "), .text("２")] {
        #expect(scheme.classify(value)?.rank == 2, "\(value)")
    }
    for value: AttributeValue in [
        .null, .integer(0), .integer(7), .real(2.5), .real(.nan), .text(""), .text("深い"), .boolean(true), .json("2"),
    ] {
        #expect(scheme.classify(value) == nil, "\(value)")
    }
}

@Test func `a label with bounds belongs to a class only when it lies inside it`() {
    for (text, rank) in [
        ("0.5m以上3.0m未満", 2), ("1m以上2m未満", 2), ("0.3m以上0.5m未満", 1), ("０．０１ｍ以上０．３ｍ未満", 1), ("0.5～1.0m未満", 2), ("20m以上", 6),
        ("0.5m未満", 1), ("5.0m以上 10.0m未満", 4), ("25m以上", 6),
    ] {
        #expect(ClassScheme.depth6.classify(.text(text))?.rank == rank, "\(text)")
    }
    for text in ["0.3m以上1.0m未満", "2m以上4m未満", "10m以上", "1.0m未満", "3m以上0.5m未満", "以上", "浸水なし"] {
        #expect(ClassScheme.depth6.classify(.text(text)) == nil, "\(text)")
    }
}

@Test func `borders stand out from white by three to one, and from the class they enclose`() {
    for scheme in ClassScheme.official.values {
        for item in scheme.classes {
            let outline = item.color.outline
            #expect(outline.contrast(with: .white) >= 3, "\(item.color)")
            #expect(outline.contrast(with: item.color) >= 3 || item.color.contrast(with: .white) >= 4.5, "\(item.color) \(outline)")
        }
    }
}

@Test func `contrast is that of WCAG`() {
    #expect(Color.black.contrast(with: .white) == 21)
    #expect(abs(Color("#777777")!.contrast(with: .white) - 4.48) < 0.01)
    #expect(Color("#12345G") == nil && Color("123456") == nil && Color("#abcdef")?.description == "#ABCDEF")
}
