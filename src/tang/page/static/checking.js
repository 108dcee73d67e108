// The room where poems are checked.

import { bringUp, clearErrors, find, run, say } from "./room.js";
import { element, placed, verse } from "./verse.js";

async function check() {
  clearErrors("check");
  say("check", "Reading…");
  bringUp("check");
  const button = find("poem-form").querySelector("[type=submit]");
  button.disabled = true;
  let asked = 0;
  let answered = 0;
  const isDone = await run("check", "check", { poem: find("key-poem").value }, ({ report, copies, suggestions }) => {
    if (report) {
      asked = Math.min(report.remarks.filter((remark) => remark.place).length, 16);
      find("report").replaceChildren(...reported(report));
      say("check", asked ? "Looking for better characters…" : "Done.");
    } else if (copies) {
      find("copies").textContent = copies;
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
    say("check", "Done.");
  }
}

/** The elements of a report. */
function reported(report) {
  const slips = Object.fromEntries(report.remarks.filter((remark) => remark.place).map((remark) => [placed(remark.line, remark.place), remark.text]));
  const about = "Under each character its tone, and below it the pattern's, · where either will do. Point at one to read more.";
  const detail = element("p", { className: "detail", textContent: about });
  const poem = element("article", { className: "card" },
    verse(report.lines, report.script, { slips, wanted: true, onPoint: (said) => { detail.textContent = said ?? about; } }), detail);
  if (report.title) poem.prepend(element("h2", { lang: "zh", textContent: `《${report.title}》` }));
  poem.setAttribute("aria-label", "The poem");
  const rows = report.summary.flatMap(([term, said]) => [element("dt", { textContent: term }), element("dd", { textContent: said })]);
  rows.push(element("dt", { textContent: "In the model's corpus" }), element("dd", { id: "copies", textContent: "Looking…" }));
  const items = report.remarks.map((remark) => {
    const where = `Line ${remark.line}${remark.place ? `, character ${remark.place}` : ""}: `;
    const item = element("li", {}, element("p", {}, element("strong", { textContent: where }), remark.text), element("p", { className: "help", textContent: remark.why }));
    if (remark.place) item.append(element("p", { className: "suggested", id: `suggested-${remark.line}-${remark.place}` }));
    return item;
  });
  const list = items.length ? [element("h2", { textContent: "To look at" }), element("ol", {}, ...items)] : [element("p", { textContent: "Nothing to mend." })];
  return [poem, element("dl", {}, ...rows), ...list];
}

find("poem-form").addEventListener("submit", (event) => { event.preventDefault(); check(); });
