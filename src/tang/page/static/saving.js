// A poem as text and as a picture, to copy and to save.

const FONT = '"Noto Serif CJK SC", "Source Han Serif SC", "Songti SC", "STSong", "SimSun", serif';
const UNIT = 64; // pixels of a character with its room
const RATIO = 2; // pixels of the picture for each of these

/** The poem with its title, a couplet a line. */
export function asText(poem, script) {
  const lines = poem.lines.map((line) => line[script] + line.mark);
  const couplets = Array.from({ length: Math.ceil(lines.length / 2) }, (_, i) => lines.slice(2 * i, 2 * i + 2).join(""));
  return (poem.title ? `《${poem.title[script]}》\n` : "") + couplets.join("\n");
}

export async function copy(text) {
  await navigator.clipboard.writeText(text);
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A PNG of the poem: lines from top to bottom, or columns from right to left. */
export function picture(poem, script, isVertical) {
  const rows = poem.lines.map((line) => [...line[script], line.mark]);
  const length = Math.max(...rows.map((row) => row.length));
  const title = poem.title ? [...poem.title[script]] : [];
  const along = Math.max(length, title.length) + 1;
  const across = rows.length * 1.15 + (title.length ? 1.6 : 0) + 1.2;
  const canvas = document.createElement("canvas");
  const [width, height] = (isVertical ? [across, along + 0.4] : [along + 0.4, across]).map((units) => units * UNIT);
  [canvas.width, canvas.height] = [width * RATIO, height * RATIO];
  const pen = canvas.getContext("2d");
  pen.scale(RATIO, RATIO);
  pen.fillStyle = "#fbf7ec";
  pen.fillRect(0, 0, width, height);
  pen.strokeStyle = "#c9b893";
  pen.strokeRect(12.5, 12.5, width - 25, height - 25);
  pen.textAlign = "center";
  pen.textBaseline = "middle";

  /** A row of characters at `offset` units across; marks of a column stand in its upper right corner. */
  const draw = (characters, offset, size, color) => {
    pen.font = `${size * UNIT}px ${FONT}`;
    pen.fillStyle = color;
    characters.forEach((character, place) => {
      const position = (place * (size / 0.75) + 1.2) * UNIT;
      const corner = isVertical && /[，。]/.test(character) ? 0.4 * size * UNIT : 0;
      if (isVertical) pen.fillText(character, width - offset * UNIT + corner, position - 1.5 * corner);
      else pen.fillText(character, position, offset * UNIT);
    });
  };
  if (title.length) draw(title, 1.2, 0.55, "#8a2a1c");
  rows.forEach((row, number) => draw(row, (title.length ? 2.6 : 1.2) + number * 1.15, 0.75, "#26221c"));
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
