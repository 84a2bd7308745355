// Which view is shown: #cases?cause=..&q=.. is the list, #case=ID&system=NAME a case, anything else the overview.
const router = {
  view: null, scrolled: {}, listState: "", list() {},
  parse(hash) {
    const text = hash.replace(/^#/, "");
    const [head, tail] = [text.split("?", 1)[0], text.includes("?") ? text.slice(text.indexOf("?") + 1) : ""];
    const known = (params) => { params.delete("view"); params.delete("open"); params.delete("of"); return params; };
    if (head === "cases") return ["cases", new URLSearchParams(tail)];
    const params = new URLSearchParams(text);
    if (text.startsWith("case=")) return ["case", params];
    if (params.get("view") === "cases" && params.get("open")) {
      return ["case", new URLSearchParams([["case", params.get("open")], ["system", params.get("of") || params.get("system") || ""]])];
    }
    return params.get("view") === "cases" ? ["cases", known(params)] : ["overview", params];
  },
  caseHash(row) {
    const quoted = (text) => encodeURIComponent(String(text).toWellFormed?.() ?? text);
    return `#case=${quoted(this.data.id(row))}&system=${quoted(this.data.system(row))}`;
  },
  listHash(state) { return state.toString() ? `#cases?${state}` : "#cases"; },
};

(function start() {
  const list = document.getElementById("case-list"), one = document.getElementById("case-page");
  const title = document.title;
  const overview = Boolean(document.querySelector("main > section:not(#case-list, #case-page)"));
  let cases = null, steps = 0;

  const show = (view) => {
    if (router.view === view) return;
    if (router.view) router.scrolled[router.view] = scrollY;
    router.view = document.body.dataset.view = view;
    list.hidden = view !== "cases";
    one.hidden = view !== "case";
    history.scrollRestoration = view === "overview" ? "auto" : "manual";
    document.querySelectorAll(".top nav a").forEach((a) => {
      if (a.getAttribute("href") === "#cases" && view !== "overview") a.setAttribute("aria-current", "true");
      else if (view !== "overview") a.removeAttribute("aria-current");
    });
  };

  const route = async (back = false) => {
    const [view, state] = router.parse(location.hash);
    const turn = ++steps;
    const before = router.view, other = before !== view;
    show(overview || view !== "overview" ? view : "cases");
    if (router.view === "overview") {
      document.title = title;
      if (typeof page !== "undefined") page.read();
      const target = location.hash.length > 1 && !location.hash.includes("=") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (target) target.scrollIntoView();
      else if (before && other) scrollTo(0, router.scrolled.overview || 0);
      return;
    }
    await loaded;
    if (turn !== steps || !cases) return;
    if (router.view === "cases") {
      const same = router.listState === state.toString() && cases.applied;
      router.listState = state.toString();
      document.title = `Cases · ${title}`;
      if (!same) cases.apply(state);
      cases.applied = true;
      cases.draw();
      if (other) scrollTo(0, same ? router.scrolled.cases || 0 : 0);
      if (other && same && router.opened !== undefined) cases.focus(cases.positionOf(router.opened));
      return;
    }
    if (cases.go) { missing(state.get("case"), cases.go(state.get("case"), state.get("system"))); return; }
    const row = router.data.find(state.get("case"), state.get("system"));
    if (row < 0) { missing(state.get("case")); return; }
    if (!cases.applied) { cases.apply(new URLSearchParams(router.listState)); cases.applied = true; }
    const view_ = await caseView(router.data, cases, row);
    if (turn !== steps) return;
    router.opened = row;
    one.replaceChildren(view_);
    document.title = `${router.data.id(row)} · ${title}`;
    if (!back || other) scrollTo(0, 0);
    one.querySelector("h1")?.focus({ preventScroll: true });
  };
  const missing = (id, elsewhere = []) => {
    const text = elsewhere.length ? "This case is on a page of its own: " : `There is no case called ${String(id).slice(0, 300)} here. `;
    one.replaceChildren(make("p", { class: "notice" }, text, elsewhere, make("a", { href: "#cases" }, "All cases")));
  };

  router.list = (state, push) => {
    const hash = router.listHash(state);
    if (hash === (location.hash || "#cases")) return;
    if (push) history.pushState(null, "", hash); else history.replaceState(null, "", hash);
    router.listState = state.toString();
    cases.apply(state);
    cases.applied = true;
    if (list.getBoundingClientRect().top < 0) list.scrollIntoView();
  };
  router.toList = () => { location.hash = router.listHash(new URLSearchParams(router.listState)); };
  router.step = (by) => {
    const next = cases.shown[cases.positionOf(router.opened) + by];
    if (next !== undefined) location.replace(router.caseHash(next)); // Back leads to the list, not through every case
  };

  const loaded = CaseData.open(document.getElementById("data")).then((data) => {
    router.data = data;
    cases = data.index.pages ? new PageList(data, router) : new CaseList(data, router);
    document.body.dataset.ready = "true";
    performance.mark("evalkit-ready");
  }, (error) => {
    list.hidden = false;
    document.getElementById("filters").hidden = false;
    document.getElementById("count").textContent = `The cases could not be unpacked (${error.message}); they are in traces.jsonl beside this page.`;
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || router.view === "overview" || !cases) return;
    const typing = event.target.matches?.("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
      if (router.view === "case") { if (typing) event.target.blur(); else router.toList(); return; }
      if (typing) event.target.blur();
      if (cases.form.elements.q) cases.form.elements.q.value = "";
      if (cases.state.toString()) router.list(new URLSearchParams(), true);
      return;
    }
    if (typing && !(event.target.type === "search" && event.key === "ArrowDown")) return;
    const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    const arrow = event.key.startsWith("Arrow");
    if (event.key === "/" && cases.search) { event.preventDefault(); if (router.view === "case") router.toList(); setTimeout(() => cases.form.elements.q.focus()); return; }
    if (!step) return;
    if (router.view === "case") { if (!arrow) router.step(step); return; }
    if (arrow && !event.target.closest?.("#rows") && event.target.type !== "search") return;
    event.preventDefault();
    cases.focus(cases.current + step);
  });
  addEventListener("popstate", () => { route(true); });
  route();
})();
