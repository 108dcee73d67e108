// The room where poems are written and changed.

import { card, waiting } from "./card.js";
import { anew, offer, places, textOf } from "./changing.js";
import { look } from "./inside.js";
import { bringUp, clearErrors, find, run, say } from "./room.js";
import { open } from "./rooms.js";
import { asText } from "./saving.js";
import { controls, fill, fragment, request, shape } from "./settings.js";

const view = { vertical: find("vertical"), traditional: find("traditional"), tones: find("show-tones"), surprise: find("show-surprise") };
const IN_LINKS = ["vertical", "traditional"];
const WAIT = "Wait until all are written, or press Stop.";

// A poem has what the server tells of it, its number among those written together, the places that are locked, and the
// poem that it was before it was changed. States and poems aren't changed but replaced, so that Undo can go back.
let written = { values: controls(), poems: [], shown: null }; // what is on the page
const earlier = []; // what was there before, for Undo
let isWriting = false;
let rounds = 0; // how often a rest was written anew: each time by another seed

/** Write the poems that the controls ask for; `shown` is the number of one to point out. Resolves to whether it could. */
async function write(shown = null) {
  if (isWriting) return false;
  isWriting = true;
  clearErrors("write");
  const values = controls();
  const count = Math.min(12, Math.max(1, Number(values.n) || 1));
  const before = written;
  written = { values, poems: Array(count).fill(null), shown };
  say("write", "Writing…");
  draw();
  bringUp("write");
  let number = 0;
  const isDone = await run("write", "write", request(values), ({ seed, poem }) => {
    if (seed !== undefined) {
      values.seed = String(seed);
      keep(before);
      tellAddress();
    } else {
      written.poems[number] = { ...poem, number, locked: asked(values, poem), before: null };
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
  return isDone;
}

/** The places that a beginning and an acrostic asked for: they are locked. */
function asked(values, poem) {
  const count = (text) => (text.match(/\p{Script=Han}/gu) ?? []).length;
  const firsts = places(poem).filter((place) => place.endsWith(" 1"));
  return new Set([...places(poem).slice(0, count(values.start)), ...firsts.slice(0, count(values.acrostic))]);
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
  tellAddress();
  say("write", "As it was before.");
  draw();
}

/** The address that writes these poems again in this view, and changes those that were changed. */
function link(number = null) {
  const more = Object.fromEntries(IN_LINKS.filter((name) => view[name].checked).map((name) => [name, "true"]));
  for (const poem of written.poems) if (poem?.before) more[`poem${poem.number + 1}`] = textOf(poem);
  if (number !== null) more.card = String(number + 1);
  return location.pathname + fragment(written.values, more);
}

function tellAddress(number = null) {
  history.replaceState(null, "", link(number));
}

function draw() {
  const list = find("poems");
  list.classList.toggle("vertical", view.vertical.checked);
  list.classList.toggle("without-tones", !view.tones.checked);
  list.classList.toggle("without-surprise", !view.surprise.checked);
  list.replaceChildren(...written.poems.map((poem, number) => (poem ? drawn(poem) : waiting(number, shape()))));
}

function drawn(poem) {
  const script = view.traditional.checked ? "traditional" : "simplified";
  const changed = (other) => ({ ...other, number: poem.number, locked: poem.locked, before: poem });
  const wishes = request(written.values);
  const made = card(poem, {
    script,
    isVertical: view.vertical.checked,
    linked: () => tellAddress(poem.number),
    choose: (at, line, place) => offer(at, poem, line, place, {
      script,
      wishes,
      replace: (other) => change(poem, changed(other), { line, place }),
      lock: (locked) => (isWriting ? say("write", WAIT) : put(poem, { ...poem, locked }, line, place)),
    }),
    inside: () => { open("inside"); look(asText(poem, poem.script)); },
    remove: () => remove(poem),
    undo: () => change(poem, { ...poem.before, locked: poem.locked }, { message: "As it was before." }),
    rest: () => writeRest(poem, wishes, changed),
    say: (message) => say("write", message),
  });
  made.classList.toggle("shown", poem.number === written.shown);
  return made;
}

/** Put another poem in the place of one, so that Undo brings it back. */
function change(poem, other, { line = 1, place = 1, message = "Changed; Undo brings back what was there." } = {}) {
  if (isWriting) return say("write", WAIT);
  keep(written);
  put(poem, other, line, place);
  tellAddress();
  say("write", message);
}

/** The same without Undo. The focus is at a character afterwards, or without `place` at the button of the line. */
function put(poem, other, line, place) {
  const index = written.poems.indexOf(poem);
  written = { ...written, poems: written.poems.with(index, other) };
  const made = drawn(other);
  find("poems").children[index].replaceWith(made);
  const row = made.querySelectorAll(".line")[line - 1];
  const button = place === null ? row.querySelector(".of-line") : row.querySelectorAll(".cell")[place - 1];
  for (const cell of made.querySelectorAll(".verse button")) cell.tabIndex = cell === button ? 0 : -1;
  button.focus({ preventScroll: true });
}

/** Write all of a poem anew that isn't locked. */
async function writeRest(poem, wishes, changed) {
  if (isWriting) return WAIT;
  isWriting = true;
  rounds += 1;
  say("write", "Writing the rest…");
  const open = new Set(places(poem).filter((place) => !poem.locked.has(place)));
  let found = null;
  const seed = (wishes.seed + rounds) % 2 ** 32;
  await run("write", "write", anew(poem, { ...wishes, seed }, open, 1), ({ poem: other }) => { found = other ?? found; });
  isWriting = false;
  if (!found) return null;
  find("write-progress").value = 1;
  change(poem, changed(found));
  return null;
}

function remove(poem) {
  if (isWriting) return WAIT;
  keep(written);
  written = { ...written, poems: written.poems.filter((other) => other !== poem), shown: null };
  draw();
  find("undo").focus();
  return "Removed; Undo brings it back.";
}

/** Write what a link's texts ask for, and put in the poems that were changed. */
export async function follow(values) {
  for (const name of IN_LINKS) view[name].checked = values[name] === "true";
  fill(values);
  if (!(await write(values.card ? Number(values.card) - 1 : null))) return;
  isWriting = true;
  for (const poem of written.poems) {
    const text = values[`poem${poem.number + 1}`];
    if (text) await run("write", "check", { poem: text, suggestions: 0 }, ({ report }) => report && putBack(poem, report));
  }
  isWriting = false;
  tellAddress();
}

/** Put a changed poem in the place of the one that was written, as its report has it. */
function putBack(poem, { lines, script, pattern, rhyme }) {
  const index = written.poems.indexOf(poem);
  const other = { ...poem, lines, script, pattern: poem.pattern && pattern, rhyme: poem.rhyme && rhyme, before: poem };
  written = { ...written, poems: written.poems.with(index, other) };
  find("poems").children[index].replaceWith(drawn(other));
}

find("settings").addEventListener("submit", (event) => { event.preventDefault(); write(); });
find("undo").addEventListener("click", undo);
find("clear").addEventListener("click", () => { fill({}); clearErrors("write"); });
for (const box of Object.values(view)) {
  box.addEventListener("change", () => {
    draw();
    if (written.poems.some(Boolean)) tellAddress(); // so that the page is the same after it is loaded again
  });
}
