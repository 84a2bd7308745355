// The data of the page: the index at once, details and passages block by block when something asks for them.
const OUTCOMES = {
  fail: ["×", "fails"], error: ["!", "error"], warn: ["~", "warned"],
  ungraded: ["?", "ungraded"], pass: ["✓", "passes"],
};
const badge = (outcome) => make("span", { class: `badge ${outcome}`, "data-sign": OUTCOMES[outcome][0] }, OUTCOMES[outcome][1]);

async function unpacked(line, encoding) {
  if (encoding === "json") return JSON.parse(line);
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(line) : bytesOf(atob(line));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
function bytesOf(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

class CaseData {
  static async open(node) {
    const text = node.textContent, encoding = node.dataset.encoding;
    const end = text.indexOf("\n");
    const data = new CaseData();
    data.index = await unpacked(end < 0 ? text : text.slice(0, end), encoding);
    data.rest = end < 0 ? "" : text.slice(end + 1);
    data.encoding = encoding;
    data.held = new Map();
    data.prepare();
    return data;
  }

  prepare() {
    const { index } = this;
    if (index.pages) return;
    this.n = index.system.length;
    this.caseOf = new Int32Array(this.n);
    this.firstRow = new Int32Array(index.ids.length + 1);
    index.rows.forEach((count, c) => {
      this.caseOf.fill(c, this.firstRow[c], this.firstRow[c] + count);
      this.firstRow[c + 1] = this.firstRow[c] + count;
    });
  }

  id(row) { return this.index.ids[this.caseOf[row]]; }
  system(row) { return this.index.systems[this.index.system[row]]; }
  word(column, row) { return this.index.words[column][this.index.values[column][row]]; }
  tagsOf(row) { return this.index.tags[this.caseOf[row]].map((tag) => this.index.tagNames[tag]); }
  rowsOf(c) { return Array.from({ length: this.firstRow[c + 1] - this.firstRow[c] }, (_, i) => this.firstRow[c] + i); }

  // The row of a case under a system, its most telling one where none is named; -1 where there is none.
  find(id, system) {
    this.places ||= new Map(this.index.ids.map((name, c) => [name, c]));
    const c = this.places.get(id) ?? this.shortened(id);
    if (c < 0) return -1;
    const rows = this.rowsOf(c);
    const order = Object.keys(OUTCOMES);
    const rank = (row) => order.indexOf(this.word("o", row));
    return rows.find((row) => this.system(row) === system) ?? rows.sort((x, y) => rank(x) - rank(y))[0] ?? -1;
  }

  // A very long id stands in the index by its beginning and its length.
  shortened(id) {
    const whole = [...(id || "")];
    const start = `${whole.slice(0, 200).join("")} … (cut, ${whole.length.toLocaleString("en")} characters in all, `;
    return whole.length > 200 ? this.index.ids.findIndex((name) => name.startsWith(start)) : -1;
  }

  block(number) {
    if (!this.held.has(number)) {
      this.lines ||= this.rest.split("\n");
      this.held.set(number, unpacked(this.lines[number], this.encoding));
    }
    return this.held.get(number);
  }
  static place(starts, item) {
    let low = 0, high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= item) low = middle; else high = middle - 1;
    }
    return low;
  }

  async details(c) {
    const at = CaseData.place(this.index.blocks, c);
    return (await this.block(at))[c - this.index.blocks[at]];
  }
  async passages(numbers) {
    const found = new Map();
    const { blocks, passages } = this.index;
    for (const number of new Set(numbers)) {
      const at = CaseData.place(passages, number);
      found.set(number, (await this.block(blocks.length + at))[number - passages[at]]);
    }
    return found;
  }
}

// Text search: the index answers at once; what the answers say joins in as their blocks are read.
class Search {
  constructor(data) {
    this.data = data;
    this.cases = [];
    this.rows = [];
    this.read = 0;
  }
  prepare() {
    if (this.cases.length) return;
    const { index } = this.data;
    this.cases = index.ids.map((id, c) => searchable([id, index.queries[c], ...index.tags[c].map((t) => index.tagNames[t])].join("\n")));
    this.rows = Array.from({ length: this.data.n }, (_, r) => searchable([this.data.system(r), spaced(this.data.word("cause", r) || "")].join("\n")));
  }
  get done() { return this.read >= this.data.index.blocks.length; }
  async readAll(told) {
    if (this.reading) return;
    this.reading = true;
    for (const [at, first] of this.data.index.blocks.entries()) {
      const block = await unpacked((this.data.lines ||= this.data.rest.split("\n"))[at], this.data.encoding);
      block.forEach((view, i) => this.take(first + i, view));
      this.read = at + 1;
      told();
      await new Promise((next) => setTimeout(next));
    }
  }
  take(c, view) {
    const kase = view.case;
    const texts = [kase.query, kase.reference?.object || kase.reference, (kase.key_points || []).map((p) => p.text), Object.keys(kase.relevant || {}), kase.messages?.map((m) => m.content)];
    this.cases[c] += searchable(`\n${texts.flat(2).filter(Boolean).join("\n")}`);
    view.rows.forEach((row, i) => {
      const said = typeof row.answer === "string" ? row.answer : (row.answer || []).map(([text]) => text).join("");
      this.rows[this.data.firstRow[c] + i] += searchable(`\n${[said, row.error, ...(row.chain || []).map((link) => link[2])].filter(Boolean).join("\n")}`);
    });
  }
  has(row, words) {
    const one = this.cases[this.data.caseOf[row]], other = this.rows[row];
    return words.every((word) => one.includes(word) || other.includes(word));
  }
}
