// A picture: how surprising each character was, line by line, to the model and to a trigram model.

import { element } from "./verse.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, FOOT] = [44, 110, 34]; // of a character's place, of the bars above it, of the character below
const STEP = 5; // bits from one rule to the next
const KEYS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Its elements: heading, sentence, legend, a drawing for each line, and the numbers as a table. */
export function surprise({ about, missing, model, trigram }, poem) {
  const most = Math.ceil(Math.max(STEP, ...model.flat(), ...(trigram ?? []).flat()) / STEP) * STEP;
  const idle = "Point at a character, or reach it with Tab and the arrow keys, to read its numbers.";
  const detail = element("p", { className: "detail", textContent: idle });
  const onPoint = (said) => { detail.textContent = said ?? idle; };
  const lines = poem.lines.map((line, number) => drawing([...line[poem.script]], model[number], trigram?.[number], number + 1, most, onPoint));
  const drawings = element("div", { className: "drawings" }, ...lines);
  const marks = lines.flatMap((line) => [...line.querySelectorAll("[tabindex]")]);
  if (marks[0]) marks[0].setAttribute("tabindex", "0");
  drawings.addEventListener("keydown", (event) => move(event, marks));
  const legend = element("p", { className: "legend" }, element("span", {}, sample("model-bar"), " the model"));
  if (trigram) legend.append(element("span", {}, sample("trigram-bar"), " the trigram model"));
  legend.append(`Each rule stands for ${STEP} bits more.`);
  return [
    element("h3", { textContent: "Surprise, character by character" }),
    element("p", { textContent: about }), ...(missing ? [element("p", { className: "help", textContent: missing })] : []),
    legend, drawings, detail, table(poem, model, trigram),
  ];
}

function drawing(characters, model, trigram, number, most, onPoint) {
  const [width, height] = [characters.length * WIDTH, HEIGHT + FOOT];
  const top = (bits) => HEIGHT - (bits / most) * (HEIGHT - 4);
  const rules = Array.from({ length: most / STEP }, (_, index) =>
    drawn("line", { class: "rule", x1: 0, x2: width, y1: top(STEP * (index + 1)), y2: top(STEP * (index + 1)) }));
  const columns = characters.map((character, place) => {
    const said = `${character}: ${model[place]} bits for the model${trigram ? `, ${trigram[place]} for the trigram model` : ""}`;
    const left = place * WIDTH;
    const bars = [bar("model-bar", left + (trigram ? 8 : 14), top(model[place]))];
    if (trigram) bars.push(bar("trigram-bar", left + 23, top(trigram[place])));
    const glyph = drawn("text", { x: left + WIDTH / 2, y: height - 9, lang: "zh", "text-anchor": "middle" });
    glyph.textContent = character;
    const column = drawn("g", { role: "img", "aria-label": said, tabindex: -1 }, drawn("rect", { class: "ground", x: left, y: 0, width: WIDTH, height }), ...bars, glyph);
    for (const event of ["mouseenter", "focus", "click"]) column.addEventListener(event, () => onPoint(said));
    for (const event of ["mouseleave", "blur"]) column.addEventListener(event, () => onPoint(null));
    return column;
  });
  const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `Line ${number}: ${characters.join("")}` }, ...rules, ...columns);
  return element("div", { className: "drawing" }, picture);
}

const bar = (name, x, y) => drawn("rect", { class: name, x, y, width: 13, height: HEIGHT - y });

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function sample(name) {
  return drawn("svg", { width: 14, height: 14, "aria-hidden": "true" }, drawn("rect", { class: name, x: 1, y: 1, width: 12, height: 12 }));
}

function table(poem, model, trigram) {
  const cell = (text, name = "td", more = {}) => element(name, { textContent: text, ...more });
  const head = ["Line", "Character", "Model, bits", ...(trigram ? ["Trigram, bits"] : [])].map((text) => cell(text, "th", { scope: "col" }));
  const rows = poem.lines.flatMap((line, number) => [...line[poem.script]].map((character, place) => {
    const values = [model, ...(trigram ? [trigram] : [])].map((bits) => cell(bits[number][place].toFixed(1)));
    return element("tr", {}, cell(number + 1), cell(character, "th", { scope: "row", lang: "zh" }), ...values);
  }));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  return element("details", {}, element("summary", { textContent: "The numbers as a table" }), made);
}

function move(event, marks) {
  const next = marks[marks.indexOf(event.target) + KEYS[event.key]];
  if (!(event.key in KEYS)) return;
  event.preventDefault();
  if (!next) return;
  for (const mark of marks) mark.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}
