import Geo

/// A legend as it is sent: SVG 1.1, readable by every program, with nothing in it that runs or is fetched.
public struct LegendDrawing: Sendable, Equatable {
    /// In CSS pixels.
    public var width: Int
    public var height: Int
    public var svg: String
}

extension LegendPicture {
    /// The picture in `language`, else in Japanese.
    ///
    /// Text is 16 pixels and more, dark on white; samples have an outline. How wide a text will be depends on fonts that we do not have, so it is estimated, rather
    /// too wide. Whoever cannot see it is read the title and every class with its pattern.
    public func svg(language: String) -> LegendDrawing {
        let words = Words(language)
        let blocks = parts.map { Block($0, words) }
        let heading = title.map { Writing.lines(words.text($0), size: Size.heading, limit: Size.textLimit) } ?? []
        let headingHeight = heading.isEmpty ? 0 : heading.count * Size.headingLine + Size.gap

        let columns = LegendPicture.columns(blocks)
        let widths = columns.map { $0.map(\.width).max() ?? 0 }
        let headingWidth = heading.map { Writing.width($0, size: Size.heading) }.max() ?? 0
        let inner = max(widths.reduce(0, +) + Size.columnGap * max(0, widths.count - 1), Int(headingWidth.rounded(.up)))
        let tallest = columns.map { $0.reduce(0) { $0 + $1.height } + Size.gap * max(0, $0.count - 1) }.max() ?? 0
        let (width, height) = (inner + 2 * Size.margin, headingHeight + tallest + 2 * Size.margin)

        var body = ""
        var y = Size.margin
        for line in heading {
            body += Block.text(line, x: Size.margin, y: y + Size.heading + 4, size: Size.heading, isBold: true)
            y += Size.headingLine
        }
        var x = Size.margin
        for (column, columnWidth) in zip(columns, widths) {
            var y = Size.margin + headingHeight
            for block in column {
                block.write(to: &body, x: x, y: y)
                y += block.height + Size.gap
            }
            x += columnWidth + Size.columnGap
        }
        let patterns = Set(parts.flatMap { $0.entries.prefix(LegendPicture.entryLimit).map(\.pattern) })
        let name = title ?? parts.first?.title ?? LocalizedText([:])
        return LegendDrawing(
            width: width, height: height,
            svg: """
                <?xml version="1.0" encoding="UTF-8"?>
                <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" role="img" \
                aria-labelledby="title" aria-describedby="desc" xml:lang="\(XMLText.escaped(words.tag))" lang="\(XMLText.escaped(words.tag))" \
                font-family="\(LegendPicture.fonts)">
                <title id="title">\(XMLText.escaped(words.text(Words.legend) + words.text(name)))</title>
                <desc id="desc">\(XMLText.escaped(spoken(words)))</desc>
                <defs>\(FillPattern.allCases.filter { patterns.contains($0) }.map(\.definition).joined())</defs>
                <rect width="\(width)" height="\(height)" fill="#FFFFFF"/>
                \(body)</svg>

                """)
    }

    private static let fonts =
        "'Noto Sans CJK JP','Noto Sans JP','Hiragino Sans','Yu Gothic UI','Yu Gothic',Meiryo,'DejaVu Sans',sans-serif"

    /// Every class in words, with its pattern where it has one.
    private func spoken(_ words: Words) -> String {
        parts.map { part in
            let entries = part.entries.prefix(LegendPicture.entryLimit).map { entry in
                words.text(entry.label)
                    + (entry.pattern == .plain ? "" : words.text(Words.open) + words.text(entry.pattern.name) + words.text(Words.close))
            }
            let all = entries + (part.blank.map { [words.text($0)] } ?? []) + (Block.more(part, words).map { [$0] } ?? [])
            return (parts.count == 1 ? "" : words.text(part.title) + ": ") + all.joined(separator: words.text(Words.comma))
        }.joined(separator: words.text(Words.stop))
    }

    /// Blocks one below the other, in as many columns as keep the whole from being much taller than a page.
    private static func columns(_ blocks: [Block]) -> [[Block]] {
        let total = blocks.reduce(0) { $0 + $1.height + Size.gap }
        let wanted = min(4, (total + Size.columnHeight - 1) / Size.columnHeight)
        guard wanted > 1 else { return [blocks] }
        let limit = total / wanted
        var columns: [[Block]] = [[]]
        var height = 0
        for block in blocks {
            // A block goes where most of it fits.
            if height > 0, height + block.height / 2 > limit, columns.count < wanted {
                columns.append([])
                height = 0
            }
            columns[columns.count - 1].append(block)
            height += block.height + Size.gap
        }
        return columns
    }

    /// In CSS pixels.
    fileprivate enum Size {
        static let margin = 16
        static let gap = 20
        static let columnGap = 32
        static let columnHeight = 900
        static let heading = 20
        static let headingLine = 28
        static let title = 18
        static let titleLine = 26
        static let label = 16
        static let labelLine = 22
        static let rowPadding = 8
        static let sampleWidth = 44
        static let sampleHeight = 24
        static let labelStart = sampleWidth + 12
        /// Longer texts go on in another line.
        static let textLimit = 420.0
    }
}

/// Words of a picture in its language.
private struct Words {
    let tag: String
    private let primary: String

    static let legend = LocalizedText(ja: "凡例：", en: "Legend: ")
    static let open = LocalizedText(ja: "（", en: " (")
    static let close = LocalizedText(ja: "）", en: ")")
    static let comma = LocalizedText(ja: "、", en: "; ")
    static let stop = LocalizedText(ja: "。", en: ". ")

    init(_ tag: String) {
        self.tag = tag
        primary = String(tag.prefix { $0 != "-" })
    }

    func text(_ text: LocalizedText) -> String { Writing.tidy(text.texts[tag] ?? text.text(primary)) }
}

/// One layer's legend, laid out.
private struct Block {
    private typealias Size = LegendPicture.Size

    let part: LegendPicture.Part
    private let title: [String]
    private let rows: [(sample: Sample?, lines: [String])]
    let width: Int
    let height: Int

    private enum Sample {
        case entry(LegendPicture.Entry)
        /// Of what the map leaves without colour.
        case blank
    }

    init(_ part: LegendPicture.Part, _ words: Words) {
        self.part = part
        var rows: [(sample: Sample?, lines: [String])] = []
        func lines(_ text: String) -> [String] { Writing.lines(text, size: Size.label, limit: Size.textLimit - Double(Size.labelStart)) }
        for entry in part.entries.prefix(LegendPicture.entryLimit) { rows.append((.entry(entry), lines(words.text(entry.label)))) }
        if let more = Block.more(part, words) { rows.append((nil, lines(more))) }
        if let blank = part.blank { rows.append((.blank, lines(words.text(blank)))) }
        self.rows = rows
        // A layer of one colour has its title beside the sample already.
        let repeats = rows.count == 1 && part.entries.first?.label == part.title
        title = repeats ? [] : Writing.lines(words.text(part.title), size: Size.title, limit: Size.textLimit)
        let labels = rows.flatMap(\.lines).map { Writing.width($0, size: Size.label) }.max() ?? 0
        let titles = title.map { Writing.width($0, size: Size.title) }.max() ?? 0
        width = Int(max(Double(Size.labelStart) + labels, titles).rounded(.up))
        height = title.count * Size.titleLine + rows.reduce(0) { $0 + Block.height($1.lines) }
    }

    static func more(_ part: LegendPicture.Part, _ words: Words) -> String? {
        let left = part.entries.count - LegendPicture.entryLimit
        return left > 0 ? words.text(LocalizedText(ja: "ほか\(left)区分", en: "and \(left) more")) : nil
    }

    private static func height(_ lines: [String]) -> Int { max(Size.sampleHeight, lines.count * Size.labelLine) + Size.rowPadding }

    func write(to svg: inout String, x: Int, y: Int) {
        var y = y
        for line in title {
            svg += Block.text(line, x: x, y: y + Size.title + 2, size: Size.title, isBold: true)
            y += Size.titleLine
        }
        for row in rows {
            let height = Block.height(row.lines)
            if let sample = row.sample {
                svg += "<g transform=\"translate(\(x) \(y + (height - Size.sampleHeight) / 2))\">\(picture(of: sample))</g>\n"
            }
            var baseline = y + (height - row.lines.count * Size.labelLine) / 2 + Size.label + 1
            for line in row.lines {
                svg += Block.text(line, x: x + Size.labelStart, y: baseline, size: Size.label, isBold: false)
                baseline += Size.labelLine
            }
            y += height
        }
    }

    /// 44 × 24 pixels; whole ones, so that nothing of it is blurred where a PNG is made.
    private func picture(of sample: Sample) -> String {
        let box = "x=\"1\" y=\"1\" width=\"42\" height=\"22\""
        guard case .entry(let entry) = sample else {
            return "<rect \(box) fill=\"none\" stroke=\"#595959\" stroke-width=\"2\" stroke-dasharray=\"4 4\"/>"
        }
        guard let color = entry.color else { return "<rect \(box) fill=\"none\" stroke=\"\(entry.outline)\" stroke-width=\"2\"/>" }
        switch part.shape {
        case .area:
            let pattern =
                entry.pattern == .plain ? "" : "<rect x=\"2\" y=\"2\" width=\"40\" height=\"20\" fill=\"url(#\(entry.pattern.rawValue))\"/>"
            return "<rect \(box) fill=\"\(color)\" stroke=\"\(entry.outline)\" stroke-width=\"2\"/>" + pattern
        case .line:
            let width = 2 * Int(min(4, max(2, part.width)).rounded())
            let edge =
                color.contrast(with: .white) >= 3
                ? "" : "<path d=\"M0 12H44\" stroke=\"\(entry.outline)\" stroke-width=\"\(width + 4)\"/>"
            return edge + "<path d=\"M0 12H44\" stroke=\"\(color)\" stroke-width=\"\(width)\"/>"
        case .point:
            let radius = Int(min(9, max(5, part.width)).rounded())
            return "<circle cx=\"22\" cy=\"12\" r=\"\(radius)\" fill=\"\(color)\" stroke=\"\(entry.outline)\" stroke-width=\"2\"/>"
        }
    }

    static func text(_ line: String, x: Int, y: Int, size: Int, isBold: Bool) -> String {
        let weight = isBold ? " font-weight=\"bold\"" : ""
        return "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\"\(weight) fill=\"#1A1A1A\">\(XMLText.escaped(line))</text>\n"
    }
}

extension FillPattern {
    /// As the map page draws it over the class's colour: dark strokes with a light edge (WebPages: patterns.js).
    fileprivate var definition: String {
        func definition(_ side: Int, _ strokes: String, shift: String = "0 0") -> String {
            // Between the closest lines an edge would leave nothing of the colour itself.
            let edge =
                self == .linesDense
                ? ""
                : "<g fill=\"none\" stroke=\"#FFFFFF\" stroke-opacity=\"0.4\" stroke-width=\"0.8\" transform=\"translate(0.8 0.8)\">\(strokes)</g>"
            return "<pattern id=\"\(rawValue)\" width=\"\(side)\" height=\"\(side)\" patternUnits=\"userSpaceOnUse\" "
                + "patternTransform=\"translate(\(shift))\">\(edge)"
                + "<g fill=\"none\" stroke=\"#2D1928\" stroke-opacity=\"0.55\" stroke-width=\"0.9\">\(strokes)</g></pattern>"
        }
        // A dot is a stroke without length and with round ends.
        func dots(_ step: Int, _ diameter: String, shift: String) -> String {
            definition(
                step, "<path d=\"M\(step / 2) \(step / 2)h0\" stroke-width=\"\(diameter)\" stroke-linecap=\"round\"/>", shift: shift)
        }
        func lines(_ gap: Int, isCrossed: Bool = false) -> String {
            let up = "M-2 2L2 -2M-2 \(gap + 2)L\(gap + 2) -2M\(gap - 2) \(gap + 2)L\(gap + 2) \(gap - 2)"
            let down = "M-2 \(gap - 2)L2 \(gap + 2)M-2 -2L\(gap + 2) \(gap + 2)M\(gap - 2) -2L\(gap + 2) 2"
            return definition(gap, "<path d=\"\(up)\(isCrossed ? down : "")\"/>")
        }
        return switch self {
        case .plain: ""
        case .dotsSparse: dots(16, "2.4", shift: "-2 4")
        case .dots: dots(8, "2.4", shift: "2 0")
        case .dotsDense: dots(4, "1.8", shift: "2 2")
        case .linesSparse: lines(16)
        case .lines: lines(8)
        case .linesDense: lines(4)
        case .cross: lines(16, isCrossed: true)
        case .crossDense: lines(8, isCrossed: true)
        }
    }
}
