// The page of one case: what was asked and wanted, what came, from which passages, and the chain of evidence for why it failed.
const GOLD = 1, IN_PROMPT = 2, FORBIDDEN = 4;
const CLAIMS = [null, ["supported", "said by the passages"], ["unsupported", "not said by the passages"], ["contradicted", "contradicted by the passages"], ["unjudged", "not judged"]];
const block = (title, attributes, ...content) => make("section", { class: "block", ...attributes }, make("h2", {}, title), content);
const quietly = (...content) => make("p", { class: "quiet" }, content);
const chip = (label, kind = "") => make("span", { class: `chip ${kind}` }, label);
const isTable = (value) => /^[ \t]*[|+].*[|+][ \t]*$/m.test(value);
const looksLikeJson = (value) => /^\s*(```|[[{])/.test(value);
const said = (value) => (looksLikeJson(value) ? make("pre", { dir: "auto", tabindex: "0" }, value) : make("p", { class: `said-text${isTable(value) ? " table" : ""}`, dir: "auto" }, value || "(empty)"));
const plainAnswer = (row) => (typeof row.answer === "string" ? row.answer : (row.answer || []).map(([text]) => text).join(""));

async function caseView(data, list, at) {
  const c = data.caseOf[at];
  const view = await data.details(c);
  const row = view.rows[at - data.firstRow[c]];
  const rows = data.rowsOf(c);
  if (row.prompt?.first !== undefined) row.prompt = { n: row.prompt.n, list: row.retrieved.list.slice(0, row.prompt.first).map(([number, flags]) => [number, flags & ~IN_PROMPT, null]) };
  const numbers = [...(row.retrieved?.list || []), ...(row.prompt?.list || [])].map(([number]) => number);
  const page = { data, list, at, row, rows, kase: view.case, view, pool: await data.passages(numbers), legend: data.index.legend };
  const node = make("article", { class: "case", "aria-labelledby": "case-title" },
    caseHead(page), caseSwitch(page),
    make("div", { class: "halves" }, row.retrieved || row.prompt
      ? [make("div", {}, caseVerdict(page), caseAnswer(page), caseWanted(page)), make("div", {}, casePassages(page))]
      : [make("div", {}, caseVerdict(page), casePassages(page)), make("div", {}, caseAnswer(page), caseWanted(page))]),
    caseProbes(page), caseSideBySide(page), caseRepeats(page), casePast(page), caseScores(page), caseAgain(page));
  connectClaims(node, page);
  return node;
}

function caseHead({ data, list, at, kase }) {
  const place = list.positionOf(at);
  const step = (by, label) => {
    const to = list.shown[place + by];
    const there = place >= 0 && to !== undefined;
    return make("a", { class: "step", href: there ? list.router.caseHash(to) : null, "aria-disabled": there ? null : "true", "aria-keyshortcuts": by > 0 ? "j" : "k" }, label);
  };
  const chosen = list.state.toString() ? "in this list" : "in all";
  const details = [kase.principal ? ["asked as ", make("bdi", {}, kase.principal)] : null, kase.group ? ["group ", make("bdi", {}, kase.group)] : null].filter(Boolean);
  const last = (kase.messages || []).at(-1); // the question itself, which is the title
  const turns = (kase.messages || []).filter((m) => !(m === last && m.content === kase.query));
  const tags = (kase.tags || []).map((tag) => make("a", { class: "chip", dir: "auto", href: `#cases?${new URLSearchParams({ tag })}` }, tag));
  return make("header", { class: "case-head" },
    make("nav", { class: "steps", "aria-label": "Cases" },
      make("a", { href: list.router.listHash(list.state), "aria-keyshortcuts": "Escape" }, "← All cases"),
      place >= 0 ? make("span", { class: "quiet" }, `${(place + 1).toLocaleString("en")} of ${list.shown.length.toLocaleString("en")} ${chosen}`) : null,
      step(-1, "‹ Previous"), step(1, "Next ›")),
    make("p", { class: "eyebrow" }, make("bdi", { class: "case-id" }, kase.id), details.map((part) => [" · ", part]), tags.length ? make("span", { class: "tags" }, tags) : null),
    turns.length ? make("ul", { class: "turns" }, turns.map((m) => make("li", { dir: "auto" }, make("span", { class: "quiet" }, `${m.role}: `), m.content))) : null,
    make("h1", { id: "case-title", tabindex: "-1", dir: "auto", class: kase.query.length > 240 ? "long" : "" }, kase.query),
    kase.clarified ? quietly("Clarified: ", make("bdi", {}, kase.clarified)) : null);
}

// The same case under every system, as a row of links.
function caseSwitch({ data, rows, at, list }) {
  if (data.index.systems.length < 2) return null;
  return make("nav", { class: "systems-bar", "aria-label": "Systems" }, rows.map((row) => make("a", { href: list.router.caseHash(row), "aria-current": row === at ? "page" : null },
    make("strong", { dir: "auto" }, data.system(row)), badge(data.word("o", row)), data.word("cause", row) ? make("span", { class: "quiet" }, spaced(data.word("cause", row))) : null)));
}

const LINKS = { fact: "Fact", probe: "Probe", so: "So", besides: "Besides" };
function caseVerdict({ row, legend }) {
  const [meaning, fix, proof] = legend.causes?.[row.cause] || [];
  const sure = isSet(row.confidence) ? `, ${percentOf(row.confidence)} sure` : "";
  if (!row.status) {
    const text = row.o === "pass" ? "Right, and every contract is kept." : "The outcome could not be graded: the labels of this case do not say enough, or the judge failed.";
    return block("Verdict", { class: `block verdict-box ${row.o}` }, make("p", { class: "cause" }, badge(row.o)), make("p", {}, text), row.judge ? quietly(`Judge: ${row.judge.error}`) : null);
  }
  const head = row.cause
    ? make("p", { class: "cause" }, make("i", { class: `dot ${row.side}` }), make("strong", {}, spaced(row.cause)), make("span", { class: "quiet" }, ` ${row.side} side, ${row.stage} stage`))
    : make("p", { class: "cause" }, make("strong", {}, spaced(row.status)));
  const chain = make("ol", { class: "chain" }, (row.chain || []).map(([kind, name, text]) => make("li", { class: `is-${kind}`, dir: "auto" },
    make("span", { class: "kind" }, kind === "probe" ? `Probe: ${spaced(name)}` : LINKS[kind]), text)));
  const how = row.cause ? {
    proven: `Proven${sure}: ${proof}.`,
    suspected: `Suspected${sure}: the signs speak for it, its proof is missing. It would be proven when ${proof}.`,
  }[row.status] : { undetermined: "Labels, traces or probes that would tell are missing.", unexplained: "None of the known causes fits: the rules are incomplete here." }[row.status];
  const names = (values) => values.map(spaced).join(", ");
  return block(row.o === "warn" ? "Why it passes with a warning" : "Why it fails", { class: `block verdict-box ${row.o}` }, head,
    meaning ? make("p", {}, meaning) : null, (row.chain || []).length ? chain : null,
    make("p", { class: "how" }, how),
    (row.set || []).length ? quietly(`Not told apart from: ${names(row.set)}.`) : null,
    (row.missing || []).length ? quietly(`Probes that would settle it: ${names(row.missing)}.`) : null,
    (row.also || []).length ? quietly(`Also wrong: ${names(row.also)}.`) : null,
    row.fix || fix ? make("p", { class: "first-fix" }, make("span", { class: "quiet" }, "First fix: "), row.fix || fix) : null);
}

function caseAnswer({ row }) {
  const parts = Array.isArray(row.answer) && row.prompt?.list?.length ? row.answer : null; // without passages there is nothing to hold it against
  const kinds = [...new Set((parts || []).map(([, state]) => state))].filter(Boolean).sort();
  const text = plainAnswer(row);
  const body = parts
    ? make("p", { class: `said-text marked${isTable(text) || looksLikeJson(text) ? " table" : ""}`, dir: "auto" }, parts.map(([stretch, state, passage]) => (state ? make("span", { class: `claim ${CLAIMS[state][0]}`, tabindex: "0", "data-passage": isSet(passage) ? String(passage) : null },
      stretch, make("span", { class: "sr" }, ` (${CLAIMS[state][1]}${isSet(passage) ? `, passage ${passage + 1} of the prompt` : ""})`)) : stretch)))
    : row.answer === undefined ? (row.error ? null : quietly("no answer")) : said(text);
  const cites = row.cites === "none" ? quietly("Cites nothing.") : (row.cites || []).length ? make("p", { class: "quiet cites" }, "Cites ", row.cites.map(([doc, holds], i) => [i ? ", " : "", make("bdi", {}, doc), holds === false ? make("span", { class: "bad" }, " (does not support the answer)") : null])) : null;
  return block(row.others || row.repeat ? `Answer (repeat ${row.repeat + 1})` : "Answer", {},
    row.error ? make("p", { class: "badge error wrap", "data-sign": "!" }, row.error) : null, body,
    row.cut ? quietly(`(cut, ${row.cut.toLocaleString("en")} characters in all)`) : null,
    kinds.length ? make("p", { class: "claims-key" }, kinds.map((kind) => make("span", { class: `claim ${CLAIMS[kind][0]}` }, CLAIMS[kind][1])), make("span", { class: "quiet" }, "This says nothing of being right. Point at a statement to see its passage.")) : null,
    row.action ? quietly(`Action taken: ${row.action}`) : null, cites);
}

function caseWanted({ row, kase }) {
  const parts = [];
  if (kase.expected !== "answer" || kase.expected_action) parts.push(quietly(`Behaviour: ${spaced(kase.expected)}${kase.expected_action ? `, action ${kase.expected_action}` : ""}`));
  if (kase.reference?.object) parts.push(make("pre", { dir: "auto", tabindex: "0" }, kase.reference.object));
  else (kase.reference || []).forEach((text, i) => parts.push(i ? quietly("or") : null, said(text)));
  if (kase.key_points) {
    parts.push(make("ul", { class: "points" }, kase.key_points.map((point, i) => {
      const share = row.covered?.[i];
      const state = !isSet(share) ? "open" : share >= 0.5 ? "yes" : "no";
      return make("li", { class: state, dir: "auto" }, point.text, make("span", { class: "quiet" }, { yes: " stated", no: " missing", open: "" }[state], point.evidence.length ? [", in ", point.evidence.map((doc, n) => [n ? " or " : "", make("bdi", {}, doc)])] : ""));
    })));
  }
  if (kase.criteria) parts.push(make("ul", { class: "items" }, kase.criteria.map(({ id, text, verdict }) => make("li", { dir: "auto" }, `${id}: ${text}${verdict ? ` (${verdict})` : ""}`))));
  const gold = Object.entries(kase.relevant || {}).filter(([, grade]) => grade > 0).map(([doc]) => doc);
  if (kase.relevant && !kase.key_points) parts.push(quietly("Gold: ", gold.length ? gold.map((doc, i) => [i ? ", " : "", make("bdi", {}, doc)]) : "none; nothing in the corpus answers this"));
  if (kase.forbidden) parts.push(quietly(`Must not be used: ${kase.forbidden.join(", ")}`));
  return block("Expected", {}, parts.length ? parts : quietly("An answer; the case has no reference."));
}
