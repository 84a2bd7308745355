// State lives in the address: #view=cases&system=rag&cause=ranking_low. A plain #metrics is an ordinary anchor.
"use strict";
const page = {
  state: new URLSearchParams(),
  listeners: [],
  read() {
    const text = location.hash.slice(1);
    page.state = new URLSearchParams(text.includes("=") ? text : "");
    for (const listener of page.listeners) listener(page.state);
    const view = page.state.get("view");
    if (view && !page.quiet) document.getElementById(view)?.scrollIntoView();
    page.quiet = false;
  },
  write(changes) {
    const next = new URLSearchParams(page.state);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    page.state = next;
    history.replaceState(null, "", "#" + next);
  },
};

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

(function sections() {
  const links = new Map([...document.querySelectorAll(".top nav a")].map((a) => [a.hash.slice(1), a]));
  const parts = [...document.querySelectorAll("main > section")].filter((section) => links.has(section.id));
  let waiting = false;
  const mark = () => {
    waiting = false;
    const here = parts.filter((section) => section.getBoundingClientRect().top < innerHeight / 3).pop() || parts[0];
    links.forEach((a, id) => (id === here.id ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
  };
  const soon = () => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  };
  addEventListener("scroll", soon, { passive: true });
  new ResizeObserver(soon).observe(document.querySelector("main"));
})();
