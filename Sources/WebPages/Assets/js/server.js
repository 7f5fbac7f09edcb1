// Questions to the server. Every failure becomes an Error whose message is for people.

import { words } from "./words.js";

// Milliseconds.
const PATIENCE = 20_000;
const PATIENCE_WITH_STORE = 3_000;

/** An address below the page's own place, so that a proxy may put a path in front of all. */
export function address(path) {
    return new URL(path, document.baseURI).href;
}

/** The JSON at an address. `signal` ends the wait when nobody wants the answer any more. */
export function getJSON(path, signal) {
    return get(path, { headers: { Accept: "application/json" } }, signal, PATIENCE, (response) => response.json());
}

/**
 * How many features a tile that the map shows does not draw by themselves. The browser has kept the tile, and with it the field that says so: nothing is
 * sent, unless it has been thrown away meanwhile.
 */
export function leftOut(tile, signal) {
    return get(tile, { cache: "force-cache" }, signal, PATIENCE_WITH_STORE, (response) => {
        response.body?.cancel();
        return Number(response.headers.get("Kasane-Left-Out") ?? 0);
    });
}

/** What `read` makes of the answer at an address. */
async function get(path, options, signal, milliseconds, read) {
    // Not AbortSignal.any and .timeout: phones that are some years old do not know them.
    const wait = new AbortController();
    const end = () => wait.abort();
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
    let late = false, response;
    const patience = setTimeout(() => { late = true; end(); }, milliseconds);
    try {
        response = await fetch(address(path), { ...options, signal: wait.signal });
        if (response.ok) return await read(response);
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new Error(words(late ? "error.slow" : "error.network"));
    } finally {
        clearTimeout(patience);
        signal?.removeEventListener("abort", end);
    }
    if (response.status === 503 || response.status === 429) throw new Error(words("error.busy"));
    if (response.status === 404) throw new Error(words("error.missing"));
    throw new Error(words("error.other", { status: response.status }));
}

/** All collections, following `next` links. */
export async function collections() {
    const found = [];
    let next = "collections?f=json";
    while (next) {
        const page = await getJSON(next);
        found.push(...page.collections);
        next = page.links?.find((link) => link.rel === "next")?.href;
    }
    return found;
}
