// One opened case: what was asked and wanted, what came, and the chain of evidence for why it failed.
function detail(data, row, rows) {
  const kase = data.cases[row.c];
  const system = data.systems[row.s];
  const block = (title, ...content) => make("section", {}, make("h4", {}, title), ...content);
  const text = (value) => make("p", { class: `said-text${/^[ \t]*[|+].*[|+][ \t]*$/m.test(value) ? " table" : ""}`, dir: "auto" }, value);
  const items = (list) => make("ul", { class: "items" }, list.map((item) => make("li", { dir: "auto" }, item)));
  const quiet = (value) => make("p", { class: "quiet" }, value);
  const chip = (label, kind = "") => make("span", { class: `chip ${kind}` }, label);
  const looksLikeJson = (value) => /^\s*(```|[[{])/.test(value);
  const link = (changes, label) => make("a", { href: "#" + new URLSearchParams({ view: "cases", ...changes }) }, label);

  const question = () => [
    block("Question",
      kase.messages ? items(kase.messages.map(([role, said]) => [make("span", { class: "quiet" }, `${role}: `), said])) : null,
      text(kase.query), kase.principal ? quiet(`asked as ${kase.principal}`) : null),
  ];
  const wanted = () => {
    const parts = [quiet(`Behaviour: ${spaced(kase.expected)}${kase.action ? `, action ${kase.action}` : ""}`)];
    for (const reference of kase.reference || []) parts.push(text(reference));
    if (kase.object) parts.push(make("pre", { dir: "auto", tabindex: "0" }, kase.object));
    if (kase.points) {
      parts.push(items(kase.points.map(([point, evidence], i) => [
        point, stated(row.covered?.[i]), evidence.length ? make("span", { class: "quiet" }, ` in ${evidence.join(" or ")}`) : null])));
    }
    if (kase.criteria) parts.push(items(kase.criteria.map(([id, said, verdict]) => `${id}: ${said}${verdict ? ` (${verdict})` : ""}`)));
    if (kase.relevant && !kase.points) parts.push(quiet(`Gold: ${kase.relevant.filter(([, g]) => g > 0).map(([d]) => d).join(", ") || "none"}`));
    if (kase.forbidden) parts.push(quiet(`Must not be used: ${kase.forbidden.join(", ")}`));
    return block("Expected", parts);
  };
  const stated = (share) => (share === undefined || share === null ? null : chip(share >= 0.5 ? "✓ stated" : "× missing"));
  const answer = () => block(
    data.rows.some((r) => r.others) ? `Answer, repeat ${row.repeat + 1}` : "Answer",
    row.error ? make("p", { class: "badge error", "data-sign": "!" }, row.error) : null,
    row.answer === undefined ? (row.error ? null : quiet("no answer")) : looksLikeJson(row.answer) ? make("pre", { dir: "auto", tabindex: "0" }, row.answer) : text(row.answer || "(empty)"),
    row.actual ? quiet(`Action taken: ${row.actual}`) : null,
    row.citations ? quiet(`Cites: ${row.citations.join(", ")}`) : null);

  const why = () => {
    if (!row.evidence && !row.status) return block("Verdict", quiet(row.o === "pass" ? "Right, and every contract is kept." : "The outcome could not be graded."));
    const sure = row.confidence === undefined ? "" : `, confidence ${Math.round(100 * row.confidence)} %`;
    const head = row.cause
      ? make("p", {}, make("strong", {}, spaced(row.cause)), ` (${row.side}), ${row.status}${sure}`)
      : make("p", {}, make("strong", {}, row.status));
    const set = (row.set || []).length ? quiet(`Not told apart from: ${row.set.map(spaced).join(", ")}`) : null;
    const also = (row.also || []).length ? quiet(`Also wrong: ${row.also.map(spaced).join(", ")}`) : null;
    const chain = make("ol", { class: "chain" }, (row.evidence || []).map((said) => make("li", { dir: "auto" }, said)));
    const probes = (row.probes || []).length ? items(row.probes.map(([condition, result]) => `${spaced(condition)}: ${spaced(result)}`)) : null;
    const missing = (row.missing || []).length ? quiet(`Probes that would settle it: ${row.missing.map(spaced).join(", ")}`) : null;
    return block("Chain of evidence", head, chain, probes && quiet("Probes made"), probes, set, also, missing);
  };

  const passage = ([name, title, number, gold, mark], i, note, cut) =>
    make("li", { class: `passage${cut ? " cut" : ""}` }, make("details", {},
      make("summary", {}, make("span", { class: "rank" }, String(i + 1)), make("span", { dir: "auto" }, title && title !== name ? `${title} (${name})` : name),
        gold ? chip("gold", "gold") : null, mark ? chip(note) : null),
      make("p", { class: "text", dir: "auto" }, data.texts[number] || "(no text)")));
  const passages = (title, part, note, absent) => {
    if (!part) return block(title, quiet(absent));
    const found = part.list || [];
    const golds = found.filter((p) => p[3]).length;
    return block(`${title}: ${found.length}, ${golds} gold`,
      found.length ? make("ol", {}, found.map((p, i) => passage(p, i, note, title === "Retrieved" && i === data.k))) : quiet("nothing"),
      title === "Retrieved" && found.length > data.k ? quiet(`The dashed line is the cut at k = ${data.k}.`) : null);
  };

  const answers = (title, list) => (list ? block(title, items(list.map(([condition, repeat, passed, said]) => [
    make("span", { class: "quiet" }, `${condition === "as_is" ? `repeat ${repeat + 1}` : spaced(condition)}: `), said,
    passed === null ? null : chip(passed ? "✓ passes" : "× fails")]))) : null);
  const elsewhere = () => {
    const others = rows.filter((r) => r.c === row.c && r.s !== row.s).sort((a, b) => a.s - b.s);
    return others.length ? block("The same case elsewhere", items(others.map((r) => [
      link({ open: kase.id, of: r.system, q: kase.id }, r.system), " ", badge(r.o), r.cause ? `, ${spaced(r.cause)}` : null]))) : null;
  };
  const scores = () => (row.scores ? make("details", {}, make("summary", {}, `Scores of this answer (${row.scores.length})`),
    items(row.scores.map(([m, value, note]) => `${data.metrics[m]} ${value}${note ? `: ${note}` : ""}`))) : null);

  return make("div", { class: "detail", role: "region", "aria-label": `${kase.id}, ${system}` },
    make("div", {}, why(), question(), answer(), wanted()),
    make("div", {}, passages("Retrieved", row.retrieved, "in prompt", "not observed, or the system retrieves nothing"),
      passages("In the prompt", row.prompt, "cut", "not observed, or the system is given no passages"),
      answers("Further repeats", row.others), answers("Answers under probes", row.probed), elsewhere(), scores(),
      (kase.tags || []).length ? make("p", { class: "quiet" }, "Tags: ", kase.tags.flatMap((tag, i) => [i ? ", " : "", link({ tag }, tag)])) : null));
}
