// The case browser: rows are built a hundred at a time, and all foreign text is put in as text, never as markup.
const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
};
const spaced = (name) => name.replaceAll("_", " ");
const OUTCOMES = {
  fail: ["×", "fails"], error: ["!", "error"], warn: ["~", "passes, warned"],
  ungraded: ["?", "ungraded"], pass: ["✓", "passes"],
};
const failing = (row) => row.o === "fail" || row.o === "error";
const badge = (outcome) => make("span", { class: `badge ${outcome}`, "data-sign": OUTCOMES[outcome][0] }, OUTCOMES[outcome][1]);

async function unpack() {
  const node = document.getElementById("data");
  if (node.dataset.encoding === "json") return JSON.parse(node.textContent);
  const bytes = Uint8Array.from(atob(node.textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function browser(data) {
  const CHUNK = 100;
  const order = Object.keys(OUTCOMES);
  const list = document.getElementById("rows");
  const form = document.getElementById("filters");
  const rows = data.rows
    .map((row, i) => ({ ...row, i, case: data.cases[row.c], system: data.systems[row.s] }))
    .sort((a, b) => order.indexOf(a.o) - order.indexOf(b.o) || a.i - b.i);
  const symptomatic = {};
  for (const [system, symptoms] of Object.entries(data.symptoms)) {
    for (const [id, cases] of Object.entries(symptoms)) symptomatic[`${system}\n${id}`] = new Set(cases);
  }
  for (const row of rows) {
    row.text = [row.case.id, row.case.query, row.answer, row.cause, row.system, ...(row.evidence || []), ...(row.case.tags || [])]
      .filter(Boolean).join("\n").toLowerCase();
  }
  let shown = [], built = 0;

  const options = (name, values, label = spaced) => {
    for (const value of values) form.elements[name].append(make("option", { value }, label(value)));
    form.elements[name].closest("label").hidden = !values.length;
  };
  const distinct = (values) => [...new Set(values.filter(Boolean))].sort();
  options("system", data.systems.length > 1 ? data.systems : [], (s) => s);
  options("outcome", ["failing", ...order.filter((o) => rows.some((r) => r.o === o))], (o) => OUTCOMES[o]?.[1] || "fails or error");
  options("cause", distinct(rows.map((r) => r.cause)));
  options("symptom", [...new Set(Object.values(data.symptoms).flatMap((s) => Object.keys(s)))]);
  options("tag", distinct(data.cases.flatMap((c) => c.tags || [])), (t) => t);

  const matches = (row, f, words) =>
    (!f.system || row.system === f.system) && (!f.outcome || row.o === f.outcome || (f.outcome === "failing" && failing(row))) &&
    (!f.cause || row.cause === f.cause) &&
    (!f.tag || (row.case.tags || []).includes(f.tag)) &&
    (!f.symptom || symptomatic[`${row.system}\n${f.symptom}`]?.has(row.c)) &&
    words.every((word) => row.text.includes(word));

  const line = (row) => {
    const button = make("button", { type: "button", class: "row", "aria-expanded": "false", "data-row": row.i },
      badge(row.o),
      make("span", { dir: "auto" }, row.case.id),
      make("span", { class: "who" }, row.system),
      make("span", { class: "why" }, row.cause ? `${spaced(row.cause)}, ${row.status}` : row.status || ""),
      make("span", { class: "ask", dir: "auto" }, row.case.query.slice(0, 200)));
    return make("li", {}, button);
  };
  const build = () => {
    const next = shown.slice(built, built + CHUNK);
    list.append(...next.map(line));
    built += next.length;
    const rest = document.getElementById("rest");
    rest.replaceChildren();
    if (built < shown.length) rest.append(make("button", { type: "button" }, `Show more (${(shown.length - built).toLocaleString("en")} left)`));
  };
  const apply = () => {
    const f = Object.fromEntries(new FormData(form));
    const words = f.q.toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter((row) => matches(row, f, words));
    built = 0;
    list.replaceChildren();
    build();
    const bad = shown.filter(failing).length;
    document.getElementById("count").textContent =
      `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} answers, ${bad.toLocaleString("en")} of them failing`;
  };
  const toggle = (button, open = button.getAttribute("aria-expanded") !== "true") => {
    button.setAttribute("aria-expanded", open);
    button.nextElementSibling?.remove();
    if (open) button.after(detail(data, data.rows[Number(button.dataset.row)], rows));
  };
  const open = (system, id) => {
    const at = shown.findIndex((row) => row.case.id === id && (!system || row.system === system));
    if (at < 0) return;
    while (built <= at) build();
    const button = list.children[at].firstElementChild;
    toggle(button, true);
    button.scrollIntoView({ block: "start" });
    button.focus({ preventScroll: true });
    page.quiet = true;
  };

  let waiting;
  const changed = () => {
    apply();
    page.write({ view: "cases", open: "", of: "", ...Object.fromEntries(new FormData(form)) });
  };
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(changed, 120); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  document.getElementById("rest").addEventListener("click", (event) => event.target.closest("button") && build());
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && built && built < shown.length) build();
  }, { rootMargin: "600px" }).observe(document.getElementById("rest"));
  list.addEventListener("click", (event) => {
    const button = event.target.closest(".row");
    if (!button) return;
    toggle(button);
    const row = data.rows[Number(button.dataset.row)];
    const opened = button.getAttribute("aria-expanded") === "true";
    page.write({ view: "cases", open: opened ? data.cases[row.c].id : "", of: opened ? data.systems[row.s] : "" });
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (!step || !event.target.classList.contains("row")) return;
    const next = event.target.closest("li")[step]?.firstElementChild;
    if (next) { event.preventDefault(); next.focus(); }
  });
  page.listeners.push((state) => {
    for (const control of form.elements) if (control.name) control.value = state.get(control.name) || "";
    apply();
    if (state.get("open")) open(state.get("of"), state.get("open"));
  });
  form.hidden = false;
}

addEventListener("hashchange", page.read);
page.read();
unpack().then((data) => { browser(data); page.read(); }, (error) => {
  document.getElementById("count").textContent = `The cases could not be unpacked (${error.message}); they are in traces.jsonl beside this page.`;
});
