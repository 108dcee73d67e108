// The one popover of the page: what can be done at a place, beside it, until Escape or a click elsewhere closes it.

import { element } from "./verse.js";

const GAP = 6; // pixels between it and its place

const box = element("div", { className: "popover", tabIndex: -1 });
box.popover = "auto";
box.setAttribute("role", "dialog");
let opener = null;
let onClose = () => {};

/** Open it at a button, with a label and contents; `closed` hears when it closes. */
export function openPopover(at, label, contents, closed) {
  if (box.matches(":popover-open")) box.hidePopover();
  onClose();
  opener = at;
  onClose = closed;
  box.setAttribute("aria-label", label);
  box.replaceChildren(...contents);
  at.closest(".card").querySelector(".verse").after(box); // so that Tab leads from the verse to it
  box.showPopover();
  place();
  box.focus({ preventScroll: true });
}

export function closePopover() {
  if (box.matches(":popover-open")) box.hidePopover();
}

/** Beside its place where there is room, below it or above; on narrow screens the style sheet has it at the bottom. */
function place() {
  const around = opener.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const left = Math.min(Math.max(GAP, around.left + around.width / 2 - width / 2), innerWidth - width - GAP);
  const isBelow = around.bottom + GAP + height <= innerHeight || around.top < height + GAP;
  box.style.setProperty("--left", `${left}px`);
  box.style.setProperty("--top", `${isBelow ? around.bottom + GAP : around.top - GAP - height}px`);
}

box.addEventListener("toggle", (event) => {
  if (event.newState !== "closed" || box.matches(":popover-open")) return;
  onClose();
  onClose = () => {};
  if (opener?.isConnected && (box.contains(document.activeElement) || document.activeElement === document.body)) opener.focus({ preventScroll: true });
});
addEventListener("scroll", () => box.matches(":popover-open") && place(), { passive: true });
addEventListener("resize", () => box.matches(":popover-open") && place());
