// Which passages were found and which of them reached the prompt, with the evidence marked in them.
function casePassages({ row, data, pool, kase }) {
  const found = row.retrieved?.list, prompt = row.prompt?.list;
  if (!found && !prompt) return block("Passages", {}, quietly("Not observed, or the system is given none."));
  const places = new Map((prompt || []).map(([number, , kept], i) => [number, [i, kept]]));
  const wanted = (kase.key_points || []).map((point) => point.text).concat(kase.key_points ? [] : Array.isArray(kase.reference) ? kase.reference : []);
  const listed = new Set((found || []).map(([number]) => number));
  const parts = (found || []).map(([number, flags, score], i) => ({ number, flags, score, rank: i + 1, place: places.get(number) || ((flags & IN_PROMPT) ? [-1] : null) }));
  (prompt || []).forEach(([number, flags, kept], i) => { if (!listed.has(number)) parts.push({ number, flags, place: [i, kept] }); });
  const k = data.index.legend.k || 0;
  const matters = (part) => !part.rank || part.rank <= k || part.flags & GOLD || part.place;
  const items = parts.map((part) => passageItem(part, pool.get(part.number), { wanted, k, prompt: Boolean(prompt), found: Boolean(found) }));
  const rest = parts.filter((part) => !matters(part)).length;
  const list = make("ol", { class: "passages" }, items);
  items.forEach((item, i) => { item.hidden = !matters(parts[i]); });
  const more = rest ? make("button", { type: "button", class: "plain-button" }, `Show the other ${rest} retrieved`) : null;
  more?.addEventListener("click", () => { items.forEach((item) => { item.hidden = false; }); more.remove(); });
  return block("Passages", { class: "block passages-box" }, passageStory(row, k), parts.length ? list : quietly("Nothing was retrieved."), more);
}

// In words: how far the gold came on its way from the retriever to the prompt.
function passageStory(row, k) {
  const found = row.retrieved?.list, prompt = row.prompt?.list, said = [];
  if (found) {
    const rank = found.findIndex(([, flags]) => flags & GOLD) + 1;
    const total = row.retrieved.n;
    said.push(rank ? `Gold at rank ${rank} of ${total} retrieved${rank > k ? `, below the cut at ${k}` : ""}.` : total ? `No gold among the ${total} retrieved.` : "Nothing was retrieved.");
  }
  if (prompt) {
    const gold = prompt.filter(([, flags]) => flags & GOLD).length, cut = prompt.filter(([, , kept]) => isSet(kept)).length;
    said.push(`${counted(row.prompt.n, "passage")} in the prompt, ${gold || "none"} of them gold${cut ? `, ${cut} cut` : ""}.`);
    if (prompt.some(([, flags]) => flags & FORBIDDEN)) said.push("A passage that must not be used is among them.");
  } else said.push("What reached the prompt was not observed.");
  return make("p", {}, said.join(" "));
}

function passageItem({ number, flags, score, rank, place }, held, { wanted, k, prompt, found }) {
  const [doc, chunk, title, text, length] = held || ["?", "", "", ""];
  const kept = place?.[1];
  const item = make("li", { class: `passage${flags & GOLD ? " is-gold" : ""}${rank === k + 1 ? " below" : ""}`, "data-prompt": place && place[0] >= 0 ? String(place[0]) : null },
    make("div", { class: "passage-head" },
      make("span", { class: "rank", title: rank ? "rank in the retrieved list" : "not in the retrieved list" }, rank ? String(rank) : "–"),
      make("span", { class: "title", dir: "auto" }, title || chunk || doc),
      flags & GOLD ? chip("gold", "gold") : null, flags & FORBIDDEN ? chip("forbidden", "bad") : null,
      prompt && place ? chip(place[0] >= 0 ? `${place[0] + 1} in the prompt` : "in the prompt", "in") : prompt && found ? chip("not in the prompt", "out") : null,
      make("span", { class: "quiet source" }, make("bdi", {}, chunk || doc), isSet(score) ? ` · score ${score}` : "")));
  if (!text) { item.append(quietly(length ? `Text not kept in this page (${length.toLocaleString("en")} characters).` : "No text.")); return item; }
  const body = make("p", { class: "text", dir: "auto" });
  item.append(body);
  item.text = text;
  item.kept = isSet(kept) ? kept : text.length;
  item.mark = (claim) => {
    const gold = flags & GOLD ? echoes(text, wanted).map(([s, e]) => [s, e, "evidence"]) : [];
    const lit = claim ? echoes(text, [claim], 0.3).map(([s, e]) => [s, e, "lit"]) : [];
    body.replaceChildren(...marked(text, [...lit, ...gold], item.kept));
    if (length) body.append(make("span", { class: "quiet" }, ` … (cut, ${length.toLocaleString("en")} characters in all)`));
  };
  item.mark(null);
  if (isSet(kept)) item.append(quietly(`Cut on its way: ${kept.toLocaleString("en")} of ${(length || text.length).toLocaleString("en")} characters reached the prompt.`));
  if (text.length > 260) {
    item.classList.add("clamped");
    const toggle = make("button", { type: "button", class: "plain-button unfold", "aria-expanded": "false" }, "whole passage");
    toggle.addEventListener("click", () => {
      const open = item.classList.toggle("open");
      toggle.setAttribute("aria-expanded", open);
      toggle.textContent = open ? "less" : "whole passage";
    });
    item.append(toggle);
  }
  return item;
}

// The text with stretches marked; where they overlap, the first one given wins. What did not reach the prompt is struck.
function marked(text, stretches, kept) {
  const cuts = [...new Set([0, text.length, Math.min(kept, text.length), ...stretches.flatMap(([start, end]) => [start, end])])].sort((x, y) => x - y);
  return cuts.slice(0, -1).map((start, i) => {
    const part = visible(text.slice(start, cuts[i + 1]));
    const kind = stretches.find(([s, e]) => s <= start && cuts[i + 1] <= e)?.[2];
    const inner = kind ? make("mark", { class: kind }, part) : document.createTextNode(part);
    return start >= kept ? make("del", {}, inner) : inner;
  });
}

// A statement of the answer lights its passage, and in it the sentence that says most of the same.
function connectClaims(node) {
  const passages = new Map([...node.querySelectorAll(".passage[data-prompt]")].map((item) => [item.dataset.prompt, item]));
  const light = (claim, on) => {
    const item = passages.get(claim.dataset.passage);
    claim.classList.toggle("lit", on);
    if (!item) return;
    item.hidden = false;
    item.classList.toggle("lit", on);
    item.mark?.(on ? claim.firstChild.textContent : null);
  };
  for (const claim of node.querySelectorAll(".claim[tabindex]")) {
    for (const [kind, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) claim.addEventListener(kind, () => light(claim, on));
    claim.addEventListener("click", () => passages.get(claim.dataset.passage)?.scrollIntoView({ block: "nearest", behavior: "smooth" }));
    claim.addEventListener("keydown", (event) => { if (event.key === "Enter") claim.click(); });
  }
}
