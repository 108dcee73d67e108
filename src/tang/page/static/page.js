// The page's two rooms: Write and Check.

import { asText, copy, picture, save } from "./saving.js";
import { clearErrors, controls, fill, fragment, fromFragment, request, shape, showError } from "./settings.js";
import { Refusal, lines } from "./stream.js";
import { blank, element, verse } from "./verse.js";

const find = (id) => document.getElementById(id);
const view = { vertical: find("vertical"), traditional: find("traditional"), tones: find("show-tones"), surprise: find("show-surprise") };
const script = () => (view.traditional.checked ? "traditional" : "simplified");
const VIEW = ["vertical", "traditional"];

let written = { values: controls(), poems: [], shown: null }; // what is on the page: its request, poems in their places
let earlier = []; // what was there before, for Undo

/** Run a request with its stop button, bar and message; `take` hears each line. */
async function run(room, path, values, take) {
  const stop = find(`stop-${room === "write" ? "writing" : "checking"}`);
  const controller = new AbortController();
  const status = find(`${room}-status`);
  stop.onclick = () => controller.abort();
  stop.disabled = false;
  find(`${room}-progress`).removeAttribute("value");
  try {
    for await (const item of lines(path, values, controller.signal)) take(item);
    return true;
  } catch (error) {
    if (error.name === "AbortError") status.textContent = "Stopped.";
    else if (error instanceof Refusal) {
      const isShown = showError(error);
      status.textContent = isShown ? "One choice needs another look." : error.message;
    } else status.textContent = "The server doesn't answer; is it still running?";
    return false;
  } finally {
    stop.disabled = true;
    if (!find(`${room}-progress`).hasAttribute("value")) find(`${room}-progress`).value = 0;
  }
}

let isWriting = false;

async function write(shown = null) {
  if (isWriting) return;
  isWriting = true;
  clearErrors();
  const values = controls();
  const count = Math.min(12, Math.max(1, Number(values.n) || 1));
  const before = written;
  written = { values, poems: Array(count).fill(null), shown };
  find("write-status").textContent = "Writing…";
  draw();
  bringUp("write");
  let number = 0;
  const isDone = await run("write", "write", request(values), ({ seed, poem }) => {
    if (seed !== undefined) {
      values.seed = String(seed);
      keep(before);
      history.replaceState(null, "", link());
    } else {
      written.poems[number] = poem;
      find("poems").children[number].replaceWith(card(poem, number));
      number += 1;
      find("write-progress").value = number / count;
      find("write-status").textContent = `${number} of ${count} written, seed ${values.seed}.`;
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
  find("write-status").textContent = "As it was before.";
  draw();
}

/** The address that writes these poems again, in this view. */
function link(number = null) {
  const more = Object.fromEntries(VIEW.filter((name) => view[name].checked).map((name) => [name, "true"]));
  if (number !== null) more.card = String(number + 1);
  return location.pathname + fragment(written.values, more);
}

function draw() {
  const list = find("poems");
  list.classList.toggle("vertical", view.vertical.checked);
  list.classList.toggle("without-tones", !view.tones.checked);
  list.classList.toggle("without-surprise", !view.surprise.checked);
  list.replaceChildren(...written.poems.map((poem, number) => (poem ? card(poem, number) : waiting(number))));
}

function waiting(number) {
  const made = element("article", { className: "card waiting" }, element("h2", { textContent: `Poem ${number + 1}` }),
    verse(blank(shape()), "simplified"), element("p", { className: "detail" }), element("div", { className: "actions" }));
  made.lastChild.append(element("button", { type: "button", textContent: "…", disabled: true }));
  made.setAttribute("aria-hidden", "true");
  return made;
}

function card(poem, number) {
  const about = [poem.form, poem.pattern, poem.rhyme && `${poem.rhyme}韵`].filter(Boolean).join("，");
  const missing = poem.missing.length ? ` No place was found for ${poem.missing.join("，")}.` : "";
  const detail = element("p", { className: "detail", textContent: about + missing });
  const heading = element("h2", { lang: "zh", id: `poem-${number}`, textContent: poem.title ? `《${poem.title[script()]}》` : poem.form });
  const text = () => asText(poem, script());
  const actions = {
    "Copy": async () => copy(text()).then(() => "Copied."),
    "Text": async () => save(new Blob([text() + "\n"], { type: "text/plain;charset=utf-8" }), "poem.txt"),
    "Picture": async () => save(await picture(poem, script(), view.vertical.checked), "poem.png"),
    "Link": async () => {
      history.replaceState(null, "", link(number));
      return copy(location.href).then(() => "Link copied: it writes these poems again.");
    },
    "Remove": async () => remove(poem),
  };
  const labels = { Copy: "Copy the poem", Text: "Save as text", Picture: "Save as a picture", Link: "Copy a link", Remove: "Remove this poem" };
  const buttons = Object.entries(actions).map(([name, act]) => {
    const button = element("button", { type: "button", textContent: name, title: labels[name] });
    button.setAttribute("aria-label", `${labels[name]}: ${poem.lines[0][script()]}`);
    button.addEventListener("click", () => act().then((message) => message && say(message), () => say("The browser doesn't allow it; select the text instead.")));
    return button;
  });
  const made = element("article", { className: "card" }, heading,
    verse(poem.lines, script(), { onPoint: (said) => { detail.textContent = said ?? about + missing; } }),
    detail, element("div", { className: "actions" }, ...buttons));
  made.classList.toggle("shown", number === written.shown);
  made.setAttribute("aria-labelledby", heading.id);
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

const say = (message) => { find("write-status").textContent = message; };

/** Where the results stand below the controls, scroll to them. */
function bringUp(room) {
  if (matchMedia("(max-width: 56rem)").matches) find(`${room}-progress`).parentElement.scrollIntoView();
}

async function check() {
  clearErrors();
  find("check-status").textContent = "Reading…";
  bringUp("check");
  const button = find("poem-form").querySelector("[type=submit]");
  button.disabled = true;
  let asked = 0;
  let answered = 0;
  const isDone = await run("check", "check", { poem: find("key-poem").value }, ({ report, suggestions }) => {
    if (report) {
      asked = Math.min(report.remarks.filter((remark) => remark.place).length, 16);
      find("report").replaceChildren(...reported(report));
      find("check-status").textContent = asked ? "Looking for better characters…" : "Done.";
    } else {
      answered += 1;
      find("check-progress").value = answered / asked;
      const place = find(`suggested-${suggestions.line}-${suggestions.place}`);
      if (place && suggestions.characters) place.append("The model suggests ", element("b", { lang: "zh", textContent: suggestions.characters }));
    }
  });
  button.disabled = false;
  if (isDone) {
    find("check-progress").value = 1;
    find("check-status").textContent = "Done.";
  }
}

function reported(report) {
  const slips = Object.fromEntries(report.remarks.filter((remark) => remark.place).map((remark) => [`${remark.line} ${remark.place}`, remark.text]));
  const about = "Under each character its tone, and below it the pattern's, · where either will do. Point at one to read more.";
  const detail = element("p", { className: "detail", textContent: about });
  const poem = element("article", { className: "card" },
    verse(report.lines, report.script, { slips, wanted: true, onPoint: (said) => { detail.textContent = said ?? about; } }), detail);
  if (report.title) poem.prepend(element("h2", { lang: "zh", textContent: `《${report.title}》` }));
  poem.setAttribute("aria-label", "The poem");
  const rows = report.summary.flatMap(([term, said]) => [element("dt", { textContent: term }), element("dd", { textContent: said })]);
  const items = report.remarks.map((remark) => {
    const where = `Line ${remark.line}${remark.place ? `, character ${remark.place}` : ""}: `;
    const item = element("li", {}, element("p", {}, element("strong", { textContent: where }), remark.text), element("p", { className: "help", textContent: remark.why }));
    if (remark.place) item.append(element("p", { className: "suggested", id: `suggested-${remark.line}-${remark.place}` }));
    return item;
  });
  const list = items.length ? [element("h2", { textContent: "To look at" }), element("ol", {}, ...items)] : [element("p", { textContent: "Nothing to mend." })];
  return [poem, element("dl", {}, ...rows), ...list];
}

function open(room) {
  for (const name of ["write", "check"]) {
    find(name).hidden = name !== room;
    find(`tab-${name}`).setAttribute("aria-selected", String(name === room));
    find(`tab-${name}`).tabIndex = name === room ? 0 : -1;
  }
}

for (const name of ["write", "check"]) {
  const other = name === "write" ? "check" : "write";
  find(`tab-${name}`).addEventListener("click", () => open(name));
  find(`tab-${name}`).addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    open(other);
    find(`tab-${other}`).focus();
  });
}
find("settings").addEventListener("submit", (event) => { event.preventDefault(); write(); });
find("poem-form").addEventListener("submit", (event) => { event.preventDefault(); check(); });
find("undo").addEventListener("click", undo);
find("clear").addEventListener("click", () => { fill({}); clearErrors(); });
for (const box of Object.values(view)) box.addEventListener("change", draw);

function openLink() {
  const values = fromFragment();
  if (!values) return;
  for (const name of VIEW) view[name].checked = values[name] === "true";
  fill(values);
  open("write");
  write(values.card ? Number(values.card) - 1 : null);
}

window.addEventListener("hashchange", openLink);
openLink();
