// Draws the lanes and the map of the whole run.
const canvas = document.getElementById("lanes"), map = document.getElementById("map");
const pen = canvas.getContext("2d"), mapPen = map.getContext("2d");
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
let ink = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["bg", "card", "ink", "quiet", "line", "faint", "ok", "read", "fail", "unknown", "bad", "doubt", "leader",
    "leader-ink", "on-ok", "on-doubt", "on-bad", "watch", "network", "process", "disk", "clock", "client", "down",
    "pause"]) {
    ink[name] = style.getPropertyValue("--" + name).trim();
  }
  stripes.clear();
}
function fit(target, context, width, height) {
  const dots = window.devicePixelRatio || 1;
  if (target.width !== Math.round(width * dots) || target.height !== Math.round(height * dots)) {
    target.width = Math.round(width * dots);
    target.height = Math.round(height * dots);
  }
  context.setTransform(dots, 0, 0, dots, 0, 0);
  context.clearRect(0, 0, width, height);
}
const stripes = new Map();
/** A diagonal hatch of one colour: what is hatched is down, or not known. */
function hatch(colour) {
  if (!stripes.has(colour)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const context = tile.getContext("2d");
    context.strokeStyle = colour;
    context.lineWidth = 1.6;
    context.beginPath();
    for (const shift of [-6, 0, 6]) { context.moveTo(shift, 6); context.lineTo(shift + 6, 0); }
    context.stroke();
    stripes.set(colour, pen.createPattern(tile, "repeat"));
  }
  return stripes.get(colour);
}
function box(x, y, width, height, radius = 3) {
  pen.beginPath();
  pen.roundRect(x, y, width, height, Math.min(radius, width / 2, height / 2));
}
function text(words, x, y, colour = ink.ink, align = "left") {
  pen.fillStyle = colour;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillText(words, x, y);
}
function label(words, left, right, y, colour) {
  if (right - left < 16) return;
  pen.save();
  pen.beginPath();
  pen.rect(left, y - 12, right - left, 24);
  pen.clip();
  text(words, left + 6, y, colour);
  pen.restore();
}

function draw() {
  view.width = canvas.clientWidth;
  canvas.style.height = view.height + "px";
  fit(canvas, pen, view.width, view.height);
  pen.font = FONT;
  drawAxis();
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER, 0, view.width - GUTTER, view.height);
  pen.clip();
  drawPhases();
  if (rows.faults.length) faults.forEach(drawFault);
  if (rows.members.length) members.forEach(drawMember);
  drawThreads();
  lanes.forEach((lane, at) => (lane.watch ? drawWatch : drawLane)(lane, rows.lanes[at]));
  drawEvidence();
  pen.restore();
  drawNames();
}

function drawAxis() {
  const length = view.to - view.from, wanted = length / Math.max(3, view.width / 130);
  const power = Math.max(axis === "revision" || RUN.counted ? 1 : 0, 10 ** Math.floor(Math.log10(wanted)));
  const step = [1, 2, 5, 10].map((times) => times * power).find((step) => step >= wanted) ?? power;
  pen.lineWidth = 1;
  // Round in what is said, which need not begin at nought.
  const base = axis === "time" ? RUN.base % step : 0;
  for (let time = Math.ceil((view.from + base) / step) * step - base; time <= view.to; time += step) {
    const x = Math.round(toX(time)) + 0.5;
    if (x < GUTTER) continue;
    pen.strokeStyle = ink.line;
    pen.beginPath(); pen.moveTo(x, rows.axis.h - 4); pen.lineTo(x, rows.bottom); pen.stroke();
    text(axis === "time" ? clock(time, step) : "revision " + time, x + 4, 9, ink.quiet);
  }
}

/** The converge phase has a ground of its own. */
function drawPhases() {
  if (run.traffic_end_ns === null || run.traffic_end_ns >= RUN.end || axis !== "time") return;
  const x = toX(run.traffic_end_ns);
  if (x > view.width) return;
  pen.globalAlpha = 0.07;
  pen.fillStyle = ink.leader;
  pen.fillRect(x, rows.axis.h, view.width - x, rows.bottom - rows.axis.h);
  pen.globalAlpha = 1;
  const left = Math.max(x, GUTTER), words = "converge: all healed";
  if (rows.faults.length && view.width - left > pen.measureText(words).width + 12) {
    label(words, left, view.width, rows.faults[0].y + 9, ink.leader);
  }
}

/** The colour of its family; quiet if the family is unknown. */
const inkOf = (fault) => ink[fault.family] ?? ink.quiet;

function drawFault(fault) {
  const row = rows.faults[fault.track], left = toX(fault.start);
  const right = Math.max(toX(fault.end), left + 3);
  if (right < GUTTER || left > view.width) return;
  const colour = inkOf(fault), words = fault.words + " " + fault.target;
  pen.fillStyle = colour;
  if (fault.instant || right - left < 5) {
    const y = row.y + row.h / 2;
    pen.beginPath();
    pen.moveTo(left, y - 7); pen.lineTo(left + 6, y); pen.lineTo(left, y + 7); pen.lineTo(left - 6, y);
    pen.fill();
    text(words, left + 10, y, colour);
    return;
  }
  pen.globalAlpha = 0.2;
  box(left, row.y, right - left, row.h); pen.fill();
  pen.globalAlpha = 1;
  pen.fillRect(left, row.y, 3, row.h);
  const from = Math.max(left, GUTTER) + 3;
  const room = right - from, need = pen.measureText(words).width + 12;
  if (room >= need) text(words, from + 6, row.y + row.h / 2, colour);
  else text(words, Math.max(right, GUTTER) + 5, row.y + row.h / 2, colour);
  // Its shadow over all lanes shows what it did to them.
  pen.globalAlpha = 0.035;
  pen.fillStyle = colour;
  pen.fillRect(left, row.y + row.h, right - left, rows.bottom - row.y - row.h);
  pen.globalAlpha = 1;
}

function drawMember(member, at) {
  const row = rows.members[at], middle = row.y + row.h / 2;
  pen.fillStyle = ink.faint;
  box(GUTTER, row.y, toX(RUN.end) - GUTTER, row.h); pen.fill();
  for (const led of member.led) {
    const left = Math.max(toX(led.at), GUTTER), right = toX(led.end);
    if (right < GUTTER || left > view.width) continue;
    pen.fillStyle = ink.leader;
    box(left, row.y, Math.max(right - left, 3), row.h, 4); pen.fill();
    label(`leader, term ${led.term}`, left, right, middle, ink["leader-ink"]);
  }
  for (const down of member.down) {
    const left = toX(down.start), right = Math.max(toX(down.end), left + 3);
    if (right < GUTTER || left > view.width) continue;
    const colour = down.meanwhile === "frozen" ? ink.pause : ink.down;
    pen.fillStyle = ink.card; pen.fillRect(left, row.y, right - left, row.h);
    pen.fillStyle = hatch(colour); pen.fillRect(left, row.y, right - left, row.h);
    pen.strokeStyle = colour; pen.strokeRect(left + 0.5, row.y + 0.5, right - left - 1, row.h - 1);
    const words = down.words, width = pen.measureText(words).width;
    const from = Math.max(left, GUTTER);
    if (right - from > width + 16) {
      pen.fillStyle = ink.card;
      box(from + 5, middle - 8, width + 8, 16); pen.fill();
      text(words, from + 9, middle, ink.ink);
    }
  }
  for (const stop of member.stops) {
    const x = toX(stop.at);
    pen.fillStyle = ink.bad;
    pen.fillRect(x - 1.5, row.y - 2, 3, row.h + 4);
    text("stopped", x + 5, middle, ink.bad);
  }
}

/** The way of an operation: from its client to the member and back. */
function thread(record) {
  const from = rows.lanes[record.lane], to = rows.members[record.member - 1];
  if (!to) return;
  const foot = from.y, head = to.y + to.h;
  const start = toX(record.call);
  pen.beginPath();
  if (record.op === RESPONSE) {
    pen.moveTo(start, head); pen.lineTo(start, foot);
  } else {
    const top = record.ret === null ? start + Math.min(24, (toX(record.end) - start) / 2)
      : toX((record.call + record.ret) / 2);
    pen.moveTo(start, foot); pen.lineTo(top, head);
    if (record.ret !== null) pen.lineTo(toX(record.ret), foot);
  }
  pen.stroke();
}
function visible(lane) {
  const list = [];
  for (let place = firstFrom(lane, view.from); place < lane.records.length; place += 1) {
    const record = lane.records[place];
    if (record.from > view.to) break;
    if (record.to >= view.from) list.push(record);
  }
  return list;
}
let crowded = false;
function drawThreads() {
  let count = 0;
  for (const lane of lanes) lane.seen = visible(lane);
  crowded = lanes.some((lane) => !lane.watch && lane.seen.length > (view.width - GUTTER) / 6);
  for (const lane of lanes) count += lane.seen.length;
  pen.lineWidth = 1.6;
  pen.strokeStyle = marking();
  pen.globalAlpha = 0.75;
  for (const record of evidence) thread(record);
  pen.globalAlpha = 1;
  pen.lineWidth = 1;
  if (count > 400) return;
  pen.lineWidth = 1;
  pen.strokeStyle = ink.quiet;
  pen.globalAlpha = count > 150 ? 0.16 : 0.3;
  for (const lane of lanes) for (const record of lane.seen) if (record.shown) thread(record);
  pen.globalAlpha = 1;
}

const colourOf = (record) => record.out === 1 ? ink.fail : record.out === 2 ? ink.unknown
  : record.kind === 0 ? ink.read : record.kind === 5 ? ink.watch : ink.ok;

function drawLane(lane, row) {
  const base = row.y + row.h;
  pen.strokeStyle = ink.line;
  pen.beginPath(); pen.moveTo(GUTTER, base + 0.5); pen.lineTo(view.width, base + 0.5); pen.stroke();
  // Closer than this they are counted, not drawn.
  if (crowded) return drawDensity(lane, row);
  for (const record of lane.seen) drawRecord(record, row);
}
function drawRecord(record, row) {
  const left = toX(record.from), right = Math.max(toX(record.to), left + 2.5);
  const colour = colourOf(record), edge = row.h > 12 ? 3 : row.h > 6 ? 1 : 0, y = row.y + edge, height = row.h - 2 * edge;
  pen.globalAlpha = record.shown ? 1 : 0.1;
  box(left, y, right - left, height);
  if (record.out === 0) {
    pen.fillStyle = colour; pen.fill();
  } else {
    pen.fillStyle = record.out === 2 ? hatch(colour) : ink.card; pen.fill();
    pen.strokeStyle = colour; pen.lineWidth = 1.3; pen.stroke(); pen.lineWidth = 1;
  }
  if (right - left > 46 && row.h > 12) {
    const words = record.out === 2 && record.rev !== null ? `${record.ask} → ${record.rev}`
      : RUN.counted && record.kind === 0 ? `${record.ask} ${record.told}` : record.ask;
    const dark = record.out === 0 && record.kind !== 0;
    if (record.out === 2) {
      const width = Math.min(pen.measureText(words).width + 8, right - Math.max(left, GUTTER) - 6);
      pen.fillStyle = ink.card; box(Math.max(left, GUTTER) + 3, y + 1, width, height - 2); pen.fill();
    }
    label(words, Math.max(left, GUTTER), right - 4, y + height / 2 + 0.5, dark ? ink["on-ok"] : ink.ink);
  }
  pen.globalAlpha = 1;
}
/** Columns of two pixels: how many operations, and any that did not end well on top. */
function drawDensity(lane, row) {
  const width = 2, count = Math.ceil((view.width - GUTTER) / width);
  const ok = new Uint16Array(count), reads = new Uint16Array(count), fail = new Uint16Array(count), unknown = [];
  for (const record of lane.seen) {
    if (!record.shown) continue;
    const column = Math.floor((toX(record.from) - GUTTER) / width);
    if (record.out === 2) { unknown.push(record); continue; }
    if (column < 0 || column >= count) continue;
    if (record.out === 1) fail[column] += 1;
    else if (record.kind === 0) reads[column] += 1; else ok[column] += 1;
  }
  let most = 1;
  for (let at = 0; at < count; at += 1) most = Math.max(most, ok[at] + reads[at] + fail[at]);
  const height = row.h - 3, base = row.y + row.h;
  for (const record of unknown) {
    const left = toX(record.from), right = Math.max(toX(record.to), left + 2);
    pen.fillStyle = hatch(ink.unknown); pen.fillRect(left, row.y + 2, right - left, height);
    pen.fillStyle = ink.unknown; pen.fillRect(left, row.y + 2, 1.5, height);
  }
  for (let at = 0; at < count; at += 1) {
    const all = ok[at] + reads[at] + fail[at];
    if (!all) continue;
    const x = GUTTER + at * width, full = Math.max(3, height * Math.sqrt(all / most));
    let y = base;
    for (const [part, colour] of [[ok[at], ink.ok], [reads[at], ink.read], [fail[at], ink.fail]]) {
      const part_height = full * part / all;
      pen.fillStyle = colour; pen.fillRect(x, y - part_height, width - 0.4, part_height);
      y -= part_height;
    }
  }
}

function drawWatch(lane, row) {
  const y = row.y + row.h / 2;
  let from = null;
  pen.strokeStyle = ink.watch;
  pen.globalAlpha = 0.45;
  for (const record of lane.records) {
    if (record.op === CREATE && from === null) from = record.from;
    if ((record.op === END || (record.op === CANCEL)) && from !== null) { line(from, record.from, y); from = null; }
  }
  if (from !== null) line(from, extent[axis][1], y);
  pen.globalAlpha = 1;
  let drawn = -10;
  for (const record of lane.seen) {
    const x = toX(record.from), heavy = record.op === RESPONSE && record.events > 0;
    // Plain responses closer than this would hide each other.
    if (heavy && x - drawn < 1.2 && record.shown && record.out === 0 && !record.mark) continue;
    pen.globalAlpha = record.shown ? 1 : 0.1;
    if (heavy) drawn = x;
    drawArrival(record, x, y, heavy);
  }
  pen.globalAlpha = 1;
}
function line(from, to, y) {
  pen.beginPath(); pen.moveTo(Math.max(toX(from), GUTTER), y); pen.lineTo(toX(to), y); pen.stroke();
}
function drawArrival(record, x, y, heavy) {
  pen.fillStyle = pen.strokeStyle = record.out === 0 ? ink.watch : colourOf(record);
  pen.beginPath();
  if (record.op === CREATE) {
    pen.moveTo(x - 4, y + 5); pen.lineTo(x + 5, y); pen.lineTo(x - 4, y - 5); pen.fill();
  } else if (record.op === END || record.op === CANCEL) {
    pen.moveTo(x - 4, y - 4); pen.lineTo(x + 4, y + 4); pen.moveTo(x + 4, y - 4); pen.lineTo(x - 4, y + 4);
    pen.lineWidth = 1.8; pen.stroke(); pen.lineWidth = 1;
  } else if (heavy) {
    const height = Math.min(7, 3.5 + record.events);
    pen.fillRect(x - 0.8, y - height, 1.6, height * 2);
  } else {
    pen.arc(x, y, 2.2, 0, 7); pen.fillStyle = ink.card; pen.fill(); pen.stroke();
  }
}

function drawNames() {
  const right = GUTTER - 10;
  if (rows.faults.length) text("faults", right, rows.faults[0].y + 9, ink.quiet, "right");
  pen.font = "600 " + FONT;
  rows.members.forEach((row, at) => text("m" + members[at].number, right, row.y + row.h / 2, ink.ink, "right"));
  pen.font = FONT;
  lanes.forEach((lane, at) => {
    const row = rows.lanes[at];
    if (row.h < 9 && at % Math.ceil(12 / row.h)) return;
    const held = view.held?.lane === at || view.hover?.lane === at;
    text(lane.name, right, row.y + row.h / 2, held ? ink.ink : ink.quiet, "right");
  });
}

/** How many records lie in each column of the map: counted again only when something changed. */
let bins = null;
function countBins(columns) {
  if (RUN.overview && axis === "time") return RUN.overview;
  const key = `${columns} ${axis} ${filterCount}`;
  if (bins?.key !== key) {
    const [first, last] = mapExtent();
    bins = [0, 1, 2].map(() => new Uint32Array(columns + 1));
    bins.key = key;
    for (const record of records) {
      if (!record.shown || record.kind === 5) continue;
      bins[record.out][Math.floor((record.from - first) / (last - first) * columns)] += 1;
    }
  }
  return bins;
}
const mapExtent = () => axis === "time" ? [0, RUN.end || 1] : extent.revision;

function drawMap() {
  const width = map.clientWidth, height = 46, [first, last] = mapExtent();
  fit(map, mapPen, width, height);
  const place = (at) => (at - first) / (last - first) * width;
  const time = axis === "time";
  for (const fault of time ? faults : []) {
    mapPen.fillStyle = inkOf(fault);
    mapPen.globalAlpha = 0.25;
    mapPen.fillRect(place(fault.start), 0, Math.max(2, place(fault.end) - place(fault.start)), height);
  }
  mapPen.globalAlpha = 1;
  const counts = countBins(Math.ceil(width / 3)), columns = counts[0].length, step = width / columns;
  let most = 1;
  for (let at = 0; at < columns; at += 1) most = Math.max(most, counts[0][at] + counts[1][at] + counts[2][at]);
  for (let at = 0; at < columns; at += 1) {
    let y = height;
    for (const [out, colour] of [[0, ink.ok], [1, ink.fail], [2, ink.unknown]]) {
      if (!counts[out][at]) continue;
      const size = Math.max(out === 2 ? 3 : 1, counts[out][at] / most * (height - 8));
      mapPen.fillStyle = colour;
      mapPen.fillRect(at * step, y - size, step * 0.8, size);
      y -= size;
    }
  }
  for (const { at_ns: at } of time ? run.leaders : []) {
    mapPen.fillStyle = ink.leader;
    mapPen.beginPath();
    mapPen.moveTo(place(at) - 4, 0); mapPen.lineTo(place(at) + 4, 0); mapPen.lineTo(place(at), 6); mapPen.fill();
  }
  const violation = time ? RUN.violation : RUN.revision;
  if (violation !== null) {
    mapPen.fillStyle = ink.bad;
    mapPen.fillRect(place(violation) - 1, 0, 2, height);
  }
  if (RUN.part && time) {
    // What is not in this page can be counted, not looked at.
    mapPen.fillStyle = hatch(ink.line);
    const [from, to] = RUN.part.map(place);
    mapPen.fillRect(0, 0, from, height);
    mapPen.fillRect(to, 0, width - to, height);
  }
  const left = place(view.from), right = Math.max(place(view.to), left + 2);
  mapPen.fillStyle = ink.bg;
  mapPen.globalAlpha = 0.62;
  mapPen.fillRect(0, 0, left, height);
  mapPen.fillRect(right, 0, width - right, height);
  mapPen.globalAlpha = 1;
  mapPen.strokeStyle = ink.quiet;
  mapPen.strokeRect(left + 0.5, 0.5, Math.max(right - left - 1, 2), height - 1);
}
