// Patterns that tell classes apart without colour: as images for the map and as swatches for legends.

const SIZE = 16; // side of the repeating square in CSS pixels
// Dark strokes with a light edge, so that they show on pale and on dark colours.
const INKS = [["rgba(255, 255, 255, 0.4)", 0.8], ["rgba(45, 25, 40, 0.4)", 0]]; // colour, offset in CSS pixels

/** Dots per side of the square and their radius; distance between lines, and whether they cross. */
const PATTERNS = {
    "dots-sparse": { dots: 1, radius: 1.1 },
    "dots": { dots: 2, radius: 1.1 },
    "dots-dense": { dots: 4, radius: 0.9 },
    "lines-sparse": { gap: 16 },
    "lines": { gap: 8 },
    "lines-dense": { gap: 4 },
    "cross": { gap: 16, crossed: true },
    "cross-dense": { gap: 8, crossed: true },
};

export const patternNames = ["plain", ...Object.keys(PATTERNS)];

/** Draws the pattern over a canvas of `width` × `height` CSS pixels. */
function draw(context, name, width, height) {
    if (!PATTERNS[name]) return;
    for (const [ink, offset] of INKS) {
        context.save();
        context.translate(offset, offset);
        context.fillStyle = context.strokeStyle = ink;
        strokes(context, PATTERNS[name], width, height);
        context.restore();
    }
}

function strokes(context, pattern, width, height) {
    if (pattern.dots) {
        const step = SIZE / pattern.dots;
        for (let y = step / 2; y < height; y += step) {
            for (let x = step / 2; x < width; x += step) {
                context.beginPath();
                context.arc(x, y, pattern.radius, 0, 2 * Math.PI);
                context.fill();
            }
        }
        return;
    }
    context.lineWidth = 0.8;
    context.beginPath();
    for (let x = -height - SIZE; x <= width + height + SIZE; x += pattern.gap) {
        context.moveTo(x - 2, height + 2);
        context.lineTo(x + height + 2, -2);
        if (pattern.crossed) {
            context.moveTo(x - 2, -2);
            context.lineTo(x + height + 2, height + 2);
        }
    }
    context.stroke();
}

/** The repeating image of a pattern, for `map.addImage`. */
export function patternImage(name, ratio) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIZE * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    draw(context, name, SIZE, SIZE);
    return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** A small picture of a colour and its pattern; decoration, so the text beside it has to say what it means. */
export function swatch(color, pattern, shape = "area") {
    const width = 30, height = 20, ratio = 2;
    const canvas = document.createElement("canvas");
    canvas.className = "swatch";
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.setAttribute("aria-hidden", "true");
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = context.strokeStyle = color;
    if (shape === "line") {
        context.lineWidth = 4;
        context.lineCap = "round";
        context.beginPath();
        context.moveTo(4, height / 2);
        context.lineTo(width - 4, height / 2);
        context.stroke();
    } else if (shape === "point") {
        context.beginPath();
        context.arc(width / 2, height / 2, 7, 0, 2 * Math.PI);
        context.fill();
    } else {
        context.fillRect(0, 0, width, height);
        draw(context, pattern, width, height);
        context.strokeStyle = "#5a6670";
        context.lineWidth = 1;
        context.strokeRect(0.5, 0.5, width - 1, height - 1);
    }
    return canvas;
}
