// Marks what contradicts each other, the moment it showed, and what is held.
/** What is in question is no contradiction. */
const marking = () => RUN.verdict === "unknown" ? ink.doubt : ink.bad;
function drawEvidence() {
  pen.lineWidth = 1.6;
  for (const record of evidence) {
    const row = rows.lanes[record.lane], left = toX(record.from), right = Math.max(toX(record.to), left + 4);
    if (right < GUTTER - 20 || left > view.width + 20) continue;
    pen.strokeStyle = marking();
    box(left - 2, row.y, right - left + 4, row.h, 5); pen.stroke();
  }
  pen.lineWidth = 1;
  drawGap();
  drawViolation();
  drawHeld();
  drawBadges();
}
/** Badges of neighbours stand side by side. */
function drawBadges() {
  const ends = new Map();
  const order = [...evidence].sort((a, b) => a.from - b.from);
  for (const record of order) {
    const row = rows.lanes[record.lane];
    const wanted = toX(record.from);
    if (wanted < GUTTER - 20 || wanted > view.width + 20) continue;
    const x = Math.max(wanted, (ends.get(record.lane) ?? -100) + 17);
    ends.set(record.lane, x);
    pen.fillStyle = marking();
    pen.beginPath(); pen.arc(x, row.y + 1, 8, 0, 7); pen.fill();
    pen.strokeStyle = ink.card; pen.lineWidth = 1.5; pen.stroke(); pen.lineWidth = 1;
    pen.font = "700 10px system-ui, sans-serif";
    text(String(record.mark), x, row.y + 1.5, marking() === ink.bad ? ink["on-bad"] : ink["on-doubt"], "center");
    pen.font = FONT;
  }
}
function drawViolation() {
  const at = axis === "time" ? RUN.violation : RUN.revision;
  if (at === null) return;
  const x = toX(at);
  if (x < GUTTER - 2 || x > view.width) return;
  pen.strokeStyle = pen.fillStyle = ink.bad;
  pen.setLineDash([5, 3]);
  pen.beginPath(); pen.moveTo(x, rows.axis.h - 4); pen.lineTo(x, rows.bottom); pen.stroke();
  pen.setLineDash([]);
  const words = RUN.checker ?? "violation", width = pen.measureText(words).width + 12;
  const left = Math.min(x, view.width - width - 4);
  box(left, 1, width, 17, 4); pen.fill();
  text(words, left + 6, 10, ink["on-bad"]);
}

function drawHeld() {
  for (const record of [view.held, view.hover]) {
    if (!record) continue;
    const row = rows.lanes[record.lane], left = toX(record.from), right = Math.max(toX(record.to), left + 3);
    pen.strokeStyle = ink.ink;
    pen.lineWidth = 1.5;
    thread(record);
    box(left - 1.5, row.y + 1, right - left + 3, row.h - 2, 4); pen.stroke();
    pen.lineWidth = 1;
  }
}

/** Between two that contradict each other: how long one had been over when the other began. */
function drawGap() {
  if (axis !== "time") return;
  if (RUN.verdict === "unknown") return;
  const [one, other] = evidence.filter((record) => record.mark < 3 && record.kind !== 5).sort((a, b) => a.call - b.call);
  if (!other || one.ret === null || one.ret >= other.call) return;
  const left = toX(one.ret), right = toX(other.call);
  const from = rows.lanes[one.lane], to = rows.lanes[other.lane];
  const y = one.lane === other.lane ? from.y - 2 : (from.y + from.h / 2 + to.y + to.h / 2) / 2;
  pen.strokeStyle = ink.bad;
  pen.setLineDash([2, 3]);
  pen.beginPath();
  pen.moveTo(left, from.y + from.h / 2); pen.lineTo(left, y);
  pen.moveTo(right, y); pen.lineTo(right, to.y + to.h / 2);
  pen.stroke();
  pen.setLineDash([]);
  pen.beginPath(); pen.moveTo(left, y); pen.lineTo(right, y); pen.stroke();
  pen.beginPath();
  pen.moveTo(right - 6, y - 3.5); pen.lineTo(right, y); pen.lineTo(right - 6, y + 3.5); pen.stroke();
  const words = span(other.call - one.ret), width = pen.measureText(words).width + 10;
  // In a narrow gap the words stand left of the badge of what came later.
  const badge = Math.abs(y - to.y - 1) < 19 ? right - 11 - width / 2 : right;
  const middle = Math.min(Math.max(Math.min((left + right) / 2, badge), GUTTER + width / 2 + 4), view.width - width / 2 - 4);
  pen.fillStyle = ink.card;
  box(middle - width / 2, y - 9, width, 18, 5); pen.fill(); pen.stroke();
  text(words, middle, y + 0.5, ink.bad, "center");
}
