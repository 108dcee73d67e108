// The room that shows what the model makes of a poem, in pictures.

import { chart } from "./chart.js";
import { bringUp, clearErrors, find, run, say } from "./room.js";
import { element } from "./verse.js";

async function show() {
  clearErrors("inside");
  say("inside", "Looking…");
  bringUp("inside");
  const button = find("inside-form").querySelector("[type=submit]");
  button.disabled = true;
  let poem = null;
  const isDone = await run("inside", "inside", { poem: find("inside-poem").value }, (item) => {
    if (item.poem) {
      poem = item.poem;
      const text = poem.lines.map((line) => line[poem.script] + line.mark).join("");
      find("pictures").replaceChildren(element("h2", { lang: "zh", textContent: poem.title ? `《${poem.title}》` : text.slice(0, 12) }));
    } else if (item.picture) {
      find("pictures").append(...chart(item, poem));
    }
  });
  button.disabled = false;
  if (isDone) {
    find("inside-progress").value = 1;
    say("inside", "Done.");
  }
}

/** Look inside a poem. */
export function look(text) {
  find("inside-poem").value = text;
  show();
}

find("inside-form").addEventListener("submit", (event) => { event.preventDefault(); show(); });
