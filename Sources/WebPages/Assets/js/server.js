// Questions to the server. Every failure becomes an Error whose message is for people.

import { words } from "./words.js";

const PATIENCE = 20_000; // milliseconds

/** An address below the page's own place, so that a proxy may put a path in front of all. */
export function address(path) {
    return new URL(path, document.baseURI).href;
}

/** The JSON at an address. `signal` ends the wait when nobody wants the answer any more. */
export async function getJSON(path, signal) {
    // Not AbortSignal.any and .timeout: phones that are some years old do not know them.
    const wait = new AbortController();
    const end = () => wait.abort();
    signal?.addEventListener("abort", end);
    let late = false, response;
    const patience = setTimeout(() => { late = true; end(); }, PATIENCE);
    try {
        response = await fetch(address(path), { headers: { Accept: "application/json" }, signal: wait.signal });
        if (response.ok) return await response.json();
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
