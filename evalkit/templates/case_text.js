// Foreign text: shown with its hidden characters named, compared word by word, searched without regard to case.
"use strict";
const NAMED = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const hex = (char) => char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
const visible = (text) => String(text)
  .replace(/\r/g, "")
  .replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
  .replace(NAMED, (char) => `‹U+${hex(char)}›`);

// The one way by which text gets into the page: as text, never as markup.
const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, name === "href" ? value : visible(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === "" || child === false) continue;
    node.append(child instanceof Node ? child : visible(child));
  }
  return node;
};
const spaced = (name) => String(name).replaceAll("_", " ");
const counted = (n, noun, plural = `${noun}s`) => `${n.toLocaleString("en")} ${n === 1 ? noun : plural}`;
const percentOf = (share) => `${Math.round(100 * share)} %`;
const isSet = (value) => value !== null && value !== undefined && value !== "";

// Case folding that holds beyond English: ß is ss, a final sigma a sigma, full-width letters are letters.
const fold = (text) => text.normalize("NFKC").toUpperCase().toLowerCase().replaceAll("ς", "σ");
// As one searches: accents of Latin and Greek letters do not matter (café is cafe), nor whether words are joined by "_".
const searchable = (text) => fold(text).normalize("NFD").replace(/(?<=[\p{Script=Latin}\p{Script=Greek}]\p{M}*)\p{M}/gu, "").normalize("NFC").replaceAll("đ", "d").replaceAll("_", " ");

// Words, and single characters of scripts that write without spaces.
const TOKEN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[\p{L}\p{M}\p{N}]+|\s+|[^\p{L}\p{M}\p{N}\s]/gu;
const tokens = (text) => text.match(TOKEN) || [];
const MOST_CELLS = 6e6;

// What changed from one text to another, as [kind, text] with kind "same", "gone" or "new"; null where both are too long.
function differences(before, after) {
  const a = tokens(before), b = tokens(after);
  let start = 0, end = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const left = a.slice(start, a.length - end), right = b.slice(start, b.length - end);
  const width = right.length + 1;
  if ((left.length + 1) * width > MOST_CELLS) return null;
  const longest = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      longest[i * width + j] = left[i] === right[j]
        ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const parts = [];
  const put = (kind, text) => {
    if (!text) return;
    if (parts.length && parts[parts.length - 1][0] === kind) parts[parts.length - 1][1] += text;
    else parts.push([kind, text]);
  };
  put("same", a.slice(0, start).join(""));
  for (let i = 0, j = 0; i < left.length || j < right.length;) {
    if (i < left.length && j < right.length && left[i] === right[j]) { put("same", left[i]); i++; j++; }
    else if (j >= right.length || (i < left.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) put("gone", left[i++]);
    else put("new", right[j++]);
  }
  put("same", end ? a.slice(-end).join("") : "");
  return readable(parts);
}

// A lone blank or stop between changes is no common ground: changes that touch are told as one; null where little is common.
function readable(parts) {
  const weight = (wanted) => parts.filter(([kind]) => kind === wanted).reduce((sum, [, text]) => sum + text.replace(/[^\p{L}\p{N}]/gu, "").length, 0);
  const same = weight("same");
  if (same < 0.3 * (same + Math.max(weight("gone"), weight("new")))) return null;
  const found = [];
  let gone = "", fresh = "";
  const flush = () => {
    if (gone) found.push(["gone", gone]);
    if (fresh) found.push(["new", fresh]);
    gone = fresh = "";
  };
  parts.forEach(([kind, text], i) => {
    const between = (gone || fresh) && i < parts.length - 1;
    if (kind === "same" && between && !/[\p{L}\p{N}]/u.test(text)) { if (gone) gone += text; if (fresh) fresh += text; }
    else if (kind === "same") { flush(); found.push([kind, text]); }
    else if (kind === "gone") gone += text;
    else fresh += text;
  });
  flush();
  return found;
}

// The sentences of a text as [start, end]; a line is never more than one.
const SENTENCES = /[^]+?(?:[.!?؟]+(?=\s|$)|[。！？]+|\n|$)/gu;
function sentences(text) {
  return [...text.matchAll(SENTENCES)].map((found) => {
    const start = found.index + found[0].search(/\S|$/);
    return [start, start + found[0].trim().length];
  }).filter(([start, end]) => end > start);
}
const telling = (text) => {
  const found = new Set(tokens(fold(text)).filter((token) => /[\p{L}\p{N}]/u.test(token)));
  const long = [...found].filter((token) => token.length > 2 || /[\p{N}\p{Lo}]/u.test(token));
  return long.length ? new Set(long) : found;
};

// Where a text says what one of the statements says: the sentence that shares most of its words, if most of them.
function echoes(text, statements, enough = 0.5) {
  const places = sentences(text).map(([start, end]) => [start, end, telling(text.slice(start, end))]);
  const found = new Map();
  for (const statement of statements) {
    const wanted = telling(statement);
    let best = null;
    for (const [start, end, words] of places) {
      const share = [...wanted].filter((word) => words.has(word)).length / Math.max(1, Math.min(wanted.size, Math.max(words.size, 3)));
      if (share >= enough && (!best || share > best[2])) best = [start, end, share];
    }
    if (best) found.set(best[0], best);
  }
  return [...found.values()].sort((x, y) => x[0] - y[0]);
}
