import Geo

/// The legend of one layer, or of several below each other, as a picture: what it says, before it is laid out and written (`svg(language:)`).
///
/// Colours are those of the map before its opacity, to the bit; each class has its pattern besides, so that classes can be told apart without colour.
public struct LegendPicture: Sendable {
    /// What the samples are pictures of.
    public enum Shape: Sendable {
        case area, line, point
    }

    /// One sample and what it means.
    public struct Entry: Sendable, Equatable {
        public var label: LocalizedText
        /// Nil for an empty sample: what the map leaves blank.
        public var color: Color?
        /// At least 3 : 1 against white.
        public var outline: Color
        public var pattern: FillPattern

        public init(label: LocalizedText, color: Color?, outline: Color, pattern: FillPattern) {
            self.label = label
            self.color = color
            self.outline = outline
            self.pattern = pattern
        }
    }

    /// The legend of one layer.
    public struct Part: Sendable {
        public var title: LocalizedText
        public var shape: Shape
        /// Of lines, and the radius of points, in pixels of the map.
        public var width: Double
        public var entries: [Entry]
        /// What a place without colour means; nil where it means nothing.
        public var blank: LocalizedText?

        public init(title: LocalizedText, shape: Shape, width: Double, entries: [Entry], blank: LocalizedText? = nil) {
            self.title = title
            self.shape = shape
            self.width = width
            self.entries = entries
            self.blank = blank
        }
    }

    /// Of the whole; nil where the one part's title is it.
    public var title: LocalizedText?
    public var parts: [Part]

    public init(title: LocalizedText? = nil, parts: [Part]) {
        self.title = title
        self.parts = parts
    }

    /// More entries of a layer are counted and not shown.
    static let entryLimit = 200
}

extension MapStyle {
    /// What a place without colour means on the map of a hazard: never that it is safe. Nil for other layers.
    public var blank: LocalizedText? {
        guard let hazard = description.hazard else { return nil }
        return hazard.coverage == nil
            ? LocalizedText(ja: "色のない所：未整備・判定不能（安全とは限りません）", en: "No colour: not known (not necessarily safe)")
            : LocalizedText(
                ja: "色のない所：想定区域外、または未整備・判定不能（安全とは限りません）",
                en: "No colour: outside the assumed area, or not surveyed and not known (not necessarily safe)")
    }

    /// The layer's legend for a picture.
    public var legendPart: LegendPicture.Part {
        let style = description.style
        let shape: LegendPicture.Shape = kinds.contains(.areas) || kinds.isEmpty ? .area : kinds.contains(.lines) ? .line : .point
        let isHollow = shape == .area && style.opacity == 0
        let entries = legend.map { item in
            let border = style.outline.flatMap { $0.contrast(with: .white) >= 3 ? $0 : nil } ?? item.color.outline
            return LegendPicture.Entry(
                label: item.label, color: isHollow ? nil : item.color, outline: border, pattern: shape == .area ? item.pattern : .plain)
        }
        return LegendPicture.Part(
            title: description.title, shape: shape, width: style.width ?? (shape == .point ? 6 : 1.5), entries: entries, blank: blank)
    }
}

extension FillPattern {
    /// For those who cannot see it.
    var name: LocalizedText {
        switch self {
        case .plain: LocalizedText(ja: "模様なし", en: "plain")
        case .dotsSparse: LocalizedText(ja: "まばらな点", en: "sparse dots")
        case .dots: LocalizedText(ja: "点", en: "dots")
        case .dotsDense: LocalizedText(ja: "密な点", en: "dense dots")
        case .linesSparse: LocalizedText(ja: "まばらな斜線", en: "sparse lines")
        case .lines: LocalizedText(ja: "斜線", en: "lines")
        case .linesDense: LocalizedText(ja: "密な斜線", en: "dense lines")
        case .cross: LocalizedText(ja: "格子", en: "crossed lines")
        case .crossDense: LocalizedText(ja: "密な格子", en: "dense crossed lines")
        }
    }
}
