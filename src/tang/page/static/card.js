// A poem as a card, and the room of one that is still to come.

import { asText, copy, picture, save } from "./saving.js";
import { blank, element, verse } from "./verse.js";

const LABELS = {
  Remove: "Remove this poem", Copy: "Copy the poem", Text: "Save as text", Picture: "Save as a picture", Link: "Copy a link",
  Inside: "Look inside", "Step back": "Step back before the last change", "Write the rest anew": "Write the rest anew, all that isn't locked",
};

/** A card of the shape [characters, lines] without a poem. */
export function waiting(number, shape) {
  const buttons = Object.keys(LABELS).map((name) => element("button", { type: "button", textContent: name, disabled: true }));
  const made = laidOut(element("h2", { textContent: `Poem ${number + 1}` }), verse(blank(shape), "simplified", { onChoose: () => {} }),
    element("p", { className: "detail" }), buttons);
  made.classList.add("waiting");
  made.setAttribute("aria-hidden", "true");
  for (const button of made.querySelectorAll("button")) button.disabled = true;
  return made;
}

/**
 * The card of a poem in a script. `linked` makes the address that writes it again the page's own; `choose` hears of the
 * character or line that is to change; `inside`, `remove`, `undo` and `rest` do what their buttons say, and `say` tells
 * the reader what was done.
 */
export function card(poem, { script, isVertical, linked, choose, inside, remove, undo, rest, say }) {
  const about = [poem.form, poem.pattern, poem.rhyme && `${poem.rhyme}韵`].filter(Boolean).join("，");
  const missing = poem.missing.length ? ` No place was found for ${poem.missing.join("，")}.` : "";
  const detail = element("p", { className: "detail", textContent: about + missing });
  const heading = element("h2", { lang: "zh", textContent: poem.title ? `《${poem.title[script]}》` : poem.form });
  const text = asText(poem, script);
  const actions = {
    "Remove": async () => remove(),
    "Copy": async () => copy(text).then(() => "Copied."),
    "Text": async () => save(new Blob([text + "\n"], { type: "text/plain;charset=utf-8" }), "poem.txt"),
    "Picture": async () => save(await picture(poem, script, isVertical), "poem.png"),
    "Link": async () => {
      linked();
      return copy(location.href).then(() => "Link copied: it writes these poems again.");
    },
    "Inside": async () => inside(),
    "Step back": async () => undo(),
    "Write the rest anew": async () => rest(),
  };
  const buttons = Object.entries(actions).map(([name, act]) => {
    const button = element("button", { type: "button", textContent: name, title: LABELS[name] });
    button.setAttribute("aria-label", `${LABELS[name]}: ${poem.lines[0][script]}`);
    button.addEventListener("click", () => act().then((message) => message && say(message), () => say("The browser doesn't allow it; select the text instead.")));
    if (name === "Step back") button.disabled = !poem.before;
    if (name === "Write the rest anew") button.disabled = poem.locked.size === 0;
    return button;
  });
  const onPoint = (said) => { detail.textContent = said ?? about + missing; };
  const made = laidOut(heading, verse(poem.lines, script, { locked: poem.locked, onChoose: choose, onPoint }), detail, buttons);
  made.setAttribute("aria-label", heading.textContent);
  return made;
}

/** A card with Remove, the first of the buttons, in its corner. */
function laidOut(heading, poem, detail, [remove, ...others]) {
  return element("article", { className: "card" }, element("div", { className: "head" }, heading, remove), poem, detail,
    element("div", { className: "actions" }, ...others));
}
