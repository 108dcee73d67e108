// The controls of a request: as keys of the command line, and in the page's fragment.

const form = document.getElementById("settings");
const inputs = [...form.elements].filter((control) => control.dataset.key); // without names, which would hide the form's own
const temperature = document.getElementById("key-temperature");
const WORDS = ["contains", "avoid"];
const ONE = ["start", "acrostic"];
const NUMBERS = ["n", "candidates", "temperature", "seed"];

/** What stands in the controls: name → text; "" where nothing is asked for. */
export function controls() {
  return Object.fromEntries(inputs.map((control) => [control.dataset.key, textOf(control)]));
}

function textOf(control) {
  if (control.type === "checkbox") return control.checked ? "true" : "";
  return control.value.trim();
}

/** Put texts into the controls; those that aren't given are as the page opens. */
export function fill(values) {
  form.reset();
  for (const control of inputs) {
    const text = values[control.dataset.key];
    if (text === undefined) continue;
    if (control.type === "checkbox") control.checked = text === "true";
    else control.value = text;
  }
  showTemperature();
}

/** The request for the server. */
export function request(values) {
  const keys = {};
  for (const [name, text] of Object.entries(values)) {
    if (text === "") continue;
    if (WORDS.includes(name)) keys[name] = text.split(/[\s,，、;；]+/).filter(Boolean);
    else if (ONE.includes(name)) keys[name] = [text];
    else if (NUMBERS.includes(name)) keys[name] = /^\d+(\.\d+)?$/.test(text) && text.length < 16 ? Number(text) : text;
    else if (name === "no_repeat") keys[name] = true;
    else keys[name] = text;
  }
  return keys;
}

/** The fragment of a link that writes the same poems again; every control stands in it, so that defaults may change. */
export function fragment(values, more) {
  return "#" + new URLSearchParams({ ...values, ...more });
}

/** The texts of the page's fragment, or null if it has none. */
export function fromFragment() {
  return location.hash.length > 1 ? Object.fromEntries(new URLSearchParams(location.hash.slice(1))) : null;
}

/** The lines of the poems to come, as far as the form tells: [characters, lines]. */
export function shape() {
  const chosen = document.getElementById("key-form").selectedOptions[0];
  const name = chosen.value || chosen.dataset.form;
  return [name.startsWith("七") ? 7 : 5, name.endsWith("绝句") ? 4 : 8];
}

function showTemperature() {
  document.getElementById("temperature-shown").textContent = temperature.value;
}

temperature.addEventListener("input", showTemperature);
showTemperature();
