// The list of all answers: filters with counts, and only the rows in sight built.
const FACETS = [
  ["status", "Outcome"], ["system", "System"], ["cause", "Cause"], ["stage", "Stage"], ["lost", "Lost in the funnel"], ["certainty", "Proof"], ["symptom", "Symptom"], ["tag", "Tag"],
];
const CERTAINTIES = ["proven", "suspected", "undetermined", "unexplained"];
const STAGES = ["system", "suite", "corpus", "chunking", "retrieval", "ranking", "context", "generation", "contract"];
const SIDES = ["retrieval", "generation", "contract", "suite", "system"];
const MOST_OPTIONS = 12;

class CaseList {
  constructor(data, router) {
    this.data = data;
    this.router = router;
    this.search = new Search(data);
    this.form = document.getElementById("filters");
    this.rows = document.getElementById("rows");
    this.shown = [];
    this.current = -1;
    this.state = new URLSearchParams();
    this.options = this.possible();
    this.build();
    this.listen();
  }

  // Every facet as value -> the rows that have it, as one bit a row would be too much and one set too slow.
  possible() {
    const { data } = this, { index } = data;
    const found = Object.fromEntries(FACETS.map(([name]) => [name, new Map()]));
    for (const outcome of Object.keys(OUTCOMES)) found.status.set(outcome, 0);
    index.systems.forEach((name) => found.system.set(name, 0));
    const words = (column) => index.words[column].filter(Boolean);
    words("cause").forEach((cause) => found.cause.set(cause, 0));
    STAGES.filter((stage) => words("stage").includes(stage)).forEach((stage) => found.stage.set(stage, 0));
    Object.keys(index.legend.funnel || {}).filter((stage) => words("lost").includes(stage)).forEach((stage) => found.lost.set(stage, 0));
    CERTAINTIES.filter((status) => words("status").includes(status)).forEach((status) => found.certainty.set(status, 0));
    index.tagNames.forEach((tag) => found.tag.set(tag, 0));
    index.symptomNames.forEach((id) => found.symptom.set(id, 0));
    this.valuesOf = Array.from({ length: data.n }, (_, row) => ({
      status: [data.word("o", row)], system: [data.system(row)], cause: [data.word("cause", row)], stage: [data.word("stage", row)], lost: [data.word("lost", row)],
      certainty: [data.word("status", row)], symptom: (index.symptoms[row] || []).map((s) => index.symptomNames[s]), tag: index.tags[data.caseOf[row]].map((t) => index.tagNames[t]),
    }));
    for (const row of this.valuesOf) for (const [name] of FACETS) for (const value of row[name]) if (found[name].has(value)) found[name].set(value, found[name].get(value) + 1);
    const most = (options) => new Map([...options].sort((x, y) => y[1] - x[1]));
    for (const name of ["cause", "tag", "symptom"]) found[name] = most(found[name]);
    for (const value of [...found.status.keys()]) if (!found.status.get(value)) found.status.delete(value);
    return found;
  }

  build() {
    const groups = this.form.querySelector(".groups");
    this.counts = {};
    for (const [name, title] of FACETS) {
      const options = this.options[name];
      if (options.size < (name === "status" || name === "cause" ? 1 : 2)) continue;
      this.counts[name] = new Map();
      const rows = [...options.keys()].map((value) => this.option(name, value));
      const rest = rows.splice(MOST_OPTIONS);
      const more = rest.length ? make("details", { class: "more-options" }, make("summary", {}, `${rest.length.toLocaleString("en")} more`), make("ul", {}, rest.slice(0, 500))) : null;
      groups.append(make("fieldset", {}, make("legend", {}, title), make("ul", {}, rows), more));
    }
    document.getElementById("facets").open = innerWidth >= 960;
    this.form.hidden = false;
  }
  option(name, value) {
    const count = make("span", { class: "n" });
    const label = name === "status" ? badge(value) : make("span", { class: "what", dir: "auto" }, name === "system" || name === "tag" ? value : name === "lost" ? this.data.index.legend.funnel[value] : spaced(value));
    const box = make("input", { type: "checkbox", name });
    box.value = value;
    const row = make("li", {}, make("label", {}, box, label, count));
    this.counts[name].set(value, [count, row, box]);
    return row;
  }

  listen() {
    let waiting;
    const search = this.form.elements.q;
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", (event) => { event.preventDefault(); this.router.list(new URLSearchParams(), true); });
    this.form.addEventListener("input", (event) => {
      clearTimeout(waiting);
      const typed = event.target === search;
      waiting = setTimeout(() => this.router.list(this.read(), !typed), typed ? 90 : 0);
    });
    let drawing = false;
    const draw = () => {
      if (drawing) return;
      drawing = true;
      requestAnimationFrame(() => { drawing = false; this.draw(); });
    };
    addEventListener("scroll", draw, { passive: true });
    addEventListener("resize", () => { this.measured = 0; draw(); }, { passive: true });
    this.rows.addEventListener("focusin", (event) => {
      const at = event.target.closest("li")?.dataset.at;
      if (at !== undefined) this.current = Number(at);
    });
  }

  // The filters as they stand in the form.
  read() {
    const found = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (value) found.append(name, value);
    return found;
  }

  // Show the answers that fit a state; a status may be an outcome, "failing", or how well the cause is proven.
  apply(state) {
    this.state = state;
    const chosen = Object.fromEntries(FACETS.map(([name]) => [name, new Set(state.getAll(name))]));
    for (const value of [...state.getAll("status"), ...state.getAll("outcome")]) {
      if (value === "failing") { chosen.status.delete(value); chosen.status.add("fail").add("error"); }
      else if (CERTAINTIES.includes(value)) { chosen.status.delete(value); chosen.certainty.add(value); }
      else chosen.status.add(value);
    }
    const side = new Set(state.getAll("side"));
    const query = state.get("q") || "";
    const words = [...searchable(query).matchAll(/"([^"]+)"|([^\s"]+)/g)].map((found) => found[1] || found[2]); // "in quotes" is one
    if (words.length) { this.search.prepare(); if (!this.search.done) this.search.readAll(() => this.again()); }
    this.form.elements.q.value = document.activeElement === this.form.elements.q ? this.form.elements.q.value : query;
    this.form.elements.sort.value = state.get("sort") || "";
    this.filter(chosen, side, words);
    this.sort(state.get("sort"));
    this.tell(chosen, words, side);
    this.rows.replaceChildren();
    this.current = -1;
    this.draw();
  }
  again() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => { if (this.state.get("q") && !this.rows.closest("section").hidden) { const at = scrollY; this.apply(this.state); scrollTo(0, at); } }, this.search.done ? 0 : 150);
  }

  // One pass: a row that only one facet keeps out still counts for that facet's own options.
  filter(chosen, side, words) {
    const active = FACETS.map(([name]) => name).filter((name) => chosen[name].size);
    const counts = Object.fromEntries(FACETS.map(([name]) => [name, new Map()]));
    const add = (row, names) => {
      for (const [name] of names) for (const value of row[name]) counts[name].set(value, (counts[name].get(value) || 0) + 1);
    };
    this.shown = [];
    for (let r = 0; r < this.data.n; r++) {
      if (side.size && !side.has(this.data.word("side", r))) continue;
      const row = this.valuesOf[r];
      let missed = null, misses = 0;
      for (const name of active) if (!row[name].some((value) => chosen[name].has(value))) { missed = name; if (++misses > 1) break; }
      if (misses > 1 || (words.length && !this.search.has(r, words))) continue;
      if (misses) { add(row, [[missed]]); continue; }
      this.shown.push(r);
      add(row, FACETS);
    }
    for (const [name, options] of Object.entries(this.counts)) {
      for (const [value, [node, row, box]] of options) {
        const n = counts[name].get(value) || 0;
        node.textContent = n.toLocaleString("en");
        row.classList.toggle("empty", !n);
        box.checked = chosen[name].has(value);
      }
    }
  }

  sort(by) {
    const { data } = this, order = Object.keys(OUTCOMES);
    const { o } = data.index.values, rank = data.index.words.o.map((outcome) => order.indexOf(outcome));
    const sure = (row, missing) => data.index.sure[row] ?? missing;
    const text = new Intl.Collator(undefined, { numeric: true });
    const ways = {
      suite: () => 0, sure: (x, y) => sure(y, -1) - sure(x, -1), unsure: (x, y) => sure(x, 101) - sure(y, 101),
      id: (x, y) => text.compare(data.id(x), data.id(y)),
      cause: (x, y) => text.compare(data.word("cause", x) || "\uffff", data.word("cause", y) || "\uffff"),
    };
    const way = ways[by] || ((x, y) => rank[o[x]] - rank[o[y]]);
    this.shown.sort((x, y) => way(x, y) || x - y);
  }

  tell(chosen, words, side) {
    const { shown, data } = this;
    const bad = shown.filter((row) => ["fail", "error"].includes(data.word("o", row))).length;
    const reading = words.length && !this.search.done ? `; reading the answers, ${percentOf(this.search.read / data.index.blocks.length)}` : "";
    document.getElementById("count").textContent = `${shown.length.toLocaleString("en")} of ${counted(data.n, "answer")}, ${bad.toLocaleString("en")} failing${side.size ? `, ${[...side].join(" or ")} side` : ""}${reading}`;
    const unknown = this.unknown(chosen, side);
    document.getElementById("unknown-filter").textContent = unknown.length ? `Nothing here is called ${unknown.join(" or ")}.` : "";
    const n = [...Object.values(chosen), side].filter((set) => set.size).length;
    document.getElementById("chosen").textContent = n ? ` (${n} in use)` : "";
    document.getElementById("none").hidden = shown.length > 0;
  }

  // What the address asks for and no answer has, as "cause bogus".
  unknown(chosen, side) {
    const { index } = this.data;
    const known = { status: Object.keys(OUTCOMES), system: index.systems, certainty: CERTAINTIES, symptom: index.symptomNames, tag: index.tagNames,
      cause: [...index.words.cause, ...Object.keys(index.legend.causes || {})], stage: [...index.words.stage, ...STAGES], lost: Object.keys(index.legend.funnel || {}), side: [...index.words.side, ...SIDES] };
    return Object.entries({ ...chosen, side }).flatMap(([name, values]) => [...values].filter((value) => known[name] && !known[name].includes(value)).map((value) => `${{ certainty: "status" }[name] || name} ${value.slice(0, 80)}`));
  }

  line(at) {
    const { data } = this, row = this.shown[at];
    const cause = data.word("cause", row), status = data.word("status", row), side = data.word("side", row);
    const tags = data.tagsOf(row).slice(0, 4).join(", ");
    const link = make("a", { class: "case-row", href: this.router.caseHash(row) },
      badge(data.word("o", row)),
      make("span", { class: "row-ask", dir: "auto" }, data.index.queries[data.caseOf[row]]),
      make("span", { class: "row-where" }, make("bdi", {}, data.id(row)), data.index.systems.length > 1 ? [" · ", make("bdi", {}, data.system(row))] : null, tags ? [" · ", make("bdi", {}, tags)] : null),
      make("span", { class: "row-why" }, cause ? [make("i", { class: `dot ${side}` }), spaced(cause)] : status ? spaced(status) : ""),
      make("span", { class: "row-proof" }, cause ? [status, isSet(data.index.sure[row]) ? ` · ${data.index.sure[row]} %` : ""] : ""));
    const item = make("li", { "data-at": String(at), "aria-setsize": String(this.shown.length), "aria-posinset": String(at + 1) }, link);
    item.style.top = `${at * this.height}px`;
    return item;
  }

  get height() {
    this.measured ||= parseFloat(getComputedStyle(this.rows).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
    return this.measured;
  }

  draw() {
    if (this.rows.closest("section").hidden) return;
    const { height } = this, before = this.drawn;
    this.rows.style.height = `${this.shown.length * height}px`;
    const top = this.rows.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor((-top - innerHeight / 2) / height));
    const last = Math.min(this.shown.length, Math.ceil((1.5 * innerHeight - top) / height));
    if (before !== height) this.rows.replaceChildren();
    this.drawn = height;
    for (const item of [...this.rows.children]) {
      const at = Number(item.dataset.at);
      if ((at < first || at >= last) && !item.contains(document.activeElement)) item.remove();
    }
    const there = new Map([...this.rows.children].map((item) => [Number(item.dataset.at), item]));
    let next = null;
    for (let at = last - 1; at >= first; at--) {
      const item = there.get(at) || this.line(at);
      if (!there.has(at)) this.rows.insertBefore(item, next);
      next = item;
    }
  }

  // Bring a row into sight and focus it.
  focus(at) {
    if (!this.shown.length) return;
    const place = Math.max(0, Math.min(this.shown.length - 1, at));
    const top = this.rows.getBoundingClientRect().top + scrollY + place * this.height;
    if (top < scrollY + 140) scrollTo(0, top - 140);
    else if (top + this.height > scrollY + innerHeight - 16) scrollTo(0, top + this.height - innerHeight + 16);
    this.draw();
    this.rows.querySelector(`[data-at="${place}"] a`)?.focus({ preventScroll: true });
    this.current = place;
  }
  positionOf(row) { return this.shown.indexOf(row); }
}
