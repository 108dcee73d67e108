// The rooms of the page, one of which is open.

import { find } from "./room.js";

const ROOMS = ["write", "check", "inside"];
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

export function open(room) {
  for (const name of ROOMS) {
    find(name).hidden = name !== room;
    find(`tab-${name}`).setAttribute("aria-selected", String(name === room));
    find(`tab-${name}`).tabIndex = name === room ? 0 : -1;
  }
}

ROOMS.forEach((name, number) => {
  find(`tab-${name}`).addEventListener("click", () => open(name));
  find(`tab-${name}`).addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    const other = ROOMS.at((number + STEPS[event.key]) % ROOMS.length);
    open(other);
    find(`tab-${other}`).focus();
  });
});
