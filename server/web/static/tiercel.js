// Live updates and the keyboard. Every page can be read without it.
"use strict";
(() => {
  const one = (s, from = document) => from.querySelector(s);
  const all = (s, from = document) => [...from.querySelectorAll(s)];

  const keys = one(".foot .keys");
  if (keys && one("[data-keys]")) keys.hidden = false;

  const rows = () => all("[data-keys] tbody tr");
  const current = () => rows().findIndex((r) => r.classList.contains("now"));
  const go = (n) => {
    const list = rows();
    if (!list.length) return;
    n = Math.max(0, Math.min(n, list.length - 1));
    list.forEach((r, i) => r.classList.toggle("now", i === n));
    const link = one("a.row", list[n]);
    if (link) link.focus({ preventScroll: true });
    list[n].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const at = e.target;
    if (at.closest("input, textarea, select")) {
      if (e.key === "Escape") at.blur();
      return;
    }
    switch (e.key) {
      case "j": go(current() + 1); break;
      case "k": go(current() < 0 ? 0 : current() - 1); break;
      case "Enter": {
        if (at !== document.body) return;
        const link = rows()[current()] && one("a.row", rows()[current()]);
        if (link) link.click();
        break;
      }
      case "/": {
        const search = one("[data-search]");
        if (!search) return;
        search.focus();
        search.select();
        break;
      }
      default: return;
    }
    e.preventDefault();
  });

  // What is marked data-live is taken anew from the same address.
  const said = one("#live");
  let busy = false, again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const chosen = rows()[current()];
      const href = chosen && one("a.row", chosen) && one("a.row", chosen).getAttribute("href");
      const focused = document.activeElement && document.activeElement.matches("a.row");
      for (const old of all("[data-live]")) {
        const next = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
        if (next && next.innerHTML !== old.innerHTML) old.replaceChildren(...[...next.childNodes].map((n) => document.importNode(n, true)));
      }
      if (href) {
        const n = rows().findIndex((r) => one("a.row", r) && one("a.row", r).getAttribute("href") === href);
        if (n >= 0) {
          rows()[n].classList.add("now");
          if (focused) one("a.row", rows()[n]).focus({ preventScroll: true });
        }
      }
    } catch { /* the server may be restarting; EventSource comes back */ } finally {
      busy = false;
      if (again) { again = false; later(); }
    }
  };
  let timer = 0;
  const later = () => { if (!timer) timer = setTimeout(() => { timer = 0; refresh(); }, 1000); };

  const banner = one("#changed");
  // Only the first page of a list changes by itself.
  const first = one("[data-live='list']") && !new URLSearchParams(location.search).has("after");
  if (window.EventSource && (first || banner)) {
    const events = new EventSource("/api/v1/events");
    let lost = false;
    events.addEventListener("change", (e) => {
      if (banner && JSON.parse(e.data).incident === banner.dataset.incident) banner.hidden = false;
      if (first && !document.hidden) later();
    });
    events.onopen = () => { if (lost) { lost = false; said.textContent = ""; if (first) later(); } };
    events.onerror = () => { lost = true; said.textContent = "Not live: the server cannot be reached. Trying again."; };
    document.addEventListener("visibilitychange", () => { if (!document.hidden && first) later(); });
  }
  const waiting = one("[data-reload]");
  if (waiting) setTimeout(() => location.reload(), 1500);

  for (const button of all("button[data-post]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      const answer = await fetch(button.dataset.post, { method: "POST", headers: { "X-CSRF-Token": one("meta[name=csrf]").content } });
      if (answer.ok) { location.reload(); return; }
      const text = await answer.json().then((a) => a.error.message, () => "It did not work: " + answer.status);
      button.replaceWith(Object.assign(document.createElement("span"), { className: "wrong", role: "alert", textContent: text }));
    });
  }
})();
