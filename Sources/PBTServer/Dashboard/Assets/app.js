// SPDX-License-Identifier: Apache-2.0
// Theme, live blocks, an ancestry that lights up everywhere, keys. Pages are complete without any of it.
(() => {
"use strict";
const root = document.documentElement;
const $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
const kept = (k, v) => { try { if (v === undefined) return sessionStorage[k]; sessionStorage[k] = v; } catch {} };

// The theme, before anything is painted.
const themes = ["auto", "light", "dark"];
let theme = "auto";
try { theme = localStorage.theme ?? "auto"; } catch {}
const paint = () => {
  if (theme === "auto") root.removeAttribute("data-theme"); else root.dataset.theme = theme;
  const button = $("#theme");
  if (button) button.textContent = theme;
};
const turn = () => {
  theme = themes[(themes.indexOf(theme) + 1) % 3];
  try { localStorage.theme = theme; } catch {}
  paint();
};
paint();

// What the page says about itself.
let main, path, facts = {}, rev = 0, bell = 0, shown = new Map();
let stream, frozen = false, lost = false, since = Date.now(), busy = false, again = false, width = 0;
const over = () => facts.state === "finished" || facts.state === "failed";
const read = () => {
  facts = { ...$("#live-facts")?.dataset };
  rev = +facts.rev || 0;
  if (facts.title) document.title = facts.title;
  pieces = (facts.pieces || "").split(" ").filter(Boolean).map(p => {
    const [parent, member, first] = p.split(".");
    return { parent: parent === "" ? -1 : +parent, member: +member, first: +first };
  });
  parts = new Map();
  for (const e of $$("[data-p]")) {
    const p = +e.dataset.p;
    if (!parts.has(p)) parts.set(p, []);
    parts.get(p).push(e);
  }
  lit = new Set();
  light();
  say();
};

// Said aloud: the best, failures, the end; not each time that a number changes.
let said = 0, saying;
const say = () => {
  clearTimeout(saying);
  const e = $("#said");
  if (!e || !facts.say || e.dataset.last === facts.say) return;
  if (e.dataset.last === undefined) { e.dataset.last = facts.say; return; }
  const wait = Math.max(0, said + 30000 - Date.now());
  saying = setTimeout(() => { said = Date.now(); e.textContent = e.dataset.last = facts.say; }, wait);
};

// The link to the server.
const tell = () => {
  const e = $("#link");
  if (!e) return;
  const text = frozen ? "❚❚ frozen" : over() ? "■ " + facts.state : lost ? "○ reconnecting" : "● live";
  if (e.textContent !== text) e.textContent = text;
  e.hidden = false;
  root.classList.toggle("stale", lost && !over() && Date.now() - since > 15000);
};
const contact = ok => { if (ok) since = Date.now(); lost = !ok; tell(); };
const shut = () => { stream?.close(); stream = undefined; };
const open = () => {
  if (stream || !path || document.hidden || frozen || over()) return;
  stream = new EventSource(`${path}?rev=${rev}`);
  stream.onopen = () => { if (lost) refresh(); contact(true); };
  stream.addEventListener("rev", e => { bell = Math.max(bell, +e.lastEventId || 0); refresh(); });
  stream.onerror = () => { contact(false); if (stream?.readyState === 2) shut(); };
};
const tick = () => {
  if (!path || document.hidden || frozen || over()) return;
  if (!stream || lost) refresh();
  open();
  tell();
};

// Fetches this page as it is now, with its own options, and swaps the blocks that differ.
const refresh = async () => {
  if (busy) { again = true; return; }
  if (frozen) return;
  busy = true;
  again = false;
  try {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("fragment", "1");
    if (width) url.searchParams.set("w", width);
    const answer = await fetch(url, { cache: "no-store" });
    if (answer.redirected) return location.reload();
    if (!answer.ok) throw answer.status;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!frozen) swap(page);
    contact(true);
    if (over()) { shut(); tell(); }
  } catch { contact(false); } finally {
    busy = false;
    if (again || (bell > rev && !lost)) setTimeout(refresh, 1000);
  }
};
const swap = page => {
  const [x, y] = [scrollX, scrollY];
  for (const fresh of $$('[id^="live-"]', page)) {
    const old = document.getElementById(fresh.id), text = fresh.outerHTML;
    if (!old || (shown.get(fresh.id) ?? old.outerHTML) === text) continue;
    shown.set(fresh.id, text);
    const spots = e => $$("a,button,input,summary,[tabindex]", e);
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focus && spots(old).indexOf(focus), href = focus?.getAttribute("href");
    const scrolls = $$(".scroll", old).map(e => [e.scrollLeft, e.scrollTop]);
    const opened = $$("details[open]", old).map(e => e.id);
    const chosen = $$("input:checked", old).map(e => e.value);
    old.replaceWith(fresh);
    $$(".scroll", fresh).forEach((e, i) => { if (scrolls[i]) [e.scrollLeft, e.scrollTop] = scrolls[i]; });
    for (const id of opened) { const e = document.getElementById(id); if (e) e.open = true; }
    for (const e of $$("input[type=checkbox]", fresh)) e.checked = chosen.includes(e.value);
    const all = spots(fresh);
    if (focus) ((href && all.find(e => e.getAttribute("href") === href)) || all[place])?.focus({ preventScroll: true });
  }
  scrollTo(x, y);
  read();
};

// Pictures are drawn for their width.
const fit = () => {
  const chart = $(".chart");
  if (!chart || new URLSearchParams(location.search).has("w")) return;
  const room = chart.clientWidth;
  const best = [960, 640, 360].find(w => w * .92 <= room) ?? 360;
  const now = width || +$(".chart svg")?.getAttribute("width") || 640;
  width = best;
  if (best !== now) refresh();
};

// Pins: a member, or MEMBER@INTERVAL; at most two.
let pieces = [], parts = new Map(), lit = new Set(), pins = [];
const pieceOf = pin => {
  const [member, at = Infinity] = pin.split("@").map(Number);
  let found = -1;
  pieces.forEach((p, i) => { if (p.member === member && p.first <= at) found = i; });
  return found;
};
const pinOf = p => {
  const next = pieces[p + 1], { member } = pieces[p];
  return next?.member === member ? `${member}@${next.first - 1}` : `${member}`;
};
const line = p => {
  const all = [];
  for (; p >= 0 && all.length <= pieces.length; p = pieces[p]?.parent ?? -1) all.unshift(p);
  return all;
};
const light = hovered => {
  const tips = hovered === undefined ? pins.map(pieceOf).filter(p => p >= 0) : [hovered];
  const wanted = new Set(tips.flatMap(line).flatMap(p => parts.get(p) ?? []));
  for (const e of lit) if (!wanted.has(e)) e.classList.remove("lit");
  for (const e of wanted) if (!lit.has(e)) e.classList.add("lit");
  lit = wanted;
  root.classList.toggle("picked", tips.length > 0);
  const text = hovered === undefined && tips.length ? "Pinned: " + tips.map(t =>
    line(t).map(p => pieces[p].member).filter((m, i, all) => m !== all[i - 1]).join(" → ")).join("  and  ") : "";
  const e = $("#path");
  if (e && e.textContent !== text) e.textContent = text;
};
const pin = (value, isSecond) => {
  pins = isSecond && pins.length ? [pins[0], value] : pins.length === 1 && pins[0] === value ? [] : [value];
  kept("pins " + path, pins.join(" "));
  light();
};
const clear = () => { pins = []; kept("pins " + path, ""); light(); };

const keys = {
  j: () => step(1), k: () => step(-1),
  b: () => facts.best && pin(facts.best),
  p: () => { const p = pieces[pieceOf(pins.at(-1) ?? facts.best ?? "")]?.parent; if (p >= 0) pin(pinOf(p)); },
  c: () => { const m = document.activeElement?.closest("[data-m]")?.dataset.m; if (m) pin(m, true); },
  l: () => tab(2), "/": () => $("#filter") ? $("#filter").focus() : tab(1),
  " ": () => { frozen = !frozen; if (frozen) shut(); else { refresh(); open(); } tell(); },
  t: turn, "?": () => $("#help")?.showModal(), Escape: clear,
};
for (let i = 0; i < 5; i++) keys[i + 1] = () => tab(i);
const tab = i => $$("header nav a")[i]?.click();
const step = by => {
  const rows = $$("main tbody tr").filter(r => $("a", r));
  const at = rows.indexOf(document.activeElement?.closest("tr"));
  $("a", rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))])?.focus();
};

addEventListener("DOMContentLoaded", () => {
  main = $("#main");
  path = main?.dataset.live;
  pins = (kept("pins " + path) || "").split(" ").filter(Boolean);
  paint();
  for (const id of ["theme", "keys"]) { const e = $("#" + id); if (e) e.hidden = false; }
  $("#theme")?.addEventListener("click", turn);
  $("#keys")?.addEventListener("click", keys["?"]);
  if (!$("#help")) $("#keys")?.remove();
  read();
  for (const e of $$('[id^="live-"]')) shown.set(e.id, undefined);
  fit();
  if (!path) return;
  open();
  tell();
  setInterval(tick, 5000);
  document.addEventListener("visibilitychange", () => { if (document.hidden) shut(); else tick(), refresh(); });
  let resizing;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(fit, 200); });
  const near = e => e.target.closest?.("[data-p]");
  main.addEventListener("mouseover", e => { const n = near(e); if (n && pieces.length) light(+n.dataset.p); });
  main.addEventListener("mouseout", e => { if (near(e)) light(); });
  main.addEventListener("click", e => {
    const n = near(e);
    if (!n || !pieces.length || e.target.closest("a,button,input,summary")) return;
    pin(n.dataset.m ?? pinOf(+n.dataset.p), e.shiftKey);
  });
});
addEventListener("keydown", e => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.target.closest("input,textarea,select,dialog")) return;
  if (e.key === " " && e.target.closest("button,summary")) return;
  const act = keys[e.key];
  if (!act || !main) return;
  e.preventDefault();
  act();
});
})();
