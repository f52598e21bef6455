// Which part of the run is on the canvas, and where its rows lie.
const GUTTER = 74;
const view = { from: extent.time[0], to: extent.time[1], width: 800, height: 0, hover: null, held: null, filtered: false };
const rows = { axis: { y: 0, h: 24 }, faults: [], members: [], lanes: [], bottom: 0 };

/** Rows get thinner where there are many. */
function layout() {
  let y = rows.axis.h + 4;
  const put = (h, gap = 0) => { const row = { y, h }; y += h + gap; return row; };
  const time = axis === "time";
  rows.faults = time ? tracks.map(() => put(18, 3)) : [];
  y += rows.faults.length ? 9 : 0;
  rows.members = time && grouping === "client" ? members.map(() => put(run.leaders.length ? 26 : 20, 4)) : [];
  y += rows.members.length ? 9 : 0;
  const height = Math.max(3, Math.min(24, Math.floor(1600 / lanes.length)));
  rows.lanes = lanes.map((lane, at) => {
    if (lane.watch && at > 0 && !lanes[at - 1].watch) y += 9;
    return put(lane.watch ? Math.min(17, height) : height, height > 8 ? 4 : 1);
  });
  rows.bottom = y;
  view.height = y + 2;
}

const scale = () => (view.width - GUTTER - 8) / (view.to - view.from);
const toX = (ns) => GUTTER + (ns - view.from) * scale();
const toTime = (x) => view.from + (x - GUTTER) / scale();

function show(from, to) {
  const [first, last] = extent[axis];
  const least = axis === "revision" || RUN.counted ? 2 : 2000, most = Math.max(last - first, least);
  const length = Math.min(Math.max(to - from, least), most);
  const middle = (from + to) / 2;
  view.from = Math.min(Math.max(middle - length / 2, first), first + most - length);
  view.to = view.from + length;
  redraw();
}
function zoom(factor, at = (view.from + view.to) / 2) {
  show(at - (at - view.from) * factor, at + (view.to - at) * factor);
}
const pan = (share) => show(view.from + (view.to - view.from) * share, view.to + (view.to - view.from) * share);

/** Shows some records with room on both sides. */
function focus(list) {
  if (!list.length) return;
  const time = axis === "time";
  const from = Math.min(...list.map((record) => record.from));
  const to = Math.max(...list.map((record) => time ? record.ret ?? record.call : record.to));
  const least = !time ? 3 : RUN.counted ? 4 : Math.min(3e6, (RUN.end || 1) / 20);
  const room = Math.max((to - from) * 0.35, least);
  show(from - room, to + room);
}

/** Index of the first record of a lane that may be seen from `ns` on. */
function firstFrom(lane, ns) {
  let low = 0, high = lane.records.length;
  const wanted = ns - lane.longest;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lane.records[middle].from < wanted) low = middle + 1; else high = middle;
  }
  return low;
}

/** What lies under a point: a record, a fault, or what a member did. */
function under(x, y) {
  if (x < GUTTER) return null;
  const time = toTime(x), slack = 4 / scale();
  for (const fault of rows.faults.length ? faults : []) {
    const row = rows.faults[fault.track];
    if (y >= row.y && y < row.y + row.h && time >= fault.start - slack && time <= fault.end + slack) return { fault };
  }
  for (const [at, row] of rows.members.entries()) {
    if (y >= row.y && y < row.y + row.h) return { member: members[at], time };
  }
  for (const [at, row] of rows.lanes.entries()) {
    if (y < row.y - 2 || y >= row.y + row.h + 2) continue;
    let best = null, distance = Infinity;
    const lane = lanes[at];
    for (let place = firstFrom(lane, time - slack); place < lane.records.length; place += 1) {
      const record = lane.records[place];
      if (record.from > time + slack) break;
      if (!record.shown || record.to < time - slack) continue;
      const inside = record.from <= time && time <= record.to;
      const away = inside ? 0 : Math.min(Math.abs(record.from - time), Math.abs(record.to - time));
      // Evidence is meant to be found; of several the shortest is the hardest to hit.
      const rank = away + (record.to - record.from) * 1e-3 - (record.mark ? slack : 0);
      if (rank < distance) { best = record; distance = rank; }
    }
    if (best) return { record: best };
  }
  return null;
}

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); drawMap(); });
}
