// What the rooms share: a request with its bar, its message and its stop button.

import { showError } from "./settings.js";
import { Refusal, lines } from "./stream.js";

export const find = (id) => document.getElementById(id);

export const say = (room, message) => { find(`${room}-status`).textContent = message; };

/** Send a room's request; `take` hears each line of the answer. Resolves to whether it came to its end. */
export async function run(room, values, take) {
  const stop = find(`stop-${room}`);
  const controller = new AbortController();
  stop.onclick = () => controller.abort();
  stop.disabled = false;
  const bar = find(`${room}-progress`);
  bar.removeAttribute("value");
  bringUp(bar.parentElement);
  try {
    for await (const item of lines(room, values, controller.signal)) take(item);
    return true;
  } catch (error) {
    if (error.name === "AbortError") say(room, "Stopped.");
    else if (error instanceof Refusal) say(room, showError(error) ? "One choice needs another look." : error.message);
    else say(room, "The server doesn't answer; is it still running?");
    return false;
  } finally {
    stop.disabled = true;
    if (!bar.hasAttribute("value")) bar.value = 0;
  }
}

/** Where the results stand below the controls, scroll to them. */
function bringUp(results) {
  if (matchMedia("(max-width: 56rem)").matches) results.scrollIntoView();
}
