// The page: the map, its buttons, the list of layers and the answer for a place.

import { Answer } from "./answer.js";
import { featuresAt } from "./features.js";
import { glyphProtocol } from "./glyphs.js";
import { FONT, glyphs, Layer, showAtFirst, Stack } from "./layers.js";
import { LayerList } from "./list.js";
import { collections, getJSON } from "./server.js";
import { element, loadWords, localized, words } from "./words.js";

const { maplibregl } = window;
const find = (id) => document.getElementById(id);
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const BACKGROUND = "#eceeea";
const JAPAN = [122, 24, 146, 46]; // until the layers say better: west, south, east, north

/** Says a problem in words, with a button that tries again; one message of a kind at a time. */
function alert(kind, message, again) {
    const close = element("button", { type: "button", class: "close", "aria-label": words("close"), text: "×" });
    const box = element("div", { class: "alert", "data-kind": kind }, element("p", { text: message }));
    if (again) {
        const retry = element("button", { type: "button", text: words("error.retry") });
        retry.addEventListener("click", () => { box.remove(); again(); });
        box.append(retry);
    }
    box.append(close);
    close.addEventListener("click", () => box.remove());
    withdraw(kind);
    find("alerts").append(box);
}

function withdraw(kind) {
    for (const old of find("alerts").children) if (old.dataset.kind === kind) old.remove();
}

/** What the address after # says: #view=zoom/lat/lon&on=layer,layer&point=lon,lat */
function readState() {
    const fields = new URLSearchParams(location.hash.slice(1));
    const numbers = (text, count) => {
        const found = (text ?? "").split(/[/,]/).map(Number);
        return found.length === count && found.every(Number.isFinite) ? found : null;
    };
    return { view: numbers(fields.get("view"), 3), on: fields.has("on") ? fields.get("on").split(",") : null, point: numbers(fields.get("point"), 2) };
}

class Page {
    constructor() {
        this.layers = [];
        this.point = null;
        this.answer = new Answer({ body: find("answer-body"), summary: find("summary"), go: (place) => this.map.easeTo({ center: place, zoom: Math.max(15, this.map.getZoom()), animate: !calm.matches }) });
    }

    async start() {
        this.tabs();
        this.map = this.makeMap();
        this.stack = new Stack(this.map);
        this.controls();
        const drawn = new Promise((done) => this.map.once("style.load", done));
        getJSON("./?f=json").then((landing) => this.name(localized(landing.kasane?.titles) || landing.title), () => {}); // the heading does without
        await drawn;
        this.stack.addImages();
        await this.load();
    }

    /** Whose map it is, above the heading. */
    name(title) {
        if (!title) return;
        find("town").textContent = title;
        document.title = `${document.title} – ${title}`;
    }

    makeMap() {
        maplibregl.addProtocol("kasane-glyphs", glyphProtocol(FONT));
        const map = new maplibregl.Map({
            container: "map",
            style: { version: 8, glyphs, sources: {}, layers: [{ id: "background", type: "background", paint: { "background-color": BACKGROUND } }] },
            bounds: JAPAN, minZoom: 3, maxZoom: 20, attributionControl: false, localIdeographFontFamily: FONT, fadeDuration: calm.matches ? 0 : 200,
            dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, locale: { "Map.Title": words("map.label") },
        });
        map.touchZoomRotate.disableRotation();
        map.keyboard.disableRotation();
        map.addControl(new maplibregl.ScaleControl({ maxWidth: 110 }), "bottom-left");
        map.on("error", (event) => this.trouble(event));
        map.on("dataloading", () => this.busy());
        map.on("idle", () => this.idle());
        map.on("moveend", () => { this.list?.refresh(); this.writeState(); });
        map.on("click", (event) => this.ask(event.lngLat));
        const canvas = map.getCanvas();
        canvas.addEventListener("keydown", (event) => {
            document.body.classList.add("by-keyboard");
            if (event.key === "Enter") this.ask(map.getCenter(), true);
        });
        canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && document.body.classList.add("by-keyboard"));
        canvas.addEventListener("blur", () => document.body.classList.remove("by-keyboard"));
        canvas.addEventListener("pointerdown", () => document.body.classList.remove("by-keyboard"));
        return map;
    }

    /** The list of layers, and those to be seen at first. */
    async load() {
        let found;
        try {
            found = await collections();
        } catch (error) {
            find("list").replaceChildren(element("p", { class: "hint", text: words("error.list") }));
            alert("list", `${words("error.list")} ${error.message}`, () => this.load());
            return;
        }
        this.layers = found.map((collection) => new Layer(collection));
        this.layers.sort((a, b) => a.rank - b.rank);
        const state = readState();
        const chosen = state.on ? this.layers.filter((layer) => state.on.includes(layer.id)) : showAtFirst(this.layers);
        for (const layer of chosen) layer.visible = true;
        this.list = new LayerList(find("list"), this.layers, { toggled: (layer, visible) => this.toggle(layer, visible), zoom: () => this.map.getZoom() });
        if (state.view) this.map.jumpTo({ zoom: state.view[0], center: [state.view[2], state.view[1]] });
        else this.home(false);
        await Promise.all(chosen.map((layer) => this.toggle(layer, true)));
        if (state.point) this.ask({ lng: state.point[0], lat: state.point[1] });
    }

    async toggle(layer, visible) {
        try {
            await this.stack.show(layer, visible);
            layer.failure = null;
            withdraw(layer.id);
        } catch (error) {
            layer.failure = error.message;
            alert(layer.id, `${words("error.layer", { title: layer.title })} ${error.message}`, () => this.toggle(layer, true));
        }
        this.list.refresh();
        this.attribution();
        this.writeState();
    }

    /** A tile that did not come must not look like a place without a hazard. */
    trouble(event) {
        const layer = this.layers.find((each) => each.id === event.sourceId);
        console.warn(event.error?.message ?? event);
        if (!layer || layer.failure) return;
        layer.failure = words("error.network");
        alert(layer.id, `${words("error.layer", { title: layer.title })} ${words("error.network")}`, () => {
            layer.failure = null;
            const source = this.map.getSource(layer.id);
            source?.setTiles(source.tiles); // fetches them again
            this.list.refresh();
        });
        this.list?.refresh();
    }

    busy() {
        document.body.dataset.map = "busy"; // for tests, which have to know when all is drawn
        this.waiting ??= setTimeout(() => { find("progress").hidden = false; }, 400);
    }

    idle() {
        clearTimeout(this.waiting);
        this.waiting = null;
        find("progress").hidden = true;
        document.body.dataset.map = "idle";
    }

    /** All of the layers that say where they are. */
    get bounds() {
        const boxes = this.layers.filter((layer) => layer.bounds).map((layer) => layer.bounds);
        if (!boxes.length) return JAPAN;
        return [0, 1].map((i) => Math.min(...boxes.map((box) => box[i]))).concat([2, 3].map((i) => Math.max(...boxes.map((box) => box[i + box.length - 4]))));
    }

    home(animate = true) {
        this.map.fitBounds(this.bounds, { padding: 24, animate: animate && !calm.matches, maxZoom: 17 });
    }

    controls() {
        const { map } = this;
        find("controls").hidden = false;
        find("zoom-in").addEventListener("click", () => map.zoomIn());
        find("zoom-out").addEventListener("click", () => map.zoomOut());
        find("home").addEventListener("click", () => this.home());
        for (const button of document.querySelectorAll("[data-pan]")) {
            const [x, y] = button.dataset.pan.split(",").map(Number);
            button.addEventListener("click", () => {
                const { clientWidth, clientHeight } = map.getContainer();
                map.panBy([x * clientWidth / 3, y * clientHeight / 3]);
            });
        }
        find("pad-toggle").addEventListener("click", () => {
            const open = document.body.classList.toggle("pad-open");
            find("pad-toggle").setAttribute("aria-expanded", String(open));
        });
        find("ask-centre").addEventListener("click", () => this.ask(map.getCenter(), true));
        find("ask-here").addEventListener("click", () => this.askHere());
        find("patterns").addEventListener("change", (event) => this.stack.showPatterns(event.target.checked));
        new ResizeObserver(() => document.documentElement.style.setProperty("--attribution", `${find("attribution").offsetHeight}px`)).observe(find("attribution"));
        find("language").addEventListener("click", (event) => { event.currentTarget.hash = location.hash; });
    }

    /** Two tabs, as https://www.w3.org/WAI/ARIA/apg/patterns/tabs/ has them, and the button that folds them away on a phone. */
    tabs() {
        const names = ["answer", "layers"];
        for (const name of names) {
            const tab = find(`tab-${name}`);
            tab.addEventListener("click", () => this.open(name));
            tab.addEventListener("keydown", (event) => {
                if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
                const other = names.find((each) => each !== name);
                this.open(other);
                find(`tab-${other}`).focus();
            });
        }
        // Beside the map there is room for the legend; on a phone the way to the own place comes first.
        if (window.matchMedia("(min-width: 800px)").matches) this.open("layers");
        find("sheet").addEventListener("click", () => this.fold(!document.body.classList.contains("folded")));
    }

    open(name) {
        for (const each of ["answer", "layers"]) {
            find(each).hidden = each !== name;
            find(`tab-${each}`).setAttribute("aria-selected", String(each === name));
            find(`tab-${each}`).tabIndex = each === name ? 0 : -1;
        }
        this.fold(false);
        find("panel-body").scrollTop = 0;
    }

    fold(folded) {
        document.body.classList.toggle("folded", folded);
        find("sheet").setAttribute("aria-expanded", String(!folded));
        this.map?.resize();
    }

    ask(place, byKeyboard = false) {
        this.point = place;
        this.pin ??= new maplibregl.Marker({ element: element("div", { class: "place", "aria-hidden": "true" }, element("div", { class: "pin" })), anchor: "bottom" });
        this.pin.setLngLat(place).addTo(this.map);
        find("invitation").hidden = true;
        this.open("answer");
        this.answer.ask(place);
        this.findFeatures(place);
        if (byKeyboard) this.answer.focus();
        this.keepInSight(place);
        this.writeState();
    }

    /** On a phone the sheet may have come over the place. */
    keepInSight(place) {
        const at = this.map.project(place), box = this.map.getContainer(), below = 20 + find("attribution").offsetHeight;
        if (at.x < 20 || at.y < 50 || at.x > box.clientWidth - 20 || at.y > box.clientHeight - below) this.map.easeTo({ center: place, animate: !calm.matches });
    }

    askHere() {
        if (!navigator.geolocation) return alert("position", words("position.failed"));
        navigator.geolocation.getCurrentPosition(
            ({ coords }) => {
                const place = { lng: coords.longitude, lat: coords.latitude }, [west, south, east, north] = this.bounds;
                if (place.lng < west || place.lng > east || place.lat < south || place.lat > north) return alert("position", words("position.outside"));
                withdraw("position");
                this.map.jumpTo({ center: place, zoom: Math.max(16, this.map.getZoom()) });
                this.map.once("idle", () => this.ask(place));
            },
            (error) => alert("position", words(error.code === error.PERMISSION_DENIED ? "position.denied" : "position.failed")),
            { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 });
    }

    /** A newer place ends the search at an older one. */
    async findFeatures(place) {
        this.search?.abort();
        const run = (this.search = new AbortController());
        this.answer.showFeatures(null);
        // What is drawn is known when it has been drawn.
        if (!this.map.loaded()) await new Promise((done) => this.map.once("idle", done));
        if (run.signal.aborted) return;
        try {
            const result = await featuresAt(this.map, this.stack, place, run.signal);
            if (!run.signal.aborted) this.answer.showFeatures(result, () => this.findFeatures(place));
        } catch (error) {
            if (!run.signal.aborted) throw error;
        }
    }

    /** Where the data shown come from. */
    attribution() {
        const sources = [...new Set(this.layers.filter((layer) => layer.visible && layer.attribution).map((layer) => layer.attribution))];
        find("attribution").textContent = sources.length ? words("attribution", { sources: sources.join(" / ") }) : "";
    }

    writeState() {
        if (!this.list) return;
        const centre = this.map.getCenter();
        const fields = [`view=${this.map.getZoom().toFixed(2)}/${centre.lat.toFixed(5)}/${centre.lng.toFixed(5)}`,
            `on=${this.layers.filter((layer) => layer.visible).map((layer) => encodeURIComponent(layer.id)).join(",")}`];
        if (this.point) fields.push(`point=${this.point.lng.toFixed(6)},${this.point.lat.toFixed(6)}`);
        history.replaceState(null, "", `#${fields.join("&")}`);
    }
}

async function start() {
    await loadWords(find("app").dataset.assets);
    const page = new Page();
    try {
        await page.start();
    } catch (error) {
        console.warn(error);
        // Without WebGL there is no map; the data can be read all the same.
        find("map").replaceChildren(element("div", { class: "notice" }, element("p", { text: words("error.webgl") }),
            element("p", {}, element("a", { href: "collections?f=html", text: words("noscript.collections") }))));
    }
}

start();
