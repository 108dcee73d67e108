// The page: its rooms, and links to poems.

import "./checking.js";
import { find } from "./room.js";
import { fromFragment } from "./settings.js";
import { follow } from "./writing.js";

const ROOMS = ["write", "check"];

function open(room) {
  for (const name of ROOMS) {
    find(name).hidden = name !== room;
    find(`tab-${name}`).setAttribute("aria-selected", String(name === room));
    find(`tab-${name}`).tabIndex = name === room ? 0 : -1;
  }
}

for (const name of ROOMS) {
  const other = name === "write" ? "check" : "write";
  find(`tab-${name}`).addEventListener("click", () => open(name));
  find(`tab-${name}`).addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    open(other);
    find(`tab-${other}`).focus();
  });
}

function openLink() {
  const values = fromFragment();
  if (!values) return;
  open("write");
  follow(values);
}

window.addEventListener("hashchange", openLink);
openLink();
