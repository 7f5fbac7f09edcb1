// Letters for map labels, drawn by the browser's own fonts, so that no font has to be served.
//
// MapLibre draws Chinese characters and kana so by itself; all other letters it asks for as files of 256 signed distance fields
// (https://github.com/mapbox/node-fontnik/blob/master/proto/glyphs.proto). This answers those requests inside the page.

const FONT_SIZE = 24;  // pixels, fixed by the file format
const BORDER = 3;      // pixels around a letter, likewise
const RADIUS = 8;      // pixels over which the distance field falls from 1 to 0, likewise
const CUTOFF = 0.25;   // where in that range the edge lies, likewise
const ASCENT = 27;     // pixels from the top of the line to the baseline, as MapLibre counts for fonts of the browser

export const GLYPHS = "kasane-glyphs://{fontstack}/{range}";

/** To be given to `maplibregl.addProtocol("kasane-glyphs", …)`. */
export function glyphProtocol(family) {
    const painter = new Painter(family);
    return async ({ url }) => {
        const [stack, range] = decodeURIComponent(url.slice(url.indexOf("://") + 3)).split("/");
        const first = parseInt(range, 10);
        const glyphs = [];
        for (let code = first; code < first + 256; code += 1) {
            if (code >= 32 && !(code >= 127 && code < 160) && !(code >= 0xd800 && code < 0xe000)) glyphs.push(painter.glyph(code));
        }
        return { data: new Uint8Array(message(1, [text(1, stack), text(2, range), ...glyphs.map((glyph) => message(3, glyph))].flat())).buffer };
    };
}

class Painter {
    constructor(family) {
        this.side = FONT_SIZE * 3;
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = this.side;
        this.context = canvas.getContext("2d", { willReadFrequently: true });
        this.context.font = `500 ${FONT_SIZE}px ${family}`;
    }

    /** One glyph in protocol buffer form. */
    glyph(code) {
        const letter = String.fromCodePoint(code);
        const metrics = this.context.measureText(letter);
        const top = Math.ceil(metrics.actualBoundingBoxAscent), left = Math.floor(-metrics.actualBoundingBoxLeft);
        const width = Math.max(0, Math.min(this.side - 2 * BORDER, Math.ceil(metrics.actualBoundingBoxRight) - left));
        const height = Math.max(0, Math.min(this.side - 2 * BORDER, top + Math.ceil(metrics.actualBoundingBoxDescent)));
        const head = [number(1, code), number(3, width), number(4, height), signed(5, left), signed(6, top - ASCENT), number(7, Math.round(metrics.width))];
        if (width === 0 || height === 0) return head.flat();
        const w = width + 2 * BORDER, h = height + 2 * BORDER;
        this.context.clearRect(0, 0, w, h);
        this.context.fillText(letter, BORDER - left, BORDER + top);
        const cover = this.context.getImageData(0, 0, w, h).data;
        return [...head, bytes(2, distances(cover, w, h))].flat();
    }
}

/** Signed distances to the letter's edge as bytes, from how much of each pixel is covered. */
function distances(cover, width, height) {
    const outer = new Float64Array(width * height), inner = new Float64Array(width * height);
    for (let i = 0; i < width * height; i += 1) {
        const part = cover[4 * i + 3] / 255, edge = 0.5 - part;
        outer[i] = part === 1 ? 0 : part === 0 ? Infinity : Math.max(0, edge) ** 2;
        inner[i] = part === 1 ? Infinity : part === 0 ? 0 : Math.max(0, -edge) ** 2;
    }
    transform(outer, width, height);
    transform(inner, width, height);
    return Array.from(outer, (value, i) => {
        const distance = Math.sqrt(value) - Math.sqrt(inner[i]);
        return Math.max(0, Math.min(255, Math.round(255 - 255 * (distance / RADIUS + CUTOFF))));
    });
}

/** Squared Euclidean distance transform: Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions (2012). */
function transform(grid, width, height) {
    for (let x = 0; x < width; x += 1) line(grid, x, width, height);
    for (let y = 0; y < height; y += 1) line(grid, y * width, 1, width);
}

function line(grid, start, step, count) {
    const values = Array.from({ length: count }, (_, i) => Math.min(grid[start + i * step], 1e20));
    const parabolas = [0], borders = [-Infinity];
    for (let q = 1; q < count; q += 1) {
        let cross;
        for (;;) {
            const p = parabolas[parabolas.length - 1];
            cross = (values[q] - values[p] + q * q - p * p) / (2 * (q - p));
            if (cross > borders[borders.length - 1]) break;
            parabolas.pop();
            borders.pop();
        }
        parabolas.push(q);
        borders.push(cross);
    }
    for (let q = 0, k = 0; q < count; q += 1) {
        while (k + 1 < borders.length && borders[k + 1] < q) k += 1;
        grid[start + q * step] = (q - parabolas[k]) ** 2 + values[parabolas[k]];
    }
}

// Protocol buffers: a key of field number and wire type, then the value.
function varint(value) {
    const out = [];
    for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) + 128);
    return [...out, value];
}

const number = (field, value) => [field * 8, ...varint(value)];
const signed = (field, value) => number(field, value < 0 ? -2 * value - 1 : 2 * value);
const bytes = (field, value) => [field * 8 + 2, ...varint(value.length), ...value];
const message = bytes;
const text = (field, value) => bytes(field, Array.from(new TextEncoder().encode(value)));
