// Keeps what is under way up to date, and helps to choose two runs. Everything works without it.
"use strict";

(function live() {
  const shown = [...document.querySelectorAll("[data-live]")];
  const states = [...document.querySelectorAll("[data-state]")];
  if (!states.length) return;
  const alone = location.pathname.startsWith("/run/");
  const key = states[0].dataset.state;
  const going = () => states.some((badge) => badge.textContent === "under way");
  const fill = (box, run) => {
    for (const field of box.querySelectorAll("[data-field]")) {
      const value = run[field.dataset.field];
      if (value !== undefined && value !== null) field.textContent = value;
    }
    box.querySelector("[data-share]")?.setAttribute("width", 100 * (run.share || 0));
  };
  const tally = (body, run) => {
    const cells = (one) => [one.name, one.first, one.probed, one.open, one.errors];
    body.replaceChildren(...(run.systems || []).map((one) => {
      const row = document.createElement("tr");
      cells(one).forEach((text, i) => {
        const cell = row.appendChild(document.createElement(i ? "td" : "th"));
        if (i) cell.className = "num";
        if (!i) cell.scope = "row";
        cell.textContent = text;
      });
      return row;
    }));
  };
  const show = (runs) => {
    const known = new Map(runs.map((run) => [run.key, run]));
    const changed = states.some((badge) => known.get(badge.dataset.state)?.state !== badge.textContent);
    const listed = alone || location.search || states.length > 99 ? states.length : known.size;
    if (changed || listed !== states.length) return location.reload();
    for (const box of shown) fill(box, known.get(box.dataset.live));
    for (const body of document.querySelectorAll("[data-tallies]")) tally(body, known.get(body.dataset.tallies));
  };
  const ask = async () => {
    if (!document.hidden) {
      try {
        const reply = await fetch(alone ? `/api/run/${key}` : "/api/runs");
        if (reply.ok) {
          const told = await reply.json();
          show(alone ? [told] : told.runs);
        }
      } catch {
        // The viewer has ended: what is shown stays.
      }
    }
    setTimeout(ask, going() ? 2000 : 10000);
  };
  setTimeout(ask, going() ? 1000 : 10000);
})();

(function comparing() {
  const box = document.querySelector("[data-compare]");
  if (!box) return;
  const ask = async () => {
    try {
      const reply = await fetch(`/api/compare?${box.dataset.compare}`);
      if (reply.ok && !(await reply.json()).again) return location.reload();
    } catch {
      return;
    }
    setTimeout(ask, 1500);
  };
  setTimeout(ask, 1000);
})();

(function folds() {
  const unfold = () => {
    const fold = location.hash && document.getElementById(location.hash.slice(1))?.querySelector(":scope > details.fold");
    if (fold && !fold.open) { fold.open = true; fold.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  document.addEventListener("click", (event) => { if (event.target.closest("a[href^='#pair']")?.hash === location.hash) unfold(); });
  addEventListener("beforeprint", () => document.querySelectorAll("details.fold").forEach((d) => { d.open = true; }));
  unfold();
})();

(function ticking() {
  const boxes = [...document.querySelectorAll("input[name=run]")];
  const said = document.getElementById("ticked");
  if (!said) return;
  const button = said.parentElement.querySelector("button");
  const look = () => {
    const n = boxes.filter((box) => box.checked).length;
    const first = boxes.find((box) => box.checked); // only runs of one suite can be compared
    const unlike = (box) => first && box.dataset.like !== first.dataset.like;
    boxes.forEach((box) => {
      box.disabled = !box.checked && (n >= 2 || Boolean(unlike(box)));
      box.parentElement.title = unlike(box) ? "of another suite than the one ticked" : "";
    });
    button.disabled = n === 0;
    said.textContent = n === 1 ? "One is ticked: its systems are compared with each other." : "";
    said.parentElement.classList.toggle("ready", n > 0);
  };
  document.addEventListener("change", look);
  addEventListener("pageshow", look);
})();

(function choosing() {
  const form = document.querySelector("form.choose[action='/trend']");
  if (!form) return;
  form.addEventListener("change", (event) => {
    if (event.target.name === "suite") form.metric.disabled = true;
    form.requestSubmit();
  });
})();
