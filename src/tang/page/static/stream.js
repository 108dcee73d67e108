// A request to the server, and its answer line by line.

export class Refusal extends Error {
  constructor({ key, message }) {
    super(message);
    this.key = key;
  }
}

/** The JSON objects of an answer, each as soon as it arrives; a Refusal if there is a mistake. */
export async function* lines(path, values, signal) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(values),
    signal,
  });
  if (!response.ok) {
    throw new Refusal(await response.json().catch(() => ({ key: null, message: `the server answered ${response.status}` })));
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) {
      const item = JSON.parse(part);
      if (item.error) throw new Refusal(item.error);
      yield item;
    }
  }
}
