// The page: its rooms, and links to poems.

import "./checking.js";
import "./inside.js";
import { open } from "./rooms.js";
import { fromFragment } from "./settings.js";
import { follow } from "./writing.js";

function openLink() {
  const values = fromFragment();
  if (!values) return;
  open("write");
  follow(values);
}

window.addEventListener("hashchange", openLink);
openLink();
