// What stands at a place: what is drawn there, and what the tiles leave out.
//
// A tile that could not hold everything says how many features it lacks. Where it lacks none, what is drawn is all there is, and the server is not asked.
// Else it is, once a layer, and only what it says counts: rectangles stand in the tile for what it leaves out, which carry the number of one feature and the
// class of many. For hazards `/at` has answered.

import { getJSON, leftOut } from "./server.js";

const { maplibregl } = window;
const NEAR = 8;     // pixels
const LIMIT = 10;   // features of a layer that are fetched

/**
 * What stands at a place in the layers shown, topmost first, hazards last: areas that hold it, lines and points near it, each with its attributes.
 *
 * `found` is [{layer, properties: [object …], count}], `count` being how many there are in all; `failures` is [{layer, message}]: of these layers there is
 * only what is drawn. Throws when `signal` says that nobody wants to know any more.
 */
export async function featuresAt(map, stack, place, signal) {
    const drawn = drawnAt(map, stack, place), view = around(map, place);
    const answers = await Promise.all(stack.clickableLayers.map(async ({ layer, areas, others }) => {
        const here = drawn.get(layer) ?? [];
        if (!await lacksSome(map.getSource(layer.id), layer, view, signal)) return { layer, properties: here.map((each) => each.properties) };
        const certain = here.filter((each) => !each.isArea || isItself(layer, each.properties)).map((each) => each.properties);
        if (layer.hazard) return { layer, properties: certain };
        try {
            // Of lines and points that are not drawn yet this far out there would be all those of a town.
            const asked = await itemsAt(layer, { areas, others: others && view.zoom >= layer.minZoom }, view, signal);
            const lines = here.filter((each) => !each.isArea).map((each) => each.properties);
            return { layer, ...together(here.map((each) => each.properties), lines, asked) };
        } catch (error) {
            if (signal.aborted) throw error;
            return { layer, properties: certain, failure: error.message };
        }
    }));
    return {
        found: answers.filter(({ properties }) => properties.length).map((each) => ({ count: each.properties.length, ...each }))
            .sort((a, b) => Boolean(a.layer.hazard) - Boolean(b.layer.hazard)),
        failures: answers.filter(({ failure }) => failure).map(({ layer, failure }) => ({ layer, message: failure })),
    };
}

/** For each layer what is drawn, topmost first: [{properties, isArea}]. */
function drawnAt(map, stack, place) {
    const at = map.project(place), layers = stack.clickable;
    const key = (feature) => `${feature.source}/${feature.id ?? JSON.stringify(feature.properties)}`;
    const exact = new Set(map.queryRenderedFeatures(at, { layers }).filter((each) => each.layer.type === "fill").map(key));
    const found = new Map(), seen = new Set();
    for (const feature of map.queryRenderedFeatures([[at.x - NEAR, at.y - NEAR], [at.x + NEAR, at.y + NEAR]], { layers })) {
        const isArea = feature.geometry.type.endsWith("Polygon");
        if (seen.has(key(feature)) || (isArea && !exact.has(key(feature)))) continue;
        seen.add(key(feature));
        const layer = stack.layerOf(feature.layer.id);
        found.set(layer, [...(found.get(layer) ?? []), { properties: feature.properties, isArea }]);
    }
    return found;
}

/** A place, the box about it (west, south, east, north), the zoom, and whether it is in sight: what is not is not drawn. */
function around(map, place) {
    const { lng, lat } = maplibregl.LngLat.convert(place).wrap(), at = map.project(place), { clientWidth, clientHeight } = map.getContainer();
    const corner = map.unproject([at.x - NEAR, at.y - NEAR]), width = place.lng - corner.lng, height = corner.lat - place.lat;
    return {
        lng, lat, box: [lng - width, Math.max(-90, lat - height), lng + width, Math.min(90, lat + height)],
        zoom: map.getZoom(), isInSight: at.x >= 0 && at.y >= 0 && at.x <= clientWidth && at.y <= clientHeight,
    };
}

/** Whether there may be more of a layer at a place than is drawn. */
async function lacksSome(source, layer, { lng, lat, box, zoom, isInSight }, signal) {
    if (layer.bounds && !meet(layer.bounds, box)) return false;
    if (!isInSight || zoom < layer.minZoom) return true;
    const z = Math.min(Math.floor(zoom), source.maxzoom), { x, y } = maplibregl.MercatorCoordinate.fromLngLat({ lng, lat });
    const tile = { z, x: Math.floor(x * 2 ** z), y: Math.floor(y * 2 ** z) };
    try {
        return await leftOut(source.tiles[0].replace(/\{([zxy])\}/g, (_, name) => tile[name]), signal) > 0;
    } catch (error) {
        if (signal.aborted) throw error;
        return true;
    }
}

function meet(bounds, box) {
    const [west, south] = bounds, [east, north] = bounds.slice(bounds.length / 2);
    return west > east || (west <= box[2] && east >= box[0] && south <= box[3] && north >= box[1]);
}

/** Not something that stands for others: that has no attributes but those of its class, one perhaps that the style does not name. */
function isItself(layer, properties) {
    const classes = layer.classAttributes;
    if (layer.hazard && !classes.size) return false;
    return Object.keys(properties).filter((name) => !classes.has(name)).length > (classes.size ? 0 : 1);
}

/** What the server knows of a layer at a place. Both questions leave out what has no geometry. */
async function itemsAt(layer, { areas, others }, { lng, lat, box }, signal) {
    const ask = async (shape, hasGeometry) => {
        const filter = encodeURIComponent(`S_INTERSECTS(geometry,${shape})`);
        const answer = await getJSON(`collections/${encodeURIComponent(layer.id)}/items?filter=${filter}&limit=${LIMIT}&skipGeometry=${!hasGeometry}&f=json`, signal);
        // There is no count when it would have taken too long.
        return { features: answer.features, more: Math.max(0, (answer.numberMatched ?? 0) - answer.features.length) };
    };
    const answers = await Promise.all([
        areas && ask(`POINT(${lng.toFixed(7)} ${lat.toFixed(7)})`, false),
        // The geometries tell areas that are only near from lines.
        others && ask(`BBOX(${box.map((each) => each.toFixed(7)).join(",")})`, areas),
    ].filter(Boolean));
    const near = answers.length > 1 ? answers[1] : null;
    if (near) {
        const holding = new Set(answers[0].features.map((each) => each.id));
        near.features = near.features.filter((each) => !holding.has(each.id) && !each.geometry?.type.endsWith("Polygon"));
    }
    return { properties: answers.flatMap((each) => each.features.map((feature) => feature.properties)), more: answers.reduce((sum, each) => sum + each.more, 0) };
}

/**
 * What the server knows, in the order in which it is drawn, what is not drawn last. Lines and points that are drawn are there whether the server named them
 * or not: there may be more than were fetched, and wide ones reach farther.
 */
function together(drawn, lines, { properties, more }) {
    // Tiles know features by number, items by the source's own ids: they are compared by what they say.
    const order = drawn.map(text), known = new Set(properties.map(text));
    const unnamed = lines.filter((each) => !known.has(text(each)));
    const place = (each) => (order.indexOf(text(each)) + 1 || order.length + 1);
    const all = [...properties, ...unnamed].sort((a, b) => place(a) - place(b));
    return { properties: all, count: properties.length + Math.max(more, unnamed.length) };
}

function text(properties) {
    return JSON.stringify(Object.entries(properties).filter(([, value]) => value !== null).map(([name, value]) => [name, String(value)]).sort());
}
