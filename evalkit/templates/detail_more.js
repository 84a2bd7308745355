// Below the fold of a case: its probes, the other systems and repeats beside it, earlier runs, scores, and how to ask it again.
const READINGS = { pass: ["✓", "right"], fail: ["×", "wrong"], error: ["!", "error"], found: ["✓", "found"], not_found: ["×", "not found"] };
const reading = (result) => {
  const [mark, label] = READINGS[result] || ["?", spaced(result)];
  return make("span", { class: `badge ${{ pass: "pass", found: "pass" }[result] || (READINGS[result] ? "fail" : "ungraded")}`, "data-sign": mark }, label);
};
const passing = (passed) => (isSet(passed) ? badge(passed ? "pass" : "fail") : badge("ungraded"));

// Equal answers once, with how many there are of them.
function alike(answers) {
  const found = new Map();
  for (const [, , passed, text, rank] of answers) {
    const key = JSON.stringify([passed, text, rank]);
    if (!found.has(key)) found.set(key, [passed, text, rank, 0]);
    found.get(key)[3]++;
  }
  return [...found.values()].sort((x, y) => y[3] - x[3]);
}

function caseProbes({ row, legend }) {
  const names = [...new Set([...Object.keys(row.readings || {}), ...(row.probed || []).map(([condition]) => condition)])];
  if (!names.length) return null;
  const cards = names.map((name) => {
    const answers = (row.probed || []).filter(([condition]) => condition === name);
    const told = (row.chain || []).find(([kind, fact]) => kind === "probe" && fact === name);
    const result = row.readings?.[name];
    return make("li", { class: "probe" },
      make("h3", {}, spaced(name), result ? reading(result) : answers.length === 1 ? passing(answers[0][2]) : null),
      make("p", { class: "quiet" }, legend.conditions?.[name.split(":")[0]] || ""),
      told ? make("p", { class: "told", dir: "auto" }, "Here: ", told[2], ".") : null,
      alike(answers).map(([passed, text, rank, n]) => make("div", { class: "reply" },
        answers.length > 1 ? make("p", { class: "quiet" }, `${n} of ${answers.length} `, passing(passed)) : null,
        rank ? make("p", {}, rank[0] ? `Gold at rank ${rank[0]} of ${rank[1]}.` : `No gold among ${rank[1]}.`) : null,
        text ? said(text) : null)));
  });
  return block("The same question under other conditions", { class: "block wide" },
    make("p", { class: "lead" }, "Each probe changes one thing. What the answer does then tells which part is at fault."), make("ul", { class: "probes" }, cards));
}

// Answers in columns, each with what sets it apart from one of them marked word by word.
function compared(columns, base, on) {
  const strangers = [];
  const list = make("ul", { class: "beside-answers" }, columns.map((column, i) => {
    const parts = on && i !== base && isSet(column.text) && isSet(columns[base].text) ? differences(columns[base].text, column.text) : null;
    const table = column.text && (isTable(column.text) || looksLikeJson(column.text));
    const apart = on && i !== base && !parts && isSet(column.text) && isSet(columns[base].text);
    if (apart) strangers.push(column.name);
    const body = column.text === null ? quietly("no answer") : parts
      ? make("p", { class: `said-text${table ? " table" : ""}`, dir: "auto" }, parts.map(([kind, text]) => (kind === "same" ? text : make(kind === "new" ? "ins" : "del", {}, text))))
      : said(column.text);
    return make("li", { class: on && i === base ? "base" : "" }, make("h3", {}, column.head), body);
  }));
  return strangers.length ? [list, quietly(`Too little in common with ${columns[base].name} to mark words: ${strangers.join(", ")}.`)] : list;
}
function comparison(title, columns, start) {
  const holder = make("div", {});
  const select = make("select", { "aria-label": "the answer to compare with" }, columns.map((column, i) => make("option", { value: String(i) }, column.name)));
  const box = make("input", { type: "checkbox" });
  const draw = () => {
    select.disabled = !box.checked;
    holder.replaceChildren(...[compared(columns, Number(select.value), box.checked)].flat());
  };
  select.value = String(start);
  box.checked = true;
  select.addEventListener("change", draw);
  box.addEventListener("change", draw);
  draw();
  return block(title, { class: "block wide" }, make("p", { class: "compare-bar" }, make("label", {}, box, " mark the words that differ from "), select), holder);
}

function caseSideBySide({ data, rows, at, view, kase, list }) {
  if (rows.length < 2) return null;
  const columns = view.rows.map((row, i) => ({
    name: data.system(rows[i]), text: row.answer === undefined ? null : plainAnswer(row),
    head: [make("a", { dir: "auto", href: list.router.caseHash(rows[i]) }, data.system(rows[i])), badge(row.o), row.cause ? make("span", { class: "quiet" }, spaced(row.cause)) : null],
  }));
  if (Array.isArray(kase.reference) && kase.reference.length) columns.push({ name: "the reference", text: kase.reference[0], head: "Reference" });
  if (kase.reference?.object) columns.push({ name: "the reference", text: compactJson(kase.reference.object), head: "Reference" });
  return comparison("All systems on this case", columns, rows.indexOf(at));
}

const compactJson = (text) => { try { return JSON.stringify(JSON.parse(text)).replaceAll('":', '": ').replaceAll(',"', ', "'); } catch { return text; } };

function caseRepeats({ row }) {
  if (!row.others) return null;
  const columns = [{ name: `repeat ${row.repeat + 1}`, text: plainAnswer(row), passed: row.o === "pass" || row.o === "warn" ? true : row.o === "ungraded" ? null : false, numbers: [row.repeat + 1] }];
  for (const [repeat, passed, text] of row.others) {
    const like = columns.find((column) => column.text === text && column.passed === passed);
    if (like) like.numbers.push(repeat + 1); else columns.push({ name: `repeat ${repeat + 1}`, text, passed, numbers: [repeat + 1] });
  }
  for (const column of columns) column.head = [`Repeat${column.numbers.length > 1 ? "s" : ""} ${column.numbers.join(", ")}`, passing(column.passed)];
  const total = row.others.length + 1;
  if (columns.length === 1) return block("Repeats", { class: "block wide" }, quietly(`All ${total} repeats gave this very answer.`));
  return comparison(`Repeats: ${total} answers, ${columns.length} of them different`, columns, 0);
}

function casePast({ row }) {
  if (!row.past) return null;
  return block("History", { class: "block wide" }, make("ol", { class: "past" }, [...row.past, ["this run", row.o, row.cause]].map(([run, outcome, cause]) => make("li", {},
    make("bdi", {}, run), badge(OUTCOMES[outcome] ? outcome : "ungraded"), make("span", { class: "quiet" }, cause ? spaced(cause) : "")))));
}

function caseScores({ row, data }) {
  const rows = (row.scores || []).map((value, m) => [data.index.metrics[m], value, row.notes?.[m]]).filter(([, value]) => isSet(value));
  if (!rows.length) return null;
  return make("details", { class: "block wide scores" }, make("summary", {}, `Scores of this answer (${rows.length})`),
    make("dl", {}, rows.map(([metric, value, note]) => make("div", {}, make("dt", {}, metric), make("dd", {}, String(value), note ? make("span", { class: "quiet" }, ` ${note}`) : null)))));
}

// A word as a POSIX shell reads it back; hidden characters as bash escapes, so that what is copied is what runs.
function shellWord(word) {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (visible(word) === word && !/[\n\t]/.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = [...word].map((char) => (char === "'" || char === "\\" ? `\\${char}`
    : visible(char) === char && !/[\n\t]/.test(char) ? char : [...new TextEncoder().encode(char)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")));
  return `$'${escaped.join("")}'`;
}
const option = (name, value) => (value.startsWith("-") ? `${name}=${shellWord(value)}` : `${name} ${shellWord(value)}`);
const isCut = (text) => /… \(cut, [\d,]+ characters in all/.test(text);

function caseAgain({ kase, data, at, legend }) {
  const [folder, whence] = legend.folder || ["SUITE", ""];
  const asked = [kase.id, data.system(at)];
  const possible = !asked.some((name) => isCut(name) || name.includes("\0") || /[\ud800-\udfff]/.test(name.replace(/[\ud800-\udbff][\udc00-\udfff]/g, "")));
  const stranger = legend.strangers?.includes(asked[1]);
  const command = `evalkit run ${shellWord(folder)}${stranger ? " --systems FILE" : ""} ${option("--case", asked[0])} ${option("--system", asked[1])}`;
  const json = JSON.stringify({ ...kase, reference: kase.reference?.object ? parsed(kase.reference.object) : kase.reference }, null, 2);
  return block("Ask it again", { class: "block wide again" },
    possible ? [copyable(command, "Copy the command"), whence === "report" ? quietly("To be run in the folder of this report.") : legend.folder ? null : quietly("SUITE is the folder of the suite."),
      stranger ? quietly("FILE is the systems file of this run: the suite's own systems.yaml does not hold this system.") : null] : quietly("The name of this case or system cannot be given on a command line."),
    make("details", {}, make("summary", {}, "The case as a line of cases.jsonl"), copyable(json, "Copy the JSON")));
}
const parsed = (text) => { try { return JSON.parse(text); } catch { return text; } };
function copyable(text, label) {
  const shown = make("pre", { tabindex: "0", dir: "ltr" }, text);
  const button = make("button", { type: "button", class: "plain-button copy" }, label);
  button.addEventListener("click", async () => {
    const done = await copied(text);
    button.textContent = done ? "Copied" : "Select the text and copy it";
    setTimeout(() => { button.textContent = label; }, 2000);
  });
  return make("div", { class: "copyable" }, shown, button);
}
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", { class: "sr" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
