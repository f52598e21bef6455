// What the page knows: records by lane, faults by track, who led and who was down when.
const RUN = JSON.parse(document.getElementById("run").textContent);
/** What is known of a run besides its history: of a history alone nothing. */
const run = { leaders: [], stops: [], probes: {}, traffic_end_ns: null, ...RUN.run };
const C = RUN.records;
const KINDS = C.kinds;
const OP_NAMES = C.ops.map(([name]) => name), KIND_OF = C.ops.map(([, kind]) => kind);
const OUTCOMES = ["ok", "fail", "unknown"];
const [CREATE, CANCEL, RESPONSE, END] = ["watch create", "watch cancel", "watch response", "watch end"]
  .map((name) => OP_NAMES.indexOf(name));
const SECOND = 1e9;

const records = [];
for (let at = 0, id = 0, call = 0; at < C.id.length; at += 1) {
  id += C.id[at];
  call += C.call[at];
  const ret = C.took[at] < 0 ? null : call + C.took[at];
  records.push({ id, process: C.process[at], member: C.member[at], op: C.op[at], kind: KIND_OF[C.op[at]], call, ret,
    out: C.out[at], ask: C.words[C.ask[at]], told: C.words[C.say[at]], rev: C.rev[at] || null, made: C.made[at] === 1,
    events: C.events[at], diff: C.diff[at] ?? [], client: C.lane[at], lane: C.lane[at], end: ret ?? call, from: 0, to: 0, shown: true, mark: 0 });
}
const WORDS = C.words;
delete RUN.records;
/** What came back, with its revision; of an unknown write the revision that it was placed at. */
const say = (record) => record.rev === null ? record.told
  : record.out === 2 ? `${record.told}; placed at revision ${record.rev}` : `revision ${record.rev}: ${record.told}`;
/** What it changed: key, what was there before, what it became. Of keys left out only how many. */
const changed = (record) => record.diff.map(([key, was, at, now]) => key < 0 ? { more: was } : {
  key: WORDS[key], before: was < 0 ? "nothing" : `${WORDS[was]} @${at}`, after: now < 0 ? "deleted" : WORDS[now] });
const who = (record) => "c" + record.process + (record.member ? ` → m${record.member}` : "");
const byId = new Map(records.map((record) => [record.id, record]));
{
  // An unknown operation is drawn as long as its client waited.
  const next = new Map();
  for (const record of [...records].reverse()) {
    if (record.ret === null) record.end = Math.min(next.get(record.client) ?? RUN.end, record.call + RUN.deadline);
    next.set(record.client, record.call);
  }
}
RUN.findings.slice(0, 1).forEach((finding) => finding.records.forEach((id, at) => {
  const record = byId.get(id);
  if (record) record.mark = at + 1;
}));
const evidence = records.filter((record) => record.mark);

const faults = RUN.faults.map((fault) => ({ ...fault, instant: fault.end === fault.start, end: fault.end ?? RUN.end,
  words: fault.name.replaceAll("_", " ") + (fault.family ? "" : " (of an unknown family)") }))
  .sort((a, b) => a.start - b.start);
const tracks = [];
for (const fault of faults) {
  // The name stands inside when it fits (on a usual screen, with the whole run shown), else behind.
  const name = (fault.words.length + fault.target.length + 5) * 0.006 * RUN.end;
  const until = fault.end - fault.start >= name ? fault.end : fault.end + name;
  let track = tracks.findIndex((end) => end <= fault.start);
  if (track < 0) track = tracks.push(0) - 1;
  tracks[track] = until;
  fault.track = track;
}
const members = Array.from({ length: RUN.members }, (_, at) => ({ number: at + 1, led: [], down: [], stops: [] }));
const named = (target) => [...target.split(/[|>]/)[0].matchAll(/\bm(\d+)\b/g)].map((match) => Number(match[1]));
for (const fault of faults) {
  if (fault.meanwhile === "running") continue;
  for (const number of named(fault.target)) members[number - 1]?.down.push(fault);
}
for (const { member, at_ns: at, reason } of run.stops) members[member - 1]?.stops.push({ at, reason });
run.leaders.forEach(({ at_ns: at, term, member }, place) => {
  const lane = members[member - 1];
  if (!lane) return;
  let end = run.leaders[place + 1]?.at_ns ?? RUN.end;
  for (const down of lane.down) if (down.meanwhile === "down" && down.start > at) end = Math.min(end, down.start);
  lane.led.push({ at, term, end });
});

/** A time with the digits that `step` calls for, cut off as in every sentence; in a log without times the number of
 *  the event. */
function clock(ns, step = SECOND / 1000) {
  if (RUN.counted) return "event " + Math.round(ns + RUN.base);
  const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / SECOND))));
  const most = 10 ** digits, parts = Math.floor((ns + RUN.base) / (SECOND / most) + 1e-6);
  return Math.floor(parts / most) + (digits ? "." + String(parts % most).padStart(digits, "0") : "") + " s";
}
/** In the words of every sentence. */
function span(ns) {
  if (RUN.counted) return ns === 1 ? "1 event" : `${ns} events`;
  if (ns < 1e3) return `${ns} ns`;
  const [unit, name] = ns < 1e6 ? [1e3, "us"] : ns < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  const whole = Math.floor(ns / unit), tenths = Math.floor(ns % unit * 10 / unit);
  return whole < 10 && tenths ? `${whole}.${tenths} ${name}` : `${whole} ${name}`;
}

const filter = { text: "", lane: -1, member: 0, kinds: KINDS.map(() => true), outcomes: OUTCOMES.map(() => true) };
let shown = records.length;
function applyFilter() {
  const text = filter.text.trim().toLowerCase();
  const id = /^#(\d+)$/.exec(text)?.[1];
  shown = 0;
  for (const record of records) {
    record.shown = filter.kinds[record.kind] && filter.outcomes[record.out]
      && (filter.lane < 0 || record.client === filter.lane)
      && (!text || (id ? record.id === Number(id) : (record.ask + " " + say(record)).toLowerCase().includes(text)));
    if (record.shown) shown += 1;
  }
}
