// What the rooms share: a request with its bar, its message and its stop button, and mistakes at their controls.

import { Refusal, lines } from "./stream.js";

export const find = (id) => document.getElementById(id);

export const say = (room, message) => { find(`${room}-status`).textContent = message; };

/** Send a room's request to `path`; `take` hears each line of the answer. Resolves to whether it came to its end. */
export async function run(room, path, values, take) {
  const stop = find(`stop-${room}`);
  const controller = new AbortController();
  stop.onclick = () => controller.abort();
  stop.disabled = false;
  const bar = find(`${room}-progress`);
  bar.removeAttribute("value");
  try {
    for await (const item of lines(path, values, controller.signal)) take(item);
    return true;
  } catch (error) {
    if (error.name === "AbortError") say(room, "Stopped.");
    else if (error instanceof Refusal) say(room, showError(room, error) ? "One choice needs another look." : error.message);
    else say(room, "The server doesn't answer; is it still running?");
    return false;
  } finally {
    stop.disabled = true;
    if (!bar.hasAttribute("value")) bar.value = 0;
  }
}

/** Where a room's results stand below its controls, scroll to them. */
export function bringUp(room) {
  if (matchMedia("(max-width: 56rem)").matches) find(`${room}-progress`).parentElement.scrollIntoView();
}

/** Show a refusal at the control that it belongs to; false if it belongs to none of the room's. */
function showError(room, error) {
  const control = error.key && find(room).querySelector(`[data-key="${error.key}"]`);
  if (!control) return false;
  find(`${control.id}-error`).textContent = error.message;
  control.setAttribute("aria-invalid", "true");
  const more = control.closest("details");
  if (more) more.open = true;
  control.focus();
  return true;
}

export function clearErrors(room) {
  for (const place of find(room).querySelectorAll(".error")) place.textContent = "";
  for (const control of find(room).querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}
