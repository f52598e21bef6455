// Puts the page together and listens.
function toViolation() {
  if (!evidence.length) {
    if (RUN.violation !== null && axis === "time") show(RUN.violation - SECOND / 4, RUN.violation + SECOND / 4);
    return;
  }
  // Who asked for a watch asked long ago: what broke lies at the end.
  const ends = evidence.map((record) => record.ret ?? record.call), last = Math.max(...ends);
  const whole = RUN.counted || axis !== "time" || last - Math.min(...evidence.map((record) => record.call)) < 10 * SECOND;
  const operations = evidence.filter((record) => record.op !== CREATE);
  const near = whole && operations.length === evidence.length ? evidence
    : operations.filter((record, at) => whole || last - (record.ret ?? record.call) < 2 * SECOND);
  const list = near.length ? near : evidence;
  hold(evidence.find((record) => record.mark === 1) ?? list[0]);
  focus(list);
}

function legend() {
  const entry = (words, paint) => {
    const swatch = make("canvas", { ariaHidden: "true" }), context = swatch.getContext("2d");
    fit(swatch, context, 26, 14);
    paint(context);
    el("legend").append(make("span", {}, swatch, words));
  };
  const fill = (colour) => (context) => { context.fillStyle = colour; context.fillRect(2, 2, 22, 10); };
  el("legend").replaceChildren();
  entry("write", fill(ink.ok));
  entry("read", fill(ink.read));
  entry("unknown: may have happened", (context) => {
    context.fillStyle = hatch(ink.unknown); context.fillRect(2, 2, 22, 10);
    context.strokeStyle = ink.unknown; context.strokeRect(2.5, 2.5, 21, 9);
  });
  entry("fail: did not happen", (context) => { context.strokeStyle = ink.fail; context.lineWidth = 1.3; context.strokeRect(2.5, 2.5, 21, 9); });
  const watched = records.some((record) => record.kind === 5);
  if (watched) entry("watch response with events", (context) => { context.fillStyle = ink.watch; for (const x of [6, 12, 18]) context.fillRect(x, 1, 2, 12); });
  if (watched) entry("progress or created", (context) => { context.strokeStyle = ink.watch; context.beginPath(); context.arc(13, 7, 3, 0, 7); context.stroke(); });
  if (run.leaders.length) entry("leader", fill(ink.leader));
  if (faults.length) entry("down or paused", (context) => { context.fillStyle = hatch(ink.down); context.fillRect(2, 2, 22, 10); });
  if (evidence.length) entry(RUN.verdict === "unknown" ? "in question" : "evidence", (context) => { context.strokeStyle = marking(); context.lineWidth = 2; context.strokeRect(3, 3, 20, 8); });
}

function listen() {
  let drag = null;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 1500);
    else zoom(Math.exp(event.deltaY * 0.0016), toTime(Math.max(event.offsetX, GUTTER)));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, from: view.from, to: view.to, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      const by = (drag.x - event.clientX) / scale();
      drag.moved ||= Math.abs(drag.x - event.clientX) > 3;
      if (drag.moved) { canvas.classList.add("dragging"); tip(null); show(drag.from + by, drag.to + by); }
      return;
    }
    const found = under(event.offsetX, event.offsetY);
    if (view.hover !== (found?.record ?? null)) { view.hover = found?.record ?? null; redraw(); }
    canvas.classList.toggle("over", Boolean(found?.record || found?.fault));
    tip(found, event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) {
      const found = under(event.offsetX, event.offsetY);
      if (found?.record) hold(found.record);
      else if (found?.fault) { const room = Math.max((found.fault.end - found.fault.start) * 0.3, SECOND / 2); show(found.fault.start - room, found.fault.end + room); }
      else hold(null);
    }
    drag = null;
    canvas.classList.remove("dragging");
  });
  canvas.addEventListener("pointerleave", () => { view.hover = null; tip(null); redraw(); });
  canvas.addEventListener("dblclick", (event) => zoom(0.2, toTime(event.offsetX)));
  const seek = (event) => {
    if (!(event.buttons & 1)) return;
    const [first, last] = mapExtent();
    const at = first + event.offsetX / map.clientWidth * (last - first), half = (view.to - view.from) / 2;
    const all = view.to - view.from >= (extent[axis][1] - extent[axis][0]) * 0.999;
    if (all) show(at - (last - first) / 20, at + (last - first) / 20); else show(at - half, at + half);
  };
  map.addEventListener("pointerdown", (event) => { map.setPointerCapture(event.pointerId); seek(event); });
  map.addEventListener("pointermove", seek);
  el("search").addEventListener("input", (event) => { filter.text = event.target.value; filtered(); });
  el("search").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const after = view.held?.shown ? view.held.call : -1;
    const next = records.find((record) => record.shown && record.call > after) ?? records.find((record) => record.shown);
    if (next) { hold(next); focus([next]); }
  });
  el("lane").addEventListener("change", (event) => { filter.lane = Number(event.target.value); filtered(); });
  el("axis").addEventListener("change", (event) => rearrange(event.target.value, grouping));
  el("group").addEventListener("change", (event) => rearrange(axis, event.target.value));
  el("in").addEventListener("click", () => zoom(0.5));
  el("out").addEventListener("click", () => zoom(2));
  el("fit").addEventListener("click", () => show(...extent[axis]));
  el("first").addEventListener("click", toViolation);
  el("copy").addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(el("repro"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    navigator.clipboard?.writeText(RUN.repro).then(() => { el("copy").textContent = "Copied"; }, () => {});
  });
  document.addEventListener("keydown", (event) => {
    // Where letters are typed or chosen with, they mean nothing else; a button keeps only Enter and Space.
    if (event.target.matches("select, input[type=search]") && event.key !== "Escape") return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => show(...extent[axis]),
      ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), v: toViolation, n: () => neighbour(1),
      p: () => neighbour(-1), Escape: () => hold(null) };
    if (event.target === canvas) Object.assign(keys, { ArrowUp: () => beside(-1), ArrowDown: () => beside(1) });
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = (on) => { document.documentElement.classList.toggle("dark", on); readColours(); legend(); redraw(); };
  dark.addEventListener("change", () => theme(dark.matches));
  el("theme").addEventListener("click", () => theme(!document.documentElement.classList.contains("dark")));
  new ResizeObserver(redraw).observe(canvas);
  theme(dark.matches || location.hash.includes("dark"));
}

fillHead();
fillFindings();
fillTools();
layout();
listen();
filtered();
if (location.hash.includes("member")) rearrange(axis, el("group").value = "member");
if (location.hash.includes("revision")) rearrange(el("axis").value = "revision", grouping);
// What broke is what the page was opened for; of an open question the whole is.
if (location.hash.includes("violation") || (RUN.verdict === "broken" && !location.hash.includes("whole"))) toViolation();
