// What is at a place: first what can happen there, then what stands there.

import { swatch } from "./patterns.js";
import { getJSON } from "./server.js";
import { day, element, language, localized, number, words, wordsOr } from "./words.js";

const STATUSES = ["inside", "outside", "unknown"];
const FEATURES_OF_A_LAYER = 5;

// Drawn shapes tell the statuses apart without colour. None is green: “outside” is no promise.
const ICONS = {
    inside: "M12 3L22 20.5H2zM12 9.500v5M12 17.200v.6",
    outside: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM8 12h8",
    unknown: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM9.200 9.500a2.800 2.800 0 1 1 4 2.500c-.8.4-1.200.9-1.200 1.800M12 16.800v.4",
};

/** Asks the server and shows the answer in `body`; `summary` is read out by screen readers. A newer question ends an older one. */
export class Answer {
    /** `go(place)` shows another place on the map. */
    constructor({ body, summary, go }) {
        this.body = body;
        this.summary = summary;
        this.go = go;
        this.running = null;
        this.said = {};
    }

    /** Says in `summary` what came of one of the two questions, hazards and features. */
    say(what, text) {
        this.said[what] = text;
        const all = [this.said.hazards, this.said.features].filter(Boolean).join(" ");
        if (this.summary.textContent !== all) this.summary.textContent = all;
    }

    ask(place) {
        this.body.replaceChildren();
        return this.lookUp(place);
    }

    async lookUp(place) {
        this.running?.abort();
        const run = (this.running = new AbortController());
        const position = element("p", { class: "position", text: words("at.position", { lat: place.lat.toFixed(6), lon: place.lng.toFixed(6) }) });
        const hazards = element("section", { class: "hazards" }, element("h2", { text: words("at.heading"), tabindex: "-1" }), position,
            element("p", { class: "hint", text: words("at.loading") }));
        this.body.querySelector(".hazards")?.remove();
        this.body.prepend(hazards);
        this.say("hazards", words("at.loading"));
        let answer = null, message;
        try {
            answer = await getJSON(`at?point=${place.lng.toFixed(7)},${place.lat.toFixed(7)}`, run.signal);
            if (!Array.isArray(answer.hazards)) throw new Error(words("error.other", { status: "hazards" }));
        } catch (error) {
            if (run.signal.aborted) return;
            [answer, message] = [null, error.message];
        }
        if (!answer) {
            const again = element("button", { type: "button", text: words("at.retry") });
            again.addEventListener("click", () => this.lookUp(place));
            hazards.lastChild.replaceWith(element("div", { class: "hazard unknown" }, icon("unknown"),
                element("div", {}, element("p", { class: "status", text: words("at.failed") }), element("p", { text: message }), again)));
            this.say("hazards", `${words("at.failed")} ${message}`);
            return;
        }
        const list = answer.hazards.length ? element("ul", { class: "answers" }, ...answer.hazards.map(line)) : nothingKnown();
        hazards.lastChild.replaceWith(list, ...shelters(answer.shelters ?? [], this.go), element("p", { class: "caution", text: words("at.always") }));
        const count = Object.fromEntries(STATUSES.map((status) => [status, answer.hazards.filter((each) => statusOf(each) === status).length]));
        this.say("hazards", answer.hazards.length ? words("at.summary", count) : words("at.none"));
    }

    /** What stands at the place, below what can happen there: what `featuresAt` found, null as long as it looks. `again` looks once more. */
    showFeatures(result, again) {
        const old = this.body.querySelector(".here"), hadFocus = old?.contains(document.activeElement);
        const section = result ? here(result, again) : element("section", { class: "here" }, featuresHeading(), element("p", { class: "hint", text: words("at.loading") }));
        old?.remove();
        this.body.append(section);
        if (hadFocus) section.querySelector("h2").focus({ preventScroll: true });
        this.say("features", result?.failures.length ? failed(result.failures) : "");
    }

    /** For people who asked by keyboard: go to the answer. */
    focus() {
        this.body.querySelector("h2")?.focus({ preventScroll: true });
    }
}

/** What is not one of the known words is not known. */
function statusOf(hazard) {
    return STATUSES.includes(hazard.status) ? hazard.status : "unknown";
}

function nothingKnown() {
    return element("div", { class: "hazard unknown" }, icon("unknown"), element("p", { class: "status", text: words("at.none") }));
}

function line(hazard) {
    const status = statusOf(hazard);
    const scenario = hazard.scenario ? wordsOr(`scenario.${hazard.scenario}`, hazard.scenario) : "";
    const what = [scenario, localized(hazard.river)].filter(Boolean).join(language === "ja" ? "・" : ", ");
    const facts = [hazard.baseDate && words("as-of", { date: day(hazard.baseDate) }), localized(hazard.attribution)].filter(Boolean).join("　");
    return element("li", { class: `hazard ${status}` }, icon(status),
        element("div", {},
            element("p", { class: "kind" }, element("strong", { text: wordsOr(`kind.${hazard.kind}`, hazard.kind) }), what && element("span", { text: what })),
            element("p", { class: "verdict" }, element("span", { class: "status", text: words(`status.${status}`) }),
                status === "inside" ? classOf(hazard) : null),
            element("p", { class: "meaning", text: wordsOr(`reason.${hazard.reason}`, words(`status.${status}.text`)) }),
            facts ? element("p", { class: "small", text: facts }) : null));
}

function classOf({ class: value, value: raw }) {
    if (!value) return element("span", { class: "class", text: [words("class.unknown"), raw].filter(Boolean).join(": ") });
    return element("span", { class: "class" }, value.color ? swatch(value.color, value.pattern ?? "plain") : null,
        element("span", { text: localized(value.label) || words("class.unknown") }));
}

function shelters(found, go) {
    if (!found.length) return [];
    const join = language === "ja" ? "・" : ", ";
    return [element("h2", { text: words("shelters.heading") }), element("ol", { class: "shelters" }, ...found.map((shelter) => {
        const name = localized(shelter.name) || shelter.id;
        const kinds = Object.entries(shelter.designated ?? {}).filter(([, yes]) => yes).map(([kind]) => wordsOr(`kind.${kind}`, kind));
        const button = element("button", { type: "button", text: name });
        button.addEventListener("click", () => go({ lng: shelter.location[0], lat: shelter.location[1] }));
        return element("li", {}, element("p", {}, button, element("span", { text: words("shelters.distance", { metres: number(shelter.distance) }) })),
            element("p", { class: "small", text: [shelter.address, kinds.length ? words("shelters.for", { kinds: kinds.join(join) }) : ""].filter(Boolean).join("　") }));
    }))];
}

function featuresHeading() {
    return element("h2", { text: words("features.heading"), tabindex: "-1" });
}

/** That a layer could not be asked for must not look as if it had nothing there. */
function failed(failures) {
    const titles = failures.map(({ layer }) => layer.title).join(language === "ja" ? "・" : ", ");
    return `${words("features.failed", { titles })} ${failures[0].message}`;
}

function here({ found, failures }, again) {
    const section = element("section", { class: "here" }, featuresHeading());
    if (failures.length) {
        const retry = element("button", { type: "button", text: words("at.retry") });
        retry.addEventListener("click", again);
        section.append(element("div", { class: "missing" }, element("p", { text: failed(failures) }), retry));
    } else if (!found.length) {
        section.append(element("p", { class: "hint", text: words("features.none") }));
    }
    found.forEach(({ layer, properties, count }, index) => {
        const shown = properties.slice(0, FEATURES_OF_A_LAYER);
        section.append(element("details", { class: "feature", open: index === 0 },
            element("summary", {}, element("span", { text: layer.title }), element("span", { class: "name", text: nameOf(layer, shown[0]) })),
            ...shown.map((each) => table(layer, each)),
            count > shown.length ? element("p", { class: "small", text: words("features.more", { count: count - shown.length }) }) : null));
    });
    return section;
}

function nameOf(layer, properties) {
    const raw = properties[layer.label] ?? null;
    return raw === null ? "" : value(layer.attributes.get(layer.label), raw);
}

function table(layer, properties) {
    // In the order of the layer; what the tile has besides comes after.
    const names = [...new Set([...layer.attributes.keys(), ...Object.keys(properties)])].filter((name) => properties[name] !== undefined && properties[name] !== null);
    if (!names.length) return element("p", { class: "small", text: words("features.no-values") });
    return element("dl", {}, ...names.flatMap((name) => [
        element("dt", { text: localized(layer.attributes.get(name)?.titles) || name }),
        element("dd", { text: value(layer.attributes.get(name), properties[name]) }),
    ]));
}

function value(attribute, raw) {
    const code = attribute?.codes?.find((each) => String(each.value) === String(raw));
    if (code) return localized(code.label);
    if (typeof raw === "boolean") return words(raw ? "value.true" : "value.false");
    if (attribute?.type === "date") return day(raw);
    const text = typeof raw === "number" && attribute?.unit ? number(raw) : String(raw);
    return attribute?.unit ? `${text} ${attribute.unit}` : text;
}

function icon(status) {
    const namespace = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(namespace, "svg"), path = document.createElementNS(namespace, "path");
    for (const [name, text] of [["viewBox", "0 0 24 24"], ["class", "icon"], ["aria-hidden", "true"]]) picture.setAttribute(name, text);
    path.setAttribute("d", ICONS[status]);
    picture.append(path);
    return picture;
}
