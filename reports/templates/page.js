
"use strict";
(() => {
  const form = document.getElementById("filter");
  const claims = [...document.querySelectorAll("details.claim")];
  const areas = [...document.querySelectorAll("details.area")];
  const opened = new Map(areas.map((area) => [area, area.open]));
  const texts = new WeakMap();
  let chosen = "";

  const textOf = (claim) => {
    if (!texts.has(claim)) texts.set(claim, claim.textContent.toLowerCase());
    return texts.get(claim);
  };

  const state = () => ({
    q: form.elements.q.value.trim(),
    verdict: [...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value),
    surprise: form.elements.surprise.checked,
  });

  const matches = (claim, { words, verdict, surprise }) =>
    (!surprise || "s" in claim.dataset) &&
    (!verdict.length || verdict.some((name) => claim.dataset.v.split(" ").includes(name))) &&
    words.every((word) => textOf(claim).includes(word));

  function apply() {
    const now = state();
    const active = Boolean(now.q || now.verdict.length || now.surprise);
    const wanted = { ...now, words: now.q.toLowerCase().split(/\s+/).filter(Boolean) };
    let shown = 0;
    for (const area of areas) {
      let inside = 0;
      for (const claim of area.querySelectorAll("details.claim")) {
        claim.hidden = active && !matches(claim, wanted);
        inside += !claim.hidden;
      }
      area.hidden = inside === 0;
      area.open = active ? true : opened.get(area);
      shown += inside;
    }
    document.querySelector(".nothing").hidden = shown > 0;
    form.elements.shown.value = active
      ? `${shown.toLocaleString("en")} of ${claims.length.toLocaleString("en")} claims`
      : `${claims.length.toLocaleString("en")} claims`;
  }

  function remember() {
    const now = state();
    const parts = new URLSearchParams();
    if (now.q) parts.set("q", now.q);
    if (now.verdict.length) parts.set("verdict", now.verdict.join(","));
    if (now.surprise) parts.set("surprise", "1");
    if (chosen) parts.set("claim", chosen);
    const fragment = parts.toString();
    if (!fragment && !location.hash.includes("=")) return;
    history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
  }

  function reveal(target) {
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
      if (node.matches("details.area")) opened.set(node, true);
    }
    target.scrollIntoView({ block: "start" });
    target.querySelector("summary")?.focus({ preventScroll: true });
  }

  function restore() {
    const fragment = location.hash.slice(1);
    if (fragment && !fragment.includes("=")) return;
    const parts = new URLSearchParams(fragment);
    const verdicts = (parts.get("verdict") ?? "").split(",");
    form.elements.q.value = parts.get("q") ?? "";
    form.elements.surprise.checked = parts.has("surprise");
    for (const box of form.querySelectorAll("[name=verdict]")) box.checked = verdicts.includes(box.value);
    chosen = parts.get("claim") ?? "";
    apply();
    for (const key of ["claim", "area", "note"]) {
      const target = parts.has(key) && document.getElementById(`${key}=${parts.get(key)}`);
      if (target) reveal(target);
    }
  }

  function follow(event) {
    const link = event.target.closest("a[href^='#claim=']");
    if (!link) return;
    const id = new URLSearchParams(link.hash.slice(1)).get("claim");
    const target = document.getElementById(`claim=${id}`);
    event.preventDefault();
    if (!target) return;
    if (target.hidden) form.reset();
    chosen = id;
    apply();
    remember();
    reveal(target);
  }

  function choose(event) {
    const summary = event.target.closest("details.claim > summary");
    if (!summary) return;
    const claim = summary.parentElement;
    const id = claim.id.slice("claim=".length);
    if (!claim.open) chosen = id;
    else if (chosen === id) chosen = "";
    remember();
  }

  async function copy(event) {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const script = button.closest(".script").querySelector("pre");
    try {
      await navigator.clipboard.writeText(script.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(script);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }

  function sort(event) {
    const head = event.target.closest("th");
    const body = head.closest("table").tBodies[0];
    const falling = head.getAttribute("aria-sort") === "descending";
    const key = (row) => {
      const cell = row.cells[head.cellIndex];
      return cell.dataset.n === undefined ? cell.textContent.trim() : Number(cell.dataset.n);
    };
    const order = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
    const rows = [...body.rows].sort((a, b) => order(key(a), key(b)) * (falling ? 1 : -1));
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "ascending" : "descending");
    body.append(...rows);
  }

  for (const head of document.querySelectorAll("table.sortable thead th")) {
    if (!head.textContent) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", sort);
    head.replaceChildren(button);
  }

  const update = () => {
    apply();
    remember();
  };
  form.hidden = false;
  for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", update);
  form.addEventListener("reset", () => setTimeout(update));
  form.elements.unfold.addEventListener("click", (event) => {
    const open = !areas.every((area) => area.open);
    for (const area of areas) {
      area.open = open;
      opened.set(area, open);
    }
    event.target.textContent = open ? "Fold areas" : "Unfold areas";
  });
  for (const area of areas) {
    area.firstElementChild.addEventListener("click", () => opened.set(area, !area.open));
  }
  document.addEventListener("click", follow);
  document.addEventListener("click", choose);
  document.addEventListener("click", copy);
  addEventListener("hashchange", restore);
  apply();
  restore();
})();
