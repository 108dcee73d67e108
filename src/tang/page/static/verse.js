// A poem as elements: lines of cells, each a character with its tone, its rhyme and its surprise.

const SIGNS = { "平": "○", "仄": "●", "中": "◐", "入": "入", "？": "·" };
const WANTED = { "平": "○", "仄": "●", "中": "·" };
const TONES = {
  "平": "level tone (平)", "仄": "oblique tone (仄)", "中": "level or oblique (平仄)",
  "入": "entering tone (入声), oblique", "？": "not in the rhyme book",
};
const ARROWS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Lines of blank cells, which take the room of a poem. */
export function blank([characters, lines]) {
  const text = "　".repeat(characters);
  return Array.from({ length: lines }, () => ({ simplified: text, traditional: text, mark: "　", tones: text, surprise: [] }));
}

/** What is to say of a character, in words; `others` are those that the model had in mind too. */
export function describe(line, place, script, { slip, isLocked } = {}) {
  const bits = line.surprise[place];
  const parts = [TONES[line.tones[place]]];
  if (slip) parts.push(slip);
  if (line.rhymes && place === line.tones.length - 1) parts.push("rhymes");
  if (isLocked) parts.push("locked");
  parts.push(`surprise ${bits} bits, expected 1 time in ${Math.max(1, Math.round(2 ** bits)).toLocaleString("en")}`);
  const others = line.others[place];
  const share = (number) => (others.shares[number] < 1 ? "<1" : Math.round(others.shares[number]));
  parts.push(`likely here too: ${[...others[script]].map((other, number) => `${other} ${share(number)}\u00a0%`).join(", ")}`);
  return parts.join(" · ");
}

/** How the place of a character is written in sets of them, both counted from 1. */
export const placed = (line, place) => `${line} ${place}`;

/**
 * The verse of a poem. One of its cells is a tab stop, arrows lead to the others; `onPoint` hears what the one that is
 * pointed at says, or null. `slips` are place → what should stand there, `locked` the places of what stays. With
 * `onChoose` a character that is chosen tells its line and place, and lines have a button that tells the line alone.
 */
export function verse(lines, script, { onPoint = () => {}, onChoose = null, slips = {}, locked = new Set(), wanted = false } = {}) {
  const rows = lines.map((line, number) => {
    const cells = [...line[script]].map((character, place) => {
      const at = placed(number + 1, place + 1);
      const slip = slips[at];
      const isLocked = locked.has(at);
      const cell = element("button", { type: "button", className: "cell", tabIndex: -1 });
      cell.append(
        element("span", { className: "glyph", lang: "zh", textContent: character }),
        sign("tone", SIGNS[line.tones[place]] ?? "　"),
      );
      if (wanted && line.wanted) cell.append(sign("wanted", WANTED[line.wanted[place]]));
      if (line.surprise.length) {
        const said = describe(line, place, script, { slip, isLocked });
        const text = `${character} · ${said}`;
        cell.append(element("span", { className: "said", textContent: said }));
        cell.style.setProperty("--surprise", Math.min(45, line.surprise[place] * 3.2));
        cell.classList.toggle("shaded", line.surprise[place] > 5);
        for (const event of ["mouseenter", "focus", "click"]) cell.addEventListener(event, () => onPoint(text));
        for (const event of ["mouseleave", "blur"]) cell.addEventListener(event, () => onPoint(null));
        if (onChoose) {
          cell.setAttribute("aria-haspopup", "dialog");
          cell.addEventListener("click", () => onChoose(cell, number + 1, place + 1));
        }
      } else {
        cell.disabled = true;
      }
      cell.classList.toggle("rhymes", Boolean(line.rhymes) && place === line.tones.length - 1);
      cell.classList.toggle("slip", Boolean(slip));
      cell.classList.toggle("locked", isLocked);
      return cell;
    });
    const mark = element("span", { className: "mark", lang: "zh", textContent: line.mark });
    return element("div", { className: "line" }, ...cells, mark, ...(onChoose ? [ofLine(number + 1, onChoose)] : []));
  });
  const made = element("div", { className: "verse" }, ...rows);
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", lines.map((line) => line[script] + line.mark).join("").trim() || "a poem to come");
  const grid = rows.map((row) => [...row.querySelectorAll("button")]);
  const first = made.querySelector(".cell");
  if (first) first.tabIndex = 0;
  made.addEventListener("keydown", (event) => move(event, grid));
  return made;
}

/** The button of a line. */
function ofLine(number, onChoose) {
  const button = element("button", { type: "button", className: "of-line", tabIndex: -1, textContent: number, title: "Other lines in its place" });
  button.setAttribute("aria-label", `Line ${number}`);
  button.setAttribute("aria-haspopup", "dialog");
  button.addEventListener("click", () => onChoose(button, number, null));
  return button;
}

/** A sign under a character, for the eye alone: the words for it stand in the cell too. */
function sign(className, textContent) {
  const made = element("span", { className, textContent });
  made.setAttribute("aria-hidden", "true");
  return made;
}

function move(event, grid) {
  const number = grid.findIndex((row) => row.includes(event.target));
  if (number < 0 || !(event.key in ARROWS)) return;
  let [down, right] = ARROWS[event.key];
  if (event.target.closest(".vertical")) [down, right] = [-right, down];
  const row = grid[Math.min(grid.length - 1, Math.max(0, number + down))];
  const place = grid[number].indexOf(event.target) + right;
  const next = row[Math.min(row.length - 1, Math.max(0, place))];
  event.preventDefault();
  for (const cell of grid.flat()) cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
