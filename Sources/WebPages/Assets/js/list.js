// The list of layers: a checkbox each, by theme, with its legend.

import { swatch } from "./patterns.js";
import { day, element, localized, words } from "./words.js";

export class LayerList {
    /** `toggled(layer, visible)` shows or hides; it settles when that is done or has failed. */
    constructor(root, layers, { toggled, zoom }) {
        this.rows = new Map();
        this.toggled = toggled;
        this.zoom = zoom;
        const themes = new Map();
        for (const layer of layers) themes.set(layer.theme, [...(themes.get(layer.theme) ?? []), layer]);
        root.replaceChildren(...[...themes].map(([theme, members]) =>
            element("fieldset", { class: "theme" },
                element("legend", { text: words(`theme.${theme}`) }),
                ...(theme === "hazard" ? [element("p", { class: "caution", text: words("legend.blank") })] : []),
                ...members.map((layer) => this.row(layer)))));
    }

    row(layer) {
        const box = element("input", { type: "checkbox", id: `layer-${layer.id}` });
        box.checked = layer.visible;
        const note = element("span", { class: "note", "aria-live": "polite" });
        const facts = [layer.baseDate && words("as-of", { date: day(layer.baseDate) }), layer.department].filter(Boolean).join("・");
        const body = element("div", { class: "legend-body" });
        const legend = element("details", { class: "legend" },
            // A list of links that are all called “legend” says nothing to those who hear it.
            element("summary", {}, words("legend"), element("span", { class: "visually-hidden", text: words("legend.of", { title: layer.title }) })), body);
        const row = element("div", { class: "row" },
            element("label", { class: "choice" }, box, element("span", {}, element("span", { class: "title", text: layer.title }), note)), legend);
        this.rows.set(layer, { box, note, body, legend, facts, filled: false });
        box.addEventListener("change", () => this.toggled(layer, box.checked));
        legend.addEventListener("toggle", () => legend.open && this.fill(layer));
        if (layer.hazard && layer.visible) legend.open = true;
        return row;
    }

    /** Says again what is so: checked, out of sight at this zoom, failed. */
    refresh() {
        for (const [layer, { box, note }] of this.rows) {
            box.checked = layer.visible;
            const text = layer.failure ? words("layer.failed") : layer.visible && layer.style && this.zoom() < layer.minZoom ? words("layer.zoom-in") : "";
            if (note.textContent !== text) note.textContent = text;
            note.classList.toggle("failed", Boolean(layer.failure));
        }
    }

    async fill(layer) {
        const row = this.rows.get(layer);
        if (row.filled) return;
        row.filled = true;
        try {
            // The style says whether it is lines or points, and brings the legend with it.
            await layer.loadStyle();
            await layer.loadLegend();
        } catch (error) {
            row.filled = false;
            row.body.replaceChildren(element("p", { class: "small", text: `${words("legend.missing")} ${error.message}` }));
            return;
        }
        row.body.replaceChildren(
            element("ul", {}, ...layer.legend.items.map((item) =>
                element("li", {}, swatch(item.color, layer.hazard ? item.pattern : "plain", layer.shape),
                    element("span", { text: localized(item.label) || String(item.value ?? "") })))),
            element("p", { class: "small", text: row.facts }));
    }
}
