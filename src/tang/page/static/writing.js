// The room where poems are written.

import { card, waiting } from "./card.js";
import { find, run, say } from "./room.js";
import { clearErrors, controls, fill, fragment, request, shape } from "./settings.js";

const view = { vertical: find("vertical"), traditional: find("traditional"), tones: find("show-tones"), surprise: find("show-surprise") };
const IN_LINKS = ["vertical", "traditional"];

let written = { values: controls(), poems: [], shown: null }; // what is on the page
const earlier = []; // what was there before, for Undo
let isWriting = false;

/** Write the poems that the controls ask for; `shown` is the number of one to point out. */
async function write(shown = null) {
  if (isWriting) return;
  isWriting = true;
  clearErrors();
  const values = controls();
  const count = Math.min(12, Math.max(1, Number(values.n) || 1));
  const before = written;
  written = { values, poems: Array(count).fill(null), shown };
  say("write", "Writing…");
  draw();
  let number = 0;
  const isDone = await run("write", request(values), ({ seed, poem }) => {
    if (seed !== undefined) {
      values.seed = String(seed);
      keep(before);
      history.replaceState(null, "", link());
    } else {
      written.poems[number] = { ...poem, number };
      find("poems").children[number].replaceWith(drawn(written.poems[number]));
      number += 1;
      find("write-progress").value = number / count;
      say("write", `${number} of ${count} written, seed ${values.seed}.`);
    }
  });
  isWriting = false;
  if (number === 0) written = before;
  else written.poems.length = number;
  if (!isDone) draw();
  if (shown !== null) find("poems").children[shown]?.scrollIntoView({ block: "nearest" });
}

/** Remember what is on the page. */
function keep(state) {
  if (state.poems.length) earlier.push(state);
  find("undo").disabled = earlier.length === 0;
}

function undo() {
  if (isWriting || !earlier.length) return;
  written = earlier.pop();
  find("undo").disabled = earlier.length === 0;
  fill(written.values);
  say("write", "As it was before.");
  draw();
}

/** The address that writes these poems again, in this view. */
function link(number = null) {
  const more = Object.fromEntries(IN_LINKS.filter((name) => view[name].checked).map((name) => [name, "true"]));
  if (number !== null) more.card = String(number + 1);
  return location.pathname + fragment(written.values, more);
}

function draw() {
  const list = find("poems");
  list.classList.toggle("vertical", view.vertical.checked);
  list.classList.toggle("without-tones", !view.tones.checked);
  list.classList.toggle("without-surprise", !view.surprise.checked);
  list.replaceChildren(...written.poems.map((poem, number) => (poem ? drawn(poem) : waiting(number, shape()))));
}

function drawn(poem) {
  const made = card(poem, {
    script: view.traditional.checked ? "traditional" : "simplified",
    isVertical: view.vertical.checked,
    linked: () => history.replaceState(null, "", link(poem.number)),
    remove: () => remove(poem),
    say: (message) => say("write", message),
  });
  made.classList.toggle("shown", poem.number === written.shown);
  return made;
}

function remove(poem) {
  if (isWriting) return "Wait until all are written, or press Stop.";
  keep(written);
  written = { ...written, poems: written.poems.filter((other) => other !== poem), shown: null };
  draw();
  find("undo").focus();
  return "Removed; Undo brings it back.";
}

/** Write what a link's texts ask for. */
export function follow(values) {
  for (const name of IN_LINKS) view[name].checked = values[name] === "true";
  fill(values);
  write(values.card ? Number(values.card) - 1 : null);
}

find("settings").addEventListener("submit", (event) => { event.preventDefault(); write(); });
find("undo").addEventListener("click", undo);
find("clear").addEventListener("click", () => { fill({}); clearErrors(); });
for (const box of Object.values(view)) box.addEventListener("change", draw);
