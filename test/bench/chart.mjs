/** The figures of a run as a chart: CPU time as a multiple of native's, folio's bar beside qemu-user's, on a logarithmic axis. */

const FONT = 12;
const LINE = 21;
const BAR = 8;
const LEFT = 118;
const WIDTH = 620;
const RIGHT = 46;
const TOP = 52;
/** Colours that differ in brightness too, and stand out on white and on black. */
const SERIES = [
  { key: "folioToNative", name: "folio", colour: "#2a7de1" },
  { key: "qemuToNative", name: "qemu-user", colour: "#c99a3a" },
];
const TICKS = [1, 2, 5, 10, 20, 50, 100, 200];

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function label(value) {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** Rows in groups, each with a title. */
function groupsOf(result) {
  const groups = result.abis.map((abi) => ({
    title: `${abi} kernels`,
    rows: result.rows.filter((row) => row.abi === abi && row.group !== "program"),
  }));
  groups.push({ title: "programs (amd64)", rows: result.rows.filter((row) => row.group === "program") });
  const has = (row) => SERIES.some(({ key }) => row.ratios[key] !== undefined);
  return groups.map(({ title, rows }) => ({ title, rows: rows.filter(has) })).filter(({ rows }) => rows.length > 0);
}

/** SVG text; the same for the same figures. */
export function chart(result) {
  const groups = groupsOf(result);
  const values = groups.flatMap(({ rows }) => rows.flatMap(({ ratios }) => SERIES.map(({ key }) => ratios[key] ?? 1)));
  const most = TICKS.find((tick) => tick >= Math.max(...values)) ?? Math.max(...values);
  const x = (value) => LEFT + (Math.max(Math.log(value), 0) / Math.log(most)) * (WIDTH - LEFT - RIGHT);
  const at = (value) => value.toFixed(1);
  const bars = [];
  let y = TOP;
  for (const { title, rows } of groups) {
    bars.push(`<text x="0" y="${y + 13}" class="title">${escaped(title)}</text>`);
    y += LINE;
    for (const { kernel, ratios } of rows) {
      bars.push(`<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escaped(kernel)}</text>`);
      for (const [i, { key, colour }] of SERIES.entries()) {
        const value = ratios[key];
        if (value === undefined) continue;
        const top = y + i * (BAR + 1);
        const width = Math.max(x(value) - LEFT, 1);
        bars.push(`<rect x="${LEFT}" y="${top}" width="${at(width)}" height="${BAR}" fill="${colour}"/>`);
        bars.push(`<text x="${at(x(value) + 4)}" y="${top + BAR - 1}" class="value">${label(value)}</text>`);
      }
      y += LINE;
    }
    y += 8;
  }
  const grid = TICKS.filter((tick) => tick <= most).map(
    (tick) =>
      `<line x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${TOP - 6}" y2="${y}" class="grid"/>` +
      `<text x="${at(x(tick))}" y="${TOP - 10}" text-anchor="middle" class="value">${tick}</text>`,
  );
  const legend = SERIES.map(
    ({ name, colour }, i) =>
      `<rect x="${LEFT + 330 + i * 70}" y="6" width="10" height="10" fill="${colour}"/>` +
      `<text x="${LEFT + 345 + i * 70}" y="16">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 4}" viewBox="0 0 ${WIDTH} ${y + 4}" role="img">
<title>CPU time as a multiple of native</title>
<style>
text { font: ${FONT}px sans-serif; fill: #777 } .value { font-size: 10px } .title { font-weight: bold }
.grid { stroke: #8884; stroke-width: 1 }
</style>
<text x="0" y="16">CPU time as a multiple of native's (start-up by itself, less is better)</text>
${[...legend, ...grid, ...bars].join("\n")}
</svg>
`;
}
