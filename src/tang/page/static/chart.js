// A picture: bars for each character of a poem, line by line, side by side where there are several series.

import { element } from "./verse.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, FOOT] = [44, 110, 34]; // of a character's place, of the bars above it, of the character below
const BARS = { 1: [13, [15]], 2: [13, [8, 23]], 3: [10, [5, 17, 29]] }; // how many: their width, their left edges
const KEYS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Its elements: heading, sentence, and if there are series, a legend, a drawing for each line, and a table. */
export function chart({ title, about, missing, unit, step, series }, poem) {
  const head = [element("h3", { textContent: title }), element("p", { textContent: about })];
  if (missing) head.push(element("p", { className: "help", textContent: missing }));
  if (!series.length) return head;
  const all = series.flatMap(({ values }) => values.flat());
  const most = Math.ceil(Math.max(step, ...all) / step) * step;
  const least = Math.floor(Math.min(0, ...all) / step) * step;
  const top = (value) => 4 + ((most - value) / (most - least)) * (HEIGHT - 4);
  const idle = "Point at a character, or reach it with Tab and the arrow keys, to read its numbers.";
  const detail = element("p", { className: "detail", textContent: idle });
  const onPoint = (said) => { detail.textContent = said ?? idle; };
  const rules = Array.from({ length: Math.round((most - least) / step) + 1 }, (_, index) => least + index * step).filter((value) => value > least || value === 0);
  const lines = poem.lines.map((line, number) => drawing([...line[poem.script]], series, number, rules, top, onPoint));
  const drawings = element("div", { className: "drawings" }, ...lines);
  const marks = lines.flatMap((line) => [...line.querySelectorAll("[tabindex]")]);
  if (marks[0]) marks[0].setAttribute("tabindex", "0");
  drawings.addEventListener("keydown", (event) => move(event, marks));
  const names = series.map(({ name }, index) => element("span", {}, sample(index), ` ${name}`));
  const legend = element("p", { className: "legend" }, ...names, `Each rule stands for ${step}${unit ? ` ${unit}` : ""} more.`);
  return [...head, legend, drawings, detail, table(poem, series, unit)];
}

function drawing(characters, series, number, rules, top, onPoint) {
  const [width, height] = [characters.length * WIDTH, HEIGHT + FOOT];
  const ruled = rules.map((value) => drawn("line", { class: value ? "rule" : "rule zero", x1: 0, x2: width, y1: top(value), y2: top(value) }));
  const [wide, edges] = BARS[series.length];
  const columns = characters.map((character, place) => {
    const numbers = series.map(({ values }) => values[number][place]);
    const said = `${character}: ${series.map((one, index) => `${numbers[index]} ${one.said}`).join(", ")}`;
    const left = place * WIDTH;
    const bars = numbers.map((value, index) => drawn("rect", {
      class: `bar-${index + 1}`, x: left + edges[index], y: top(Math.max(value, 0)), width: wide, height: Math.abs(top(value) - top(0)),
    }));
    const glyph = drawn("text", { x: left + WIDTH / 2, y: height - 9, lang: "zh", "text-anchor": "middle" });
    glyph.textContent = character;
    const column = drawn("g", { role: "img", "aria-label": said, tabindex: -1 }, drawn("rect", { class: "ground", x: left, y: 0, width: WIDTH, height }), ...bars, glyph);
    for (const event of ["mouseenter", "focus", "click"]) column.addEventListener(event, () => onPoint(said));
    for (const event of ["mouseleave", "blur"]) column.addEventListener(event, () => onPoint(null));
    return column;
  });
  const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `Line ${number + 1}: ${characters.join("")}` }, ...ruled, ...columns);
  return element("div", { className: "drawing" }, picture);
}

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function sample(index) {
  return drawn("svg", { width: 14, height: 14, "aria-hidden": "true" }, drawn("rect", { class: `bar-${index + 1}`, x: 1, y: 1, width: 12, height: 12 }));
}

function table(poem, series, unit) {
  const cell = (text, name = "td", more = {}) => element(name, { textContent: text, ...more });
  const names = series.map(({ name }) => (unit ? `${name}, ${unit}` : name));
  const head = ["Line", "Character", ...names].map((text) => cell(text, "th", { scope: "col" }));
  const rows = poem.lines.flatMap((line, number) => [...line[poem.script]].map((character, place) => {
    const values = series.map((one) => cell(one.values[number][place]));
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
