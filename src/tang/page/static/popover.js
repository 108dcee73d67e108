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
  const hidden = opener.closest(".line").getBoundingClientRect().bottom - box.getBoundingClientRect().top + GAP;
  if (isSheet() && hidden > 0) scrollBy({ top: hidden });
}

export function closePopover() {
  if (box.matches(":popover-open")) box.hidePopover();
}

/** Whether the style sheet has it along the bottom of a narrow screen. */
const isSheet = () => matchMedia("(max-width: 56rem)").matches;

/** Beside the card, so that the poem stays in view. */
function place() {
  const card = opener.closest(".card").getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const isRight = card.right + GAP + width <= innerWidth;
  const top = opener.getBoundingClientRect().top - GAP;
  box.style.setProperty("--left", `${isRight ? card.right + GAP : Math.max(GAP, card.left - GAP - width)}px`);
  box.style.setProperty("--top", `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`);
}

box.addEventListener("toggle", (event) => {
  if (event.newState !== "closed" || box.matches(":popover-open")) return;
  onClose();
  onClose = () => {};
  if (opener?.isConnected && (box.contains(document.activeElement) || document.activeElement === document.body)) opener.focus({ preventScroll: true });
});
addEventListener("scroll", () => box.matches(":popover-open") && place(), { passive: true });
addEventListener("resize", () => box.matches(":popover-open") && place());
