// Other characters and lines in the place of those that a poem has, and what is locked meanwhile.

import { closePopover, openPopover } from "./popover.js";
import { Refusal, lines } from "./stream.js";
import { describe, element, placed } from "./verse.js";

const WISHES = ["title", "rhyme", "tones", "no_repeat", "contains", "avoid", "temperature", "seed"];
const GAP = "□";
const CHARACTERS = 5; // offered in the place of one
const LINES = 5;

/** All places of a poem, or those of one line. */
export function places(poem, only = null) {
  return poem.lines.flatMap((line, number) => [...line.tones].map((_, place) => [number + 1, place + 1]))
    .filter(([number]) => only === null || number === only).map(([number, place]) => placed(number, place));
}

/** The request that writes some places of a poem anew, by the wishes that the poem was written by. */
export function anew(poem, wishes, open, n) {
  const text = poem.lines.map((line, number) =>
    [...line[poem.script]].map((character, place) => (open.has(placed(number + 1, place + 1)) ? GAP : character)).join("") + line.mark);
  const kept = Object.fromEntries(WISHES.filter((name) => name in wishes).map((name) => [name, wishes[name]]));
  return { ...kept, poem: [text.join("")], n };
}

/** The text of a poem, for a link. */
export const textOf = (poem) => anew(poem, {}, new Set(), 1).poem[0];

/**
 * Offer what could stand in the place of a character, or of a line if `place` is null, at the button of it. `wishes` is
 * the request for the poem; `replace` takes the poem that is chosen, `lock` the places that are locked from then on.
 */
export function offer(at, poem, line, place, { script, wishes, replace, lock }) {
  const controller = new AbortController();
  const own = place === null ? places(poem, line) : [placed(line, place)];
  const open = new Set(place === null ? own.filter((one) => !poem.locked.has(one)) : own);
  const isLocked = own.every((one) => poem.locked.has(one));
  const label = place === null ? `Line ${line}` : `Line ${line}, character ${place}`;
  const textIn = (other) => (place === null ? other.lines[line - 1][script] : [...other.lines[line - 1][script]][place - 1]);

  const status = element("p", { className: "help", textContent: "Looking…" });
  status.setAttribute("role", "status");
  const count = place === null ? LINES : CHARACTERS;
  const choices = Array.from({ length: count }, () => element("button", { type: "button", className: "choice-of", disabled: true, lang: "zh", textContent: "　" }));
  const list = element("div", { className: place === null ? "choices of-lines" : "choices" }, ...choices);
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", place === null ? "Other lines" : "Other characters");

  let round = 0;
  async function look() {
    const seen = new Set([textIn(poem)]);
    const seed = ((wishes.seed ?? 1) + round) % 2 ** 32;
    let found = 0;
    more.disabled = true;
    status.textContent = "Looking…";
    try {
      const request = anew(poem, { ...wishes, seed }, open, place === null ? LINES : CHARACTERS + 1);
      for await (const { poem: other } of lines("write", request, controller.signal)) {
        if (!other || seen.has(textIn(other)) || found === count) continue;
        seen.add(textIn(other));
        const button = choices[found];
        Object.assign(button, { textContent: textIn(other), disabled: false, onclick: () => { closePopover(); replace(other); } });
        found += 1;
      }
      status.textContent = found ? "These suit the whole poem. Choose one to put it in; Undo brings back what was there." : "Nothing else that suits the poem was found.";
    } catch (error) {
      if (error.name === "AbortError") return;
      status.textContent = error instanceof Refusal ? error.message : "The server doesn't answer; is it still running?";
    }
    more.disabled = place !== null;
    for (const button of choices.slice(found)) Object.assign(button, { disabled: true, textContent: "　" });
  }

  const more = element("button", { type: "button", textContent: "More", title: "Look for others" });
  more.addEventListener("click", () => { round += 1; look(); });
  const locking = element("button", { type: "button", textContent: place === null ? "Lock the line" : "Lock" });
  locking.setAttribute("aria-pressed", String(isLocked));
  locking.addEventListener("click", () => {
    const locked = new Set(poem.locked);
    for (const one of own) isLocked ? locked.delete(one) : locked.add(one);
    closePopover();
    lock(locked);
  });
  const close = element("button", { type: "button", textContent: "Close" });
  close.addEventListener("click", closePopover);
  const whole = element("button", { type: "button", textContent: "The whole line" });
  whole.addEventListener("click", () => offer(at, poem, line, null, { script, wishes, replace, lock }));

  const heading = element("h3", {}, `${label}: `, element("span", { lang: "zh", textContent: textIn(poem) }));
  const said = place === null ? [] : [element("p", { className: "help", textContent: describe(poem.lines[line - 1], place - 1, script, { isLocked }) })];
  const actions = element("div", { className: "actions" }, ...(place === null ? [more] : [whole]), locking, close);
  openPopover(at, label, [heading, ...said, list, status, actions], () => controller.abort());
  if (open.size) look();
  else status.textContent = "All of it is locked.";
}
