// The layers of the map: what the server says of each, and how its style is put among the others.

import { GLYPHS } from "./glyphs.js";
import { patternImage, patternNames } from "./patterns.js";
import { address, getJSON } from "./server.js";
import { language, localized } from "./words.js";

const THEMES = ["hazard", "shelter", "facility", "place", "planning", "welfare", "other", "base"];
const PATTERN_PREFIX = "kasane-";
export const FONT = '"Noto Sans JP", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", Meiryo, sans-serif';

/** What `/collections` says of a layer, and what has been loaded of it. */
export class Layer {
    constructor(collection) {
        const more = collection.kasane ?? {};
        this.id = collection.id;
        this.title = localized(more.titles) || collection.title || collection.id;
        this.theme = THEMES.includes(more.theme) ? more.theme : "other";
        this.hazard = more.hazard ?? null;
        this.department = more.department ?? "";
        this.baseDate = more.baseDate ?? null;
        this.attribution = localized(more.attribution);
        this.attributes = new Map((more.attributes ?? []).map((attribute) => [attribute.name, attribute]));
        this.bounds = collection.extent?.spatial?.bbox?.[0] ?? null;
        this.visible = false;
        this.style = null;    // once loaded
        this.legend = null;   // once loaded
        this.failure = null;  // why it cannot be shown
    }

    get rank() { return THEMES.indexOf(this.theme); }

    /** The attribute that names a feature: the style's own, else for what stands there one called `name`. */
    get label() {
        return this.style?.metadata?.["kasane:label"] ?? (this.attributes.has("name") && !this.hazard ? "name" : null);
    }

    /** The smallest zoom at which something is drawn. */
    get minZoom() {
        return Math.min(...(this.style?.layers ?? []).map((part) => part.minzoom ?? 0), 24);
    }

    /** The attributes that the style tells classes by: what stands in a tile for areas that it leaves out has no others. */
    get classAttributes() {
        return new Set((this.style?.layers ?? []).flatMap((part) => Object.values(part.paint ?? {}).flatMap(attributesOf)));
    }

    /** `area`, `line` or `point`, for swatches. */
    get shape() {
        const types = new Set((this.style?.layers ?? []).map((part) => part.type));
        return types.has("fill") || types.size === 0 ? "area" : types.has("line") ? "line" : "point";
    }

    async loadStyle() {
        this.style ??= await getJSON(`collections/${encodeURIComponent(this.id)}/style`);
        this.legend ??= this.style.metadata?.["kasane:legend"] ?? null;
    }

    async loadLegend() {
        this.legend ??= await getJSON(`collections/${encodeURIComponent(this.id)}/legend`);
    }
}

/** The names of the attributes that an expression of a style reads. */
function attributesOf(expression) {
    if (!Array.isArray(expression)) return [];
    return expression[0] === "get" ? [expression[1]] : expression.flatMap(attributesOf);
}

/**
 * Of each kind of hazard the largest scenario is shown at first: two scenarios over each other cannot be read.
 * Everything else is shown from the start, but nothing that is for single departments.
 */
export function showAtFirst(layers) {
    const gravest = new Map();
    for (const layer of layers.filter((each) => each.hazard)) {
        const kind = layer.hazard.kind, best = gravest.get(kind);
        if (!best || String(layer.hazard.scenario ?? "") > String(best.hazard.scenario ?? "")) gravest.set(kind, layer);
    }
    return layers.filter((layer) => (layer.hazard ? gravest.get(layer.hazard.kind) === layer : layer.theme !== "welfare"));
}

/** Puts layers onto the map in their order: areas, lines and points by the style's `order`, letters above all. */
export class Stack {
    constructor(map) {
        this.map = map;
        this.parts = [];  // {id, layer, sort} of what is on the map, lowest first
        this.patterns = true;
    }

    /** To be called when the map has its (empty) style. */
    addImages() {
        const ratio = Math.min(2, Math.max(1, Math.round(window.devicePixelRatio)));
        for (const name of patternNames) {
            this.map.addImage(PATTERN_PREFIX + name, patternImage(name, ratio), { pixelRatio: ratio });
        }
        this.map.addImage("kasane-shelter", shelterImage(3), { pixelRatio: 3 });
    }

    /** Shows or hides a layer; its style is fetched the first time. Throws an Error with words for people. */
    async show(layer, visible) {
        layer.visible = visible;
        if (visible && !layer.style) {
            await layer.loadStyle();
        }
        if (visible && layer.style && !this.parts.some((part) => part.layer === layer)) this.add(layer);
        this.refresh(layer);
    }

    showPatterns(visible) {
        this.patterns = visible;
        for (const layer of new Set(this.parts.map((part) => part.layer))) this.refresh(layer);
    }

    /** The ids of style layers in which a click may find something. */
    get clickable() {
        return this.clickableParts.map((part) => part.id);
    }

    get clickableParts() {
        return this.parts.filter((part) => part.layer.visible && !part.letters && !part.pattern);
    }

    /** The layers in which a click may find something, topmost first, and what: areas, things that have no area, or both. */
    get clickableLayers() {
        const kinds = new Map();
        for (const { layer, type, id } of this.clickableParts.reverse()) {
            const kind = kinds.get(layer) ?? { areas: false, others: false };
            if (type === "fill") kind.areas = true;
            else if (!id.endsWith("-border")) kind.others = true;
            kinds.set(layer, kind);
        }
        return [...kinds].filter(([, { areas, others }]) => areas || others).map(([layer, kind]) => ({ layer, ...kind }));
    }

    layerOf(styleLayer) {
        return this.parts.find((part) => part.id === styleLayer)?.layer;
    }

    refresh(layer) {
        for (const part of this.parts.filter((each) => each.layer === layer)) {
            const shown = layer.visible && (!part.pattern || this.patterns);
            this.map.setLayoutProperty(part.id, "visibility", shown ? "visible" : "none");
        }
    }

    add(layer) {
        for (const [id, source] of Object.entries(layer.style.sources)) {
            if (!this.map.getSource(id)) this.map.addSource(id, { ...source, tiles: source.tiles?.map(sameOrigin), attribution: "" });
        }
        const order = layer.style.metadata?.["kasane:order"] ?? 0;
        dressed(layer).forEach((part, index) => {
            const letters = part.type === "symbol" && part.layout?.["text-field"] !== undefined;
            const entry = { id: part.id, type: part.type, layer, letters, pattern: part.paint?.["fill-pattern"] !== undefined, sort: [letters ? 1 : 0, order, index] };
            const above = this.parts.find((other) => compare(other.sort, entry.sort) > 0);
            this.map.addLayer(part, above?.id);
            this.parts.splice(above ? this.parts.indexOf(above) : this.parts.length, 0, entry);
        });
    }
}

function compare(a, b) {
    for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return a[i] - b[i];
    return 0;
}

/** Tiles come from where the page comes from, whatever name the server takes itself to have. */
function sameOrigin(template) {
    const path = template.slice(template.indexOf("/collections/") + 1);
    return address(path).replaceAll("%7B", "{").replaceAll("%7D", "}");
}

/** A layer's style as this page draws it. */
function dressed(layer) {
    const parts = layer.style.layers
        .filter((part) => part.type !== "symbol" && part.paint?.["fill-opacity"] !== 0)
        // Patterns tell hazard classes apart; on buildings they would only be noise.
        .filter((part) => part.paint?.["fill-pattern"] === undefined || layer.hazard)
        .map((part) => {
            // A zone must not vanish when a resident zooms in to the house: tiles are enlarged, whatever the style says.
            const { maxzoom, ...dress } = structuredClone(part);
            if (part.type === "line" && typeof part.paint?.["line-width"] === "number") {
                dress.paint["line-width"] = widening(part.paint["line-width"], part.id.endsWith("-border"), Boolean(layer.hazard));
            }
            if (part.type === "circle" && typeof part.paint?.["circle-radius"] === "number") {
                const radius = layer.theme === "shelter" ? Math.max(9, part.paint["circle-radius"]) : part.paint["circle-radius"];
                dress.paint["circle-radius"] = ["interpolate", ["linear"], ["zoom"], 11, radius * 0.35, 12.5, radius * 0.75, 14, radius, 17, radius * 1.25];
            }
            return dress;
        });
    const circle = parts.find((part) => part.type === "circle");
    if (circle && layer.theme === "shelter") {
        parts.push({
            id: `${layer.id}-icon`, type: "symbol", source: circle.source, "source-layer": circle["source-layer"], minzoom: 12.5,
            ...(circle.filter && { filter: circle.filter }),
            layout: { "icon-image": "kasane-shelter", "icon-allow-overlap": true, "icon-size": ["interpolate", ["linear"], ["zoom"], 12.5, 0.7, 14, 1, 17, 1.25] },
        });
    }
    const letters = lettering(layer, parts);
    return letters ? [...parts, letters] : parts;
}

/** Lines grow with the zoom; borders less, so that they stay borders. Those of hazards do not thin out far away: a zone of less than a pixel has nothing else. */
function widening(width, border, hazard) {
    // Tiles reach 8 pixels beyond their edge, at zoom 16 and closer ever more: a line that grows to more than twice that would end there.
    if (!border) width = Math.min(width, 6.5);
    if (border && hazard) return ["interpolate", ["linear"], ["zoom"], 10, Math.max(1, width), 12, width * 0.5, 15, width, 19, width * 1.6];
    return border
        ? ["interpolate", ["linear"], ["zoom"], 11, width * 0.4, 15, width, 19, width * 1.6]
        : ["interpolate", ["exponential", 1.5], ["zoom"], 10, width * 0.35, 13, width * 0.8, 15, width * 1.6, 18, width * 5];
}

/** Letters along lines and beside points; inside areas only when these are near enough to be one thing. */
function lettering(layer, parts) {
    const attribute = layer.label;
    const carrier = ["circle", "line", "fill"].map((type) => parts.find((part) => part.type === type && !part.id.endsWith("-border"))).find(Boolean);
    if (!attribute || !carrier) return null;
    const english = `${attribute}_en`;
    const field = language !== "ja" && layer.attributes.has(english) ? english : attribute;
    const starts = { circle: 13.5, line: 13.5, fill: 16 }[carrier.type];
    return {
        id: `${layer.id}-letters`, type: "symbol", source: carrier.source, "source-layer": carrier["source-layer"],
        minzoom: Math.max(carrier.minzoom ?? 0, starts), ...(carrier.filter && { filter: carrier.filter }),
        layout: {
            "text-field": ["to-string", ["coalesce", ["get", field], ""]], "text-font": ["Kasane"],
            "text-max-width": 9,
            "text-size": ["interpolate", ["linear"], ["zoom"], 13, carrier.type === "circle" ? 11.5 : 10.5, 17, 13.5],
            "text-padding": carrier.type === "line" ? 24 : 6,
            ...(carrier.type === "line" && { "symbol-placement": "line", "symbol-spacing": 420 }),
            ...(carrier.type === "circle" && { "text-variable-anchor": ["top", "left", "right", "bottom"], "text-radial-offset": 1, "text-justify": "auto" }),
        },
        paint: {
            "text-color": layer.theme === "shelter" ? "#0d5427" : "#2b3940", "text-halo-color": "rgba(255, 255, 255, 0.92)", "text-halo-width": 1.6,
        },
    };
}

/** A person hurrying, as on the signs of evacuation places: white, to be laid on the layer's own colour. */
function shelterImage(ratio) {
    const side = 16;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = context.strokeStyle = "#ffffff";
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.arc(9.8, 3.2, 1.7, 0, 2 * Math.PI);
    context.fill();
    for (const [width, ...points] of [
        [2.4, 8.8, 6, 7.4, 9.6],                    // body
        [1.6, 8.6, 6, 5.6, 6.4, 4.4, 8.6],          // arm behind
        [1.6, 8.9, 6, 10.4, 8, 12.6, 8],            // arm in front
        [1.8, 7.4, 9.6, 9.8, 11.2, 9.4, 14.2],      // leg in front
        [1.8, 7.3, 9.8, 6.2, 12.4, 3.2, 12.8],      // leg behind
    ]) {
        context.lineWidth = width;
        context.beginPath();
        context.moveTo(points[0], points[1]);
        for (let i = 2; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
        context.stroke();
    }
    return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** The address template of letters, for the map's style. */
export const glyphs = GLYPHS;
