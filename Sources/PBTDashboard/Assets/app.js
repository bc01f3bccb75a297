// SPDX-License-Identifier: Apache-2.0
// Pages are complete without this.
(() => {
const doc = document, root = doc.documentElement, $ = (s, e = doc) => e.querySelector(s),
 $$ = (s, e = doc) => [...e.querySelectorAll(s)], on = (e, kind, act) => e?.addEventListener(kind, act);

// Before anything is painted
const themes = ["auto", "light", "dark"], paint = () => {
 root.dataset.theme = theme;
 const e = $("#theme");
 if (e) e.textContent = theme;
};
let theme = "auto";
try { theme = localStorage.theme ?? theme; } catch {}
const turn = () => {
 theme = themes[(themes.indexOf(theme) + 1) % 3];
 try { localStorage.theme = theme; } catch {}
 paint();
};
paint();

let main, path, facts = {}, rev = 0, bell = 0, shown = new Map(),
 stream, frozen = false, lost = false, gone = false, since = Date.now(), busy = false, again = false, width = 0;
const over = () => facts.over, idle = () => !path || doc.hidden || frozen || gone || over();
const read = () => {
 facts = { ...$("#live-facts")?.dataset };
 rev = +facts.rev || 0;
 if (facts.title) doc.title = facts.title;
 pieces = (facts.pieces || "").split(" ").filter(Boolean).map(p => {
  const [parent, member, first] = p.split(".");
  return { parent: parent === "" ? -1 : +parent, member: +member, first: +first };
 });
 parts = {};
 for (const e of $$("[data-p]")) (parts[e.dataset.p] ??= []).push(e);
 lit = new Set();
 light();
 say();
};

// Said aloud
let said = 0, saying, last;
const say = () => {
 clearTimeout(saying);
 last ??= facts.say;
 if (last === facts.say) return;
 saying = setTimeout(() => { said = Date.now(); $("#said").textContent = last = facts.say; },
  said + 30000 - Date.now());
};

// The bell
const tell = () => {
 const e = $("#link");
 if (!e || !path) return;
 const text = frozen ? "❚❚ frozen" : over() ? "■ " + facts.state : gone ? "■ run ended" :
  lost ? e.dataset.lost : "● live";
 e.textContent = text;
 e.className = text[0] === "●" ? "on" : lost ? "off" : "";
 e.hidden = false;
 if (gone) $("#gone").hidden = false;
 root.classList.toggle("stale", lost && !idle() && Date.now() - since > 15000);
};
const contact = ok => { lost = !ok; if (ok) since = Date.now(); tell(); };
const shut = () => { stream?.close(); stream = undefined; };
const open = () => {
 if (stream || idle()) return;
 stream = new EventSource(`${path}?rev=${rev}`);
 stream.onopen = () => { if (lost) refresh(); contact(true); };
 on(stream, "rev", e => { bell = Math.max(bell, +e.lastEventId || 0); refresh(); });
 on(stream, "bye", () => { gone = true; refresh(); });
 stream.onerror = () => { contact(false); if (stream?.readyState === 2) shut(); };
};
const tick = () => {
 if (idle()) return;
 if (!stream || lost) refresh();
 open();
 tell();
};

// Swaps what differs
const refresh = async () => {
 if (busy) { again = true; return; }
 if (frozen || (gone && !stream)) return;
 [busy, again] = [true, false];
 try {
  const url = new URL(location), q = url.searchParams;
  q.set("fragment", 1);
  if (width) q.set("w", width);
  const answer = await fetch(url, { cache: "no-store" });
  if (answer.redirected || answer.status === 404) return location.reload();
  if (!answer.ok) throw answer.status;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!frozen) swap(page);
  if (over()) shut();
  contact(true);
 } catch { contact(false); } finally {
  busy = false;
  if (again || (bell > rev && !lost && !gone)) setTimeout(refresh, 1000);
  else if (gone) shut();
 }
};
const swap = page => {
 const y = scrollY;
 for (const fresh of $$('[id^="live-"]', page)) {
  const old = $("#" + fresh.id), text = fresh.outerHTML;
  if (!old || (shown.get(fresh.id) ?? old.outerHTML) === text) continue;
  shown.set(fresh.id, text);
  const spots = e => $$("a,button,input,summary,[tabindex]", e);
  const focus = old.contains(doc.activeElement) ? doc.activeElement : null;
  const place = spots(old).indexOf(focus), href = focus?.getAttribute("href");
  const scrolls = $$(".scroll", old).map(e => [e.scrollLeft, e.scrollTop]);
  const chosen = $$("input:checked", old).map(e => e.value);
  old.replaceWith(fresh);
  $$(".scroll", fresh).forEach((e, i) => { if (scrolls[i]) [e.scrollLeft, e.scrollTop] = scrolls[i]; });
  for (const e of $$("input[type=checkbox]", fresh)) e.checked = chosen.includes(e.value);
  const all = spots(fresh), again = href && all.find(e => e.getAttribute("href") === href);
  if (focus) (again || all[place])?.focus({ preventScroll: true });
 }
 scrollTo(scrollX, y);
 read();
};

// Pictures are drawn for their width
const fit = () => {
 const chart = $(".chart");
 if (!chart || new URLSearchParams(location.search).has("w")) return;
 const now = width || +$("svg", chart).getAttribute("width");
 width = [960, 640, 360].find(w => w * .92 <= chart.clientWidth) ?? 360;
 if (width !== now) refresh();
};

// Pins: MEMBER or MEMBER@INTERVAL
let pieces = [], parts = {}, lit = new Set(), pins = [];
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
 const wanted = new Set(tips.flatMap(line).flatMap(p => parts[p] ?? []));
 for (const e of lit.union(wanted)) e.classList.toggle("lit", wanted.has(e));
 lit = wanted;
 root.classList.toggle("picked", tips.length > 0);
 const text = hovered === undefined && tips.length ? "Pinned: " + tips.map(t =>
  line(t).map(p => pieces[p].member).filter((m, i, all) => m !== all[i - 1]).join(" → ")).join("  and  ") : "";
 const e = $("#path");
 if (e) e.textContent = text;
};
const pin = (value, isSecond) => {
 pins = isSecond && pins.length ? [pins[0], value] : pins.length === 1 && pins[0] === value ? [] : [value];
 light();
};

const keys = {
 j: () => step(1), k: () => step(-1),
 b: () => facts.best && pin(facts.best),
 p: () => { const p = pieces[pieceOf(pins.at(-1) ?? facts.best ?? "")]?.parent; if (p >= 0) pin(pinOf(p)); },
 c: () => { const m = doc.activeElement?.closest("[data-m]")?.dataset.m; if (m) pin(m, true); },
 l: () => tab(2), "/": () => $("#filter") ? $("#filter").focus() : tab(1),
 " ": () => { frozen = !frozen; if (frozen) shut(); else { refresh(); open(); } tell(); },
 t: turn, "?": () => $("#help")?.showModal(), Escape: () => { pins = []; light(); },
};
for (let i = 0; i < 5; i++) keys[i + 1] = () => tab(i);
const tab = i => $$("header nav a")[i]?.click();
const step = by => {
 const rows = $$("main tbody tr").filter(r => $("a", r));
 const at = rows.indexOf(doc.activeElement?.closest("tr"));
 $("a", rows[at < 0 && by < 0 ? rows.length - 1 : at + by] ?? rows[at])?.focus();
};

on(window, "DOMContentLoaded", () => {
 main = $("#main");
 path = main?.dataset.live;
 paint();
 for (const e of $$("header button[hidden]")) {
  e.hidden = false;
  on(e, "click", e.id === "theme" ? turn : keys["?"]);
 }
 read();
 fit();
 if (!path) return;
 open();
 tell();
 setInterval(tick, 5000);
 on(doc, "visibilitychange", () => doc.hidden ? shut() : (tick(), refresh()));
 let resizing;
 on(window, "resize", () => { clearTimeout(resizing); resizing = setTimeout(fit, 200); });
 const near = e => e.target.closest?.("[data-p]");
 on(main, "mouseover", e => { const n = near(e); if (n && pieces.length) light(+n.dataset.p); });
 on(main, "mouseout", e => { if (near(e)) light(); });
 on(main, "click", e => {
  const n = near(e);
  if (!n || !pieces.length || e.target.closest("a,button,input,summary")) return;
  pin(n.dataset.m ?? pinOf(+n.dataset.p), e.shiftKey);
 });
});
on(window, "keydown", e => {
 if (e.ctrlKey || e.altKey || e.metaKey || e.target.closest("input,dialog,button,summary")) return;
 const act = keys[e.key];
 if (!act || !main) return;
 e.preventDefault();
 act();
});
})();
