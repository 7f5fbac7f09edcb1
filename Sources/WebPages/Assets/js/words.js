// Words of the page's language, from strings/<language>.json.

export const language = document.documentElement.lang;

let catalogue = {};

export async function loadWords(assets) {
    const response = await fetch(`${assets}/strings/${language}.json`);
    if (!response.ok) throw new Error(`strings: ${response.status}`);
    catalogue = await response.json();
}

/** The text under a key, with {name} replaced by values.name. */
export function words(key, values = {}) {
    return (catalogue[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The text under a key, or `otherwise` where the catalogue has none: for words that come with the data. */
export function wordsOr(key, otherwise) {
    return catalogue[key] ?? otherwise;
}

/** The text of {"ja": …, "en": …} in the page's language, else in Japanese, else in any. A plain text stays what it is. */
export function localized(texts) {
    if (texts === null || texts === undefined) return "";
    if (typeof texts !== "object") return String(texts);
    return texts[language] ?? texts.ja ?? Object.values(texts)[0] ?? "";
}

/** A day, 2024-03-31, as people write it. */
export function day(text) {
    const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? "");
    if (!parts) return text ?? "";
    return new Date(Date.UTC(parts[1], parts[2] - 1, parts[3]))
        .toLocaleDateString(language, { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" });
}

export function number(value) {
    return value.toLocaleString(language, { maximumFractionDigits: 6 });
}

/** An element: tag, attributes (`class`, `text` or any other), children. */
export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name === "text") made.textContent = value;
        else if (value === true) made.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
}
