// The words around the lanes: head, findings, filters, tooltip, and the operation that is held.
const el = (id) => document.getElementById(id);
function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}
const count = (number) => number.toLocaleString("en");

function fillHead() {
  const badge = el("verdict");
  badge.textContent = RUN.verdict.replaceAll("_", " ");
  badge.classList.add(RUN.verdict);
  el("title").textContent = RUN.title;
  el("subtitle").textContent = RUN.subtitle;
  el("repro").textContent = RUN.repro;
  const figure = (name, value, small = "", ...more) => el("figures").append(
    make("div", {}, make("dt", { textContent: name }),
      make("dd", {}, value, make("small", { textContent: small }), ...more)));
  const [ok, fail, unknown] = RUN.operations;
  const split = make("div", { className: "split" });
  for (const [part, colour] of [[ok, "ok"], [fail, "fail"], [unknown, "unknown"]]) {
    if (part) split.append(make("span", { style: `flex: ${part}; min-width: 3px; background: var(--${colour})` }));
  }
  figure("operations", count(ok), ` ok · ${count(fail)} fail · ${count(unknown)} unknown`, split);
  for (const [name, value, small] of RUN.figures) figure(name, /^\d+$/.test(value) ? count(Number(value)) : value, small);
  const reached = Object.entries(run.probes).sort();
  section(`${reached.length} rare paths reached`, reached.map(([name, times]) => [name, count(times)]));
}

/** Rows of name and value below the lanes, folded; nothing if there are none. */
function section(head, rows) {
  if (!rows.length) return;
  const lines = rows.map(([name, value]) => make("p", {}, make("span", { textContent: name }), make("span", { textContent: value })));
  el("sections").append(make("details", {}, make("summary", { textContent: head }), make("div", {}, ...lines)));
}

function fillFindings() {
  if (!RUN.findings.length) return;
  el("findings").hidden = false;
  const [first, ...further] = RUN.findings;
  el("findings").append(findingCard(first, (at) => at + 1));
  // The rest by who found it: often one cause, seen again and again.
  const groups = new Map();
  for (const finding of further) groups.set(finding.checker, [...(groups.get(finding.checker) ?? []), finding]);
  for (const [checker, list] of groups) {
    const times = list.length > 1 ? ` ×${list.length}` : "";
    const summary = make("summary", {}, make("b", { textContent: checker + times }), " " + list[0].reason.split("\n")[0]);
    const group = make("details", { className: "finding further " + list[0].verdict }, summary);
    list.slice(0, 20).forEach((finding) => group.append(findingCard(finding, () => "·")));
    if (list.length > 20) group.append(make("p", { className: "quiet", textContent: `and ${list.length - 20} more` }));
    el("findings").append(group);
  }
}
function findingCard(finding, mark) {
  const at = finding.at_ns === null ? "" : ` at ${clock(finding.at_ns)}`;
  const name = finding.checker + at, head = make("h2", {}, finding.at_ns === null ? name
    : make("button", { type: "button", textContent: name, title: "Show this moment" }));
  const card = make("div", { className: "finding " + finding.verdict }, head,
    make("p", { className: "reason", textContent: finding.reason }));
  if (finding.at_ns !== null) {
    head.firstChild.addEventListener("click", () => { show(finding.at_ns - SECOND / 4, finding.at_ns + SECOND / 4); canvas.scrollIntoView({ block: "nearest" }); });
  }
  const known = finding.records.map((id) => byId.get(id)).filter(Boolean);
  if (known.length) {
    const list = make("div", { className: "evidence" });
    known.slice(0, 40).forEach((record, at) => list.append(evidenceRow(record, mark(at), known)));
    card.append(list);
    if (known.length > 40) card.append(make("p", { className: "quiet", textContent: `and ${known.length - 40} more` }));
  }
  return card;
}
function evidenceRow(record, mark, all) {
  const row = make("button", { type: "button" },
    make("span", { className: "mark", textContent: mark }),
    make("span", { className: "when", textContent: clock(record.call, SECOND / 1e6) }),
    make("span", { textContent: who(record) }),
    make("span", {}, make("b", { textContent: record.ask }), ` — ${OUTCOMES[record.out]}, ${say(record)}`));
  // Where it lies, and what it changed, without a click.
  const point = () => {
    view.hover = record;
    // Behind its own words, or below all rows: it hides none.
    const words = document.createRange();
    words.selectNodeContents(row.lastChild);
    const at = row.getBoundingClientRect(), end = words.getBoundingClientRect().right;
    tip({ record }, end, at.top - 18);
    const box = el("tip").getBoundingClientRect();
    if (box.left < end) tip({ record }, at.left + 40, row.parentElement.getBoundingClientRect().bottom - 14);
    redraw();
  };
  const leave = () => { view.hover = null; tip(null); redraw(); };
  row.addEventListener("pointerenter", point);
  row.addEventListener("focus", () => { if (row.matches(":focus-visible")) point(); });
  for (const name of ["pointerleave", "blur"]) row.addEventListener(name, leave);
  row.addEventListener("click", () => {
    tip(null);
    hold(record);
    // Who asked for a watch asked long ago.
    focus(all.filter((other) => other === record || (other.op !== CREATE
      && (axis === "revision" || RUN.counted || Math.abs(other.call - record.call) < 2 * SECOND))));
    canvas.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  return row;
}

function fillTools() {
  const select = el("lane");
  select.append(make("option", { value: "-1", textContent: "all clients" }));
  clients.forEach((lane, at) => select.append(make("option", { value: at, textContent: lane.name })));
  const chip = (into, words, colour, state, at) => {
    const input = make("input", { type: "checkbox", checked: true });
    input.addEventListener("change", () => { state[at] = input.checked; filtered(); });
    const mark = colour ? [make("i", { style: `background: var(--${colour})` })] : [];
    into.append(make("label", {}, input, ...mark, words));
  };
  const kinds = new Set(records.map((record) => record.kind));
  el("group").hidden = !RUN.members;
  el("axis").hidden = !records.some((record) => record.rev !== null);
  KINDS.forEach((name, at) => kinds.has(at) && kinds.size > 1 && !RUN.counted && chip(el("kinds"), name, null, filter.kinds, at));
  OUTCOMES.forEach((name, at) => chip(el("outcomes"), name, name, filter.outcomes, at));
  el("first").hidden = RUN.violation === null && !evidence.length;
  if (RUN.verdict === "unknown") el("first").textContent = "In question";
  el("first").classList.toggle("doubt", RUN.verdict === "unknown");
}
let filterCount = 0;
function filtered() {
  applyFilter();
  filterCount += 1;
  el("count").textContent = shown === records.length ? `${count(shown)} records` : `${count(shown)} of ${count(records.length)}`;
  redraw();
}

/** The keys that a write changed, one a line. */
function diff(record) {
  const list = changed(record);
  if (!list.length) return [];
  const lines = list.map(({ key, before, after, more }) => more
    ? make("div", { textContent: `and ${count(more)} more` })
    : make("div", {}, make("b", { textContent: key }), ": ", make("span", { className: "was", textContent: before }),
      " → ", make("span", { className: "now", textContent: after })));
  const later = RUN.hole !== null && record.rev > RUN.hole;
  const doubt = later ? [make("div", { className: "dim", textContent:
    `before: as far as known; nobody acknowledged revision ${RUN.hole}` })] : [];
  return [make("div", { className: "diff" }, make("div", { className: "dim", textContent: `changed in revision ${record.rev}` }),
    ...lines, ...doubt)];
}
function describe(record) {
  const length = record.ret === null ? "never answered" : record.ret === record.call ? "" : span(record.ret - record.call);
  return [make("b", { textContent: record.ask }),
    make("div", { textContent: `${OUTCOMES[record.out]} — ${say(record)}` }), ...diff(record),
    make("div", { className: "dim", textContent:
      `${RUN.counted ? "line " : "#"}${record.id} · ${who(record)} · ${clock(record.call, SECOND / 1e6)}${length && " · " + length}` })];
}
function describeMember({ member, time }) {
  const led = member.led.find((led) => led.at <= time && time <= led.end);
  const down = member.down.find((fault) => fault.start <= time && time <= fault.end);
  const stop = member.stops.find((stop) => Math.abs(stop.at - time) < 6 / scale());
  const words = down ? `${down.words} from ${clock(down.start)} to ${clock(down.end)}`
    : led ? `leads term ${led.term} since ${clock(led.at)}` : run.leaders.length ? "follows" : "";
  const parts = [make("b", { textContent: `m${member.number}` }), ` ${words}`];
  if (stop) parts.push(make("div", { textContent: "stopped: " + stop.reason }));
  return parts;
}
function describeFault({ fault }) {
  const until = fault.instant ? "" : ` to ${clock(fault.end)} (${span(fault.end - fault.start)})`;
  return [make("b", { textContent: `${fault.words} ${fault.target}` }),
    make("div", { className: "dim", textContent: `fault ${fault.id} · ${clock(fault.start)}${until}` })];
}
function tip(found, x, y) {
  const box = el("tip");
  box.hidden = !found;
  if (!found) return;
  box.replaceChildren(...(found.record ? describe(found.record) : found.fault ? describeFault(found) : describeMember(found)));
  const { width, height } = box.getBoundingClientRect();
  box.style.left = Math.min(x + 14, window.innerWidth - width - 8) + "px";
  box.style.top = (y + 18 + height > window.innerHeight ? y - height - 12 : y + 18) + "px";
}

function hold(record) {
  view.held = record;
  const detail = el("detail");
  // Its buttons are made anew: who stood on one stands on it again, or on the lanes when there is none.
  const focused = detail.contains(document.activeElement) ? document.activeElement.title : null;
  detail.hidden = !record;
  if (focused && !record) canvas.focus({ preventScroll: true });
  if (record) {
    const close = make("button", { textContent: "×", title: "Key Esc", ariaLabel: "Let go" });
    close.addEventListener("click", () => hold(null));
    const list = make("dl");
    const add = (name, value) => value !== null && value !== "" && list.append(
      make("dt", { textContent: name }), make("dd", { textContent: value }));
    add("outcome", OUTCOMES[record.out] + (record.mark ? `, evidence ${record.mark}` : ""));
    add("client", "c" + record.process);
    const { processes } = clients[record.client], most = 8;
    if (processes.length > 1) add("in its lane", processes.slice(0, most).map((one) => "c" + one).join(", ")
      + (processes.length > most ? ` and ${processes.length - most} more` : ""));
    add("member", record.member ? "m" + record.member : "");
    add("called", clock(record.call, 1e-9 * SECOND));
    add("answered", record.ret === null ? "never" : clock(record.ret, 1e-9 * SECOND));
    if (record.ret !== null && record.ret > record.call) add("took", span(record.ret - record.call));
    add("revision", record.rev === null ? null : record.made ? `made ${record.rev}` : record.rev);
    const move = (step, words, key) => {
      const button = make("button", { textContent: words, title: "Key " + key });
      button.addEventListener("click", () => neighbour(step));
      return button;
    };
    detail.replaceChildren(
      make("h3", {}, RUN.counted ? `line ${record.id}` : `#${record.id} ${OP_NAMES[record.op]}`, close),
      make("div", { className: "block mono", textContent: record.ask }),
      make("div", { className: "block mono", textContent: say(record) }), ...diff(record), list,
      make("nav", {}, move(-1, "← previous", "p"), move(1, "next →", "n")));
    if (focused) [...detail.querySelectorAll("button")].find((button) => button.title === focused)?.focus({ preventScroll: true });
  }
  redraw();
}
function neighbour(step) {
  const held = view.held;
  if (!held) {
    // The first one in view, what is marked before the rest.
    const seen = records.filter((record) => record.shown && record.to >= view.from && record.from <= view.to);
    const first = seen.find((record) => record.mark) ?? seen[0];
    if (first) hold(first);
    return;
  }
  const list = lanes[held.lane].records;
  let place = held.place + step;
  while (list[place] && !list[place].shown) place += step;
  if (list[place]) reach(list[place]);
}
/** The one closest to what is held, in the next lane up or down that shows any. */
function beside(step) {
  const held = view.held;
  if (!held) return neighbour(step);
  const away = (record) => Math.max(record.from - held.to, held.from - record.to, 0);
  for (let at = held.lane + step; lanes[at]; at += step) {
    const list = lanes[at].records.filter((record) => record.shown);
    if (list.length) return reach(list.reduce((best, record) => away(record) < away(best) ? record : best));
  }
}
/** Holds a record and brings it into view. */
function reach(record) {
  hold(record);
  if (record.from < view.from || record.from > view.to) {
    const half = (view.to - view.from) / 2;
    show(record.from - half, record.from + half);
  }
  const top = canvas.getBoundingClientRect().top + rows.lanes[record.lane].y, room = 40;
  if (top < room) scrollBy(0, top - room);
  else if (top > innerHeight - room) scrollBy(0, top - innerHeight + room);
}
