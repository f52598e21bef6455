// Two ways to lay records out: along time or along revisions, by client or by member.
let axis = "time", grouping = "client";
const clients = RUN.lanes.map((lane) => ({ ...lane, records: [] }));
let lanes = clients;
const extent = { time: [0, RUN.end], revision: [0, 1] };
if (RUN.part) extent.time = [...RUN.part];

/** Where each record lies among the revisions: a write of r before r, what saw r after it; what names none lies after
 *  the highest that had been answered when it was called. */
function placeByRevision() {
  const returns = records.filter((record) => record.rev !== null && record.ret !== null).sort((a, b) => a.ret - b.ret);
  let highest = 0, next = 0, low = Infinity, high = 0;
  const share = new Map();
  const key = (record) => `${record.client} ${record.slot}`;
  for (const record of records) {
    while (next < returns.length && returns[next].ret < record.call) highest = Math.max(highest, returns[next++].rev);
    record.slot = record.rev === null ? highest + 0.66 : record.made ? record.rev - 0.34 : record.rev + 0.04;
    low = Math.min(low, record.slot);
    high = Math.max(high, record.slot);
    share.set(key(record), (share.get(key(record)) ?? 0) + 1);
  }
  const used = new Map();
  for (const record of records) {
    const all = share.get(key(record)), mine = used.get(key(record)) ?? 0;
    used.set(key(record), mine + 1);
    const width = record.rev === null ? 0.28 : record.made ? 0.36 : 0.56;
    record.slotFrom = record.slot + width * mine / all;
    record.slotTo = record.slot + width * (mine + 0.9) / all;
  }
  extent.revision = [Math.min(low, high) - 0.5, high + 1];
}

/** Records of one member in as few rows as they need without overlap. */
function byMember() {
  const groups = new Map();
  for (const record of [...records].sort((a, b) => a.from - b.from)) {
    const watch = record.kind === 5, name = (record.member ? "m" + record.member : "?") + (watch ? " watch" : "");
    if (!groups.has(name)) groups.set(name, { name, watch, order: record.member * 2 + (watch ? 1 : 0), rows: [] });
    const { rows } = groups.get(name);
    let row = watch ? 0 : rows.findIndex((row) => row.last <= record.from);
    if (row < 0 && rows.length >= 24) row = 23;
    if (row < 0 || !rows[row]) row = rows.push({ last: 0, records: [] }) - 1;
    rows[row].last = Math.max(rows[row].last, record.to);
    rows[row].records.push(record);
  }
  const all = [];
  for (const group of [...groups.values()].sort((a, b) => a.order - b.order)) {
    group.rows.forEach((row, at) => all.push({ name: at ? "" : group.name, watch: group.watch, records: row.records }));
  }
  return all;
}

function arrange() {
  const byTime = axis === "time";
  for (const record of records) {
    record.from = byTime ? record.call : record.slotFrom;
    record.to = byTime ? record.end : record.slotTo;
  }
  if (grouping === "client") {
    for (const lane of clients) lane.records = [];
    for (const record of records) clients[record.client].records.push(record);
    // Who contradicts each other stands on top, side by side.
    const marked = (lane) => lane.records.some((record) => record.mark && record.op !== CREATE) ? 0 : 1;
    lanes = [...clients].sort((a, b) => marked(a) - marked(b));
  } else {
    lanes = byMember();
  }
  lanes.forEach((lane, at) => {
    lane.records.sort((a, b) => a.from - b.from || a.id - b.id);
    lane.records.forEach((record, place) => { record.lane = at; record.place = place; });
    lane.longest = lane.records.reduce((most, record) => Math.max(most, record.to - record.from), 0);
  });
}
placeByRevision();
arrange();

/** Another axis or grouping, with the same records in view if there are any of note. */
function rearrange(nextAxis, nextGrouping) {
  const moved = nextAxis !== axis;
  axis = nextAxis;
  grouping = nextGrouping;
  arrange();
  layout();
  if (!moved) return redraw();
  const near = evidence.filter((record) => record.op !== CREATE
    && (axis === "time" ? Math.abs(record.from - view.held?.from) < 2 * SECOND : Math.abs(record.from - view.held?.from) < 40));
  if (view.held) focus(view.held.mark && near.length ? near : [view.held]); else if (evidence.length) focus(evidence); else show(...extent[axis]);
}
