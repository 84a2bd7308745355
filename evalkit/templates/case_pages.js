// The cases of a large run lie on pages of their own: which of them hold what is looked for, and on which one a case is.
function caseHash(id) {
  let found = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(id)) found = Math.imul(found ^ byte, 0x01000193) >>> 0;
  return found >>> 8;
}
function pagesOf(index, id) {
  const wanted = caseHash(id);
  return index.pages.filter((page) => {
    const bytes = bytesOf(atob(page.hashes));
    for (let i = 0; i < bytes.length; i += 3) if (((bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2]) === wanted) return true;
    return false;
  });
}

// The list of pages in place of the list of cases; it answers to the same addresses.
class PageList {
  constructor(data, router) {
    this.data = data;
    this.index = data.index;
    this.router = router;
    this.form = document.getElementById("filters");
    this.holder = document.getElementById("rows");
    this.form.querySelector(".sort").hidden = true;
    this.form.querySelector(".search").hidden = true;
    this.form.querySelector(".keys").hidden = true;
    this.shown = [];
    this.state = new URLSearchParams();
    this.build();
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", (event) => { event.preventDefault(); router.list(new URLSearchParams(), true); });
    this.form.addEventListener("input", () => {
      const found = new URLSearchParams();
      for (const [name, value] of new FormData(this.form)) if (value) found.append(name, value);
      router.list(found, true);
    });
    this.form.hidden = false;
  }

  // Every kind of answer as an object, in place of its numbers.
  kinds(page) {
    const { words, systems } = this.index;
    return page.counts.map(([s, o, cause, side, stage, status, ...rest]) => ({
      n: rest.at(-1), lost: words[rest.length > 1 ? rest[0] : 0], system: systems[s], status: words[o], cause: words[cause], side: words[side], stage: words[stage], certainty: words[status],
    }));
  }
  build() {
    const facets = [["status", "Outcome"], ["system", "System"], ["cause", "Cause"], ["stage", "Stage"], ["lost", "Lost in the funnel"], ["certainty", "Proof"], ["symptom", "Symptom"], ["tag", "Tag"]];
    this.all = this.index.pages.map((page) => this.kinds(page));
    this.boxes = [];
    for (const [name, title] of facets) {
      const counts = new Map();
      const add = (value, n) => { if (value) counts.set(value, (counts.get(value) || 0) + n); };
      if (name === "tag" || name === "symptom") for (const page of this.index.pages) for (const [value, n] of Object.entries(page[`${name}s`])) add(value, n);
      else for (const kinds of this.all) for (const kind of kinds) add(kind[name], kind.n);
      if (!counts.size) continue;
      const rows = [...counts].sort((x, y) => y[1] - x[1]).slice(0, 60).map(([value, n]) => {
        const box = make("input", { type: "checkbox", name });
        box.value = value;
        this.boxes.push(box);
        return make("li", {}, make("label", {}, box, name === "status" ? badge(value) : make("span", { class: "what", dir: "auto" }, (name === "lost" && this.index.legend.funnel?.[value]) || spaced(value)), make("span", { class: "n" }, n.toLocaleString("en"))));
      });
      this.form.querySelector(".groups").append(make("fieldset", {}, make("legend", {}, title), make("ul", {}, rows)));
    }
    document.getElementById("facets").open = innerWidth >= 960;
  }

  apply(state) {
    this.state = state;
    const chosen = {};
    const choose = (name, value) => { (chosen[name] ||= new Set()).add(value); };
    for (const [name, value] of state) {
      if (!["status", "outcome", "system", "cause", "stage", "lost", "side", "certainty", "tag", "symptom"].includes(name)) continue;
      if (value === "failing") { choose("status", "fail"); choose("status", "error"); }
      else if (name === "status" && ["proven", "suspected", "undetermined", "unexplained"].includes(value)) choose("certainty", value);
      else choose(name === "outcome" ? "status" : name, value);
    }
    const { tag, symptom, ...exact } = chosen;
    for (const box of this.boxes) box.checked = Boolean(chosen[box.name]?.has(box.value));
    const rows = this.index.pages.map((page, i) => {
      let n = this.all[i].filter((kind) => Object.entries(exact).every(([name, values]) => values.has(kind[name]))).reduce((sum, kind) => sum + kind.n, 0);
      for (const [values, counts] of [[tag, page.tags], [symptom, page.symptoms]]) if (values) n = Math.min(n, [...values].reduce((sum, value) => sum + (counts[value] || 0), 0));
      return [page, n];
    }).filter(([, n]) => n);
    const total = rows.reduce((sum, [, n]) => sum + n, 0);
    const upTo = tag || symptom ? "up to " : "";
    document.getElementById("count").textContent = `${upTo}${total.toLocaleString("en")} of ${counted(this.index.answers, "answer")} (${counted(this.index.cases, "case")}), on ${counted(rows.length, "page")}`;
    document.getElementById("none").hidden = rows.length > 0;
    const hash = this.router.listHash(state);
    this.holder.classList.add("page-rows");
    this.holder.replaceChildren(...rows.slice(0, 2000).map(([page, n]) => make("li", {}, make("a", { href: `${this.index.folder}/${page.file}${hash}` }, `Page ${parseInt(page.file, 10).toLocaleString("en")}`), make("span", { class: "quiet" }, `${upTo}${counted(n, "answer")} of ${counted(page.cases, "case")}`))));
  }
  draw() {}
  focus() {}
  positionOf() { return -1; }
  // Where a case is: the browser goes there; more than one page only where hashes agree by chance.
  go(id, system) {
    const found = pagesOf(this.index, id);
    const address = (page) => `${this.index.folder}/${page.file}#case=${encodeURIComponent(id)}${system ? `&system=${encodeURIComponent(system)}` : ""}`;
    if (found.length === 1) location.replace(address(found[0]));
    return found.map((page) => [make("a", { href: address(page) }, `Page ${parseInt(page.file, 10)}`), " "]);
  }
}
