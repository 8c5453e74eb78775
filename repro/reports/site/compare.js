"use strict";
// Two rows of a table, column by column. See comparing.py for what the data are.

const DATA = pageData();
const STEP = 1001;
const form = document.getElementById("pick");

function setUpRows() {
  const groups = new Map();
  DATA.rows.forEach((row, number) => {
    if (!DATA.columns.some((column) => has(column.value[number]) || has(column.published[number]))) return;
    if (!groups.has(row.group)) groups.set(row.group, []);
    groups.get(row.group).push([row.label, number]);
  });
  for (const select of [form.first, form.second]) {
    for (const [group, rows] of groups) {
      const optgroup = document.createElement("optgroup");
      optgroup.label = group;
      for (const [label, number] of rows) optgroup.append(new Option(label, number));
      select.append(optgroup);
    }
    select.addEventListener("change", show);
  }
}

function has(number) {
  return number !== null && number !== undefined;
}

// The rows that the address names, or the first two that a test can be had of, or that have numbers at all.
function start() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const tested = DATA.columns.find((column) => column.rows)?.rows ?? [];
  const there = [...form.first.options].map((option) => Number(option.value));
  const choice = (name) => DATA.rows.findIndex((row) => row.slug === asked.get(name));
  const first = there.includes(choice("first")) ? choice("first") : (tested[0] ?? there[0]);
  const others = [...tested, ...there].filter((row) => row !== first);
  const second = there.includes(choice("second")) ? choice("second") : (others[0] ?? first);
  form.first.value = first;
  form.second.value = second;
}

const unpacked = new Map();

function numbers(packed) {
  if (!unpacked.has(packed)) {
    const bytes = Uint8Array.from(atob(DATA.packed[packed]), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    unpacked.set(packed, (place) => view.getInt16(2 * place, true));
  }
  return unpacked.get(packed);
}

// The test of two rows in a column: bounds, p and name; or a reason why there is none.
function test(column, first, second) {
  if (column.why) return { why: column.why };
  const places = [first, second].map((row) => (column.rows ?? []).indexOf(row));
  if (places.includes(-1)) return { why: "no stored scores" };
  const [low, high] = places.toSorted((one, other) => one - other);
  const pair = low * column.rows.length - (low * (low + 1)) / 2 + (high - low - 1);
  const at = numbers(column.packed);
  const code = at(3 * pair + 2);
  if (code < 0) return { why: "nothing to test with" };
  let bounds = [at(3 * pair) * column.unit, at(3 * pair + 1) * column.unit];
  if (places[0] > places[1]) bounds = [-bounds[1], -bounds[0]];
  return {
    bounds,
    p: (code % STEP) / (STEP - 1),
    name: column.tests[Math.floor(code / STEP)],
    leftOut: column.left_out?.[pair],
  };
}

// A number as the table's pages have it: what lies half-way goes to the even digit, and nothing has no sign.
function fixed(number) {
  const halfWay = /50{19}$/.test(number.toFixed(DATA.decimals + 20));
  const text = number.toFixed(DATA.decimals);
  const even = halfWay && /[13579]$/.test(text) ? (number * (1 - Number.EPSILON)).toFixed(DATA.decimals) : text;
  return /[1-9]/.test(even) ? even : even.replace("-", "");
}

function signed(number) {
  const text = fixed(number);
  return /[1-9]/.test(text) ? (number > 0 ? `+${text}` : text) : `±${text}`;
}

function plain(number) {
  return has(number) ? fixed(number) : "–";
}

function cells(column, first, second) {
  const [one, other] = [column.value[first], column.value[second]];
  const measured = has(one) && has(other);
  const [printed, another] = [column.published[first], column.published[second]];
  const published = has(printed) && has(another) ? signed(printed - another) : "";
  const difference = measured ? signed(one - other) : "";
  const rest = [plain(one), plain(other), published];
  if (!measured) return [difference, "", "", "not measured", ...rest];
  const found = first === second ? { why: "the same row" } : test(column, first, second);
  if (found.why) return [difference, "", "", found.why, ...rest];
  const note = found.leftOut ? `, ${found.leftOut} resamples without a score left out` : "";
  const p = found.p < 0.001 ? "< 0.001" : found.p.toFixed(3);
  return [difference, found.bounds.map(signed).join(" to "), p, found.name + note, ...rest];
}

function show() {
  const [first, second] = [Number(form.first.value), Number(form.second.value)];
  const body = document.querySelector("table.compared tbody");
  body.replaceChildren();
  let tests = 0;
  let columns = 0;
  for (const column of DATA.columns) {
    if (![column.value, column.published].some((row) => has(row[first]) || has(row[second]))) continue;
    columns += 1;
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = [column.label, column.section].filter(Boolean).join(", ");
    row.append(head);
    const texts = cells(column, first, second);
    for (const text of texts) row.insertCell().textContent = text;
    const p = texts[2];
    if (p) tests += 1;
    if (p.startsWith("<") || (p && Number(p) < 0.05)) row.className = "apart";
  }
  document.getElementById("first").textContent = DATA.rows[first].label;
  document.getElementById("second").textContent = DATA.rows[second].label;
  document.getElementById("status").textContent = `${columns} columns, ${tests} with a test`;
  const names = new URLSearchParams({ first: DATA.rows[first].slug, second: DATA.rows[second].slug });
  history.replaceState(null, "", `#${names}`);
}

function setUp() {
  document.getElementById("without-script").hidden = true;
  setUpRows();
  if (form.first.options.length === 0) {
    document.getElementById("status").textContent = "No row of this table has a number yet.";
    return;
  }
  start();
  form.hidden = false;
  document.getElementById("swap").addEventListener("click", () => {
    [form.first.value, form.second.value] = [form.second.value, form.first.value];
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}

setUp();
