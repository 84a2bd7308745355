// State lives in the address: #cases?system=rag&cause=ranking_low is a section with what it shows, #case=ID&system=rag one
// case, and a plain #metrics an ordinary anchor. Listeners get (state, view): view is "cases" in the first, "case" in the second.
"use strict";
const page = {
  view: "",
  state: new URLSearchParams(),
  listeners: [],
  read() {
    const text = location.hash.slice(1);
    const [, section, query] = /^([\w-]+)\?(.*)$/s.exec(text) || ["", "", text.includes("=") ? text : ""];
    page.state = new URLSearchParams(query);
    page.view = section || page.state.get("view") || (page.state.has("case") ? "case" : "");
    page.state.delete("view");
    for (const listener of page.listeners) listener(page.state, page.view);
    if (query && page.view && !page.quiet) document.getElementById(page.view)?.scrollIntoView();
    page.quiet = false;
  },
  write({ view = page.view, ...changes }) {
    const next = new URLSearchParams(view === page.view ? page.state : "");
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    page.view = view;
    page.state = next;
    history.replaceState(null, "", `#${view}?${next}`);
  },
};

(function narrow() {
  // A narrow screen begins with the answer and the systems; every other part shows its title and unfolds.
  if (!matchMedia("(max-width: 40rem)").matches) return;
  for (const section of document.querySelectorAll("main > section:not(#answer, #systems, #case-list, #case-page)")) {
    const title = section.querySelector(":scope > h2.section:first-child");
    if (!title) continue;
    const parts = [...section.childNodes], fold = document.createElement("details"), head = document.createElement("summary");
    fold.className = "fold";
    fold.append(head, ...parts);
    head.append(title);
    section.append(fold);
  }
})();

(function folds() {
  // What an address or a link leads to is unfolded: a section that is folded as a whole, and what lies inside a fold.
  const unfold = () => {
    const name = location.hash.slice(1).split("?")[0];
    let target = null;
    try { target = name && document.getElementById(decodeURIComponent(name)); } catch { return; }
    if (!target) return;
    const closed = [target.matches("details") ? target : target.querySelector(":scope > details.fold:first-child")];
    for (let at = target.parentElement; at; at = at.parentElement) if (at.matches("details")) closed.push(at);
    const shut = closed.filter((d) => d && !d.open);
    shut.forEach((d) => { d.open = true; });
    if (shut.length) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  document.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")?.hash === location.hash) unfold(); });
  unfold();
})();

(function tabs() {
  const bar = document.querySelector(".tabs");
  if (!bar) return;
  const buttons = [...bar.querySelectorAll("button")];
  const panels = [...document.querySelectorAll(".panel")];
  const first = buttons.find((b) => "best" in b.dataset) || buttons[0];
  const show = (button) => {
    const all = button.dataset.system === "";
    buttons.forEach((b) => {
      b.setAttribute("aria-selected", b === button);
      b.tabIndex = b === button ? 0 : -1;
    });
    panels.forEach((panel, i) => { panel.hidden = !all && buttons[i] !== button; });
    document.getElementById("panels").classList.toggle("beside", all);
  };
  bar.hidden = false;
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    show(button);
    page.write({ view: "systems", show: button.dataset.system || "all" });
  });
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const here = buttons.indexOf(document.activeElement);
    const next = buttons[(here + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
  page.listeners.push((state) => {
    const wanted = state.get("show");
    if (wanted === null && bar.querySelector("[aria-selected=true]")) return;
    show(buttons.find((b) => (b.dataset.system || "all") === wanted) || first);
  });
})();

(function definitions() {
  // A definition floats over the table's own scrolling box, below its name or above it where room lacks.
  const place = (button) => {
    const card = button.parentElement.querySelector(".definition");
    const at = button.getBoundingClientRect();
    card.style.position = "fixed";
    card.style.left = `${Math.max(8, Math.min(at.left, innerWidth - card.offsetWidth - 8))}px`;
    const below = at.bottom + 6;
    card.style.top = `${below + card.offsetHeight < innerHeight ? below : Math.max(8, at.top - card.offsetHeight - 6)}px`;
  };
  for (const kind of ["pointerover", "focusin", "click"]) {
    document.addEventListener(kind, (event) => {
      const button = event.target.closest?.(".metric");
      if (button) place(button);
    });
  }
  addEventListener("scroll", () => {
    document.querySelectorAll(".metric:is(:hover, :focus-visible, [aria-expanded=true])").forEach(place);
  }, { passive: true, capture: true });
  const close = (except) => {
    for (const button of document.querySelectorAll(".metric[aria-expanded=true]")) {
      if (button !== except) button.setAttribute("aria-expanded", "false");
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".metric");
    close(button);
    if (!button) return;
    button.parentElement.classList.remove("closed");
    button.setAttribute("aria-expanded", button.getAttribute("aria-expanded") !== "true");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    document.activeElement?.closest("th")?.classList.add("closed");
  });
  document.addEventListener("focusout", (event) => event.target.closest?.("th")?.classList.remove("closed"));
})();

(function terms() {
  // A word of the glossary tells its meaning beside it, on hover, on focus and at a touch; Escape puts it away.
  let tip = null;
  const put = (link) => {
    const meaning = document.getElementById(link.getAttribute("aria-describedby"));
    if (!meaning) return;
    tip = tip || document.body.appendChild(Object.assign(document.createElement("div"), { className: "tip" }));
    tip.setAttribute("aria-hidden", "true");
    tip.textContent = meaning.textContent;
    tip.hidden = false;
    const at = link.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - tip.offsetWidth - 8))}px`;
    const below = at.bottom + 6;
    tip.style.top = `${below + tip.offsetHeight < innerHeight ? below : Math.max(8, at.top - tip.offsetHeight - 6)}px`;
  };
  const away = () => { if (tip) tip.hidden = true; };
  const of = (event) => event.target.closest?.(".term");
  for (const kind of ["pointerover", "focusin"]) {
    document.addEventListener(kind, (event) => { if (of(event)) put(of(event)); });
  }
  for (const kind of ["pointerout", "focusout"]) {
    document.addEventListener(kind, (event) => { if (of(event)) away(); });
  }
  document.addEventListener("click", (event) => {
    if (!of(event)) return;
    event.preventDefault();
    put(of(event));
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") away(); });
  addEventListener("scroll", () => {
    const link = document.activeElement?.closest?.(".term");
    if (link && tip && !tip.hidden) put(link);
    else away();
  }, { passive: true });
})();

(function sections() {
  const links = new Map([...document.querySelectorAll(".top nav a")].map((a) => [a.hash.slice(1), a]));
  const parts = [...document.querySelectorAll("main > section")].filter((section) => links.has(section.id));
  let waiting = false;
  const mark = () => {
    waiting = false;
    if ((document.body.dataset.view || "overview") !== "overview") return; // the list of cases marks its own link
    const here = parts.filter((section) => section.getBoundingClientRect().top < innerHeight / 3).pop() || parts[0];
    links.forEach((a, id) => (id === here.id ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
    const bar = links.get(here.id).parentElement, at = links.get(here.id); // on a narrow screen the bar scrolls along
    if (bar.scrollWidth > bar.clientWidth) bar.scrollLeft = at.offsetLeft - bar.offsetLeft - (bar.clientWidth - at.offsetWidth) / 2;
  };
  const soon = () => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  };
  addEventListener("scroll", soon, { passive: true });
  new ResizeObserver(soon).observe(document.querySelector("main"));
})();

(function hints() {
  // A table that is wider than its box says so above it.
  const boxes = [...document.querySelectorAll(".scroll")];
  const look = (entries) => entries.forEach(({ target: box }) => {
    const hint = box.previousElementSibling?.classList.contains("swipe") ? box.previousElementSibling : null;
    const wide = box.scrollWidth > box.clientWidth + 1;
    if (wide && !hint && box.clientWidth) box.insertAdjacentElement("beforebegin", Object.assign(document.createElement("p"), { className: "swipe", textContent: "More columns to the right: scroll the table sideways \u2192" }));
    else if (!wide && hint) hint.remove();
  });
  const seen = new ResizeObserver(look);
  boxes.forEach((box) => seen.observe(box));
})();

(function printing() {
  // On paper nothing can be unfolded.
  const folded = () => document.querySelectorAll("main > section:not(#case-list, #case-page) details:not([open])");
  let opened = [];
  addEventListener("beforeprint", () => { opened = [...folded()]; opened.forEach((d) => { d.open = true; }); });
  addEventListener("afterprint", () => opened.forEach((d) => { d.open = false; }));
})();
