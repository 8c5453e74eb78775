"use strict";
// A table page: filter, sort, and the card of a cell. Every number is in the page without it.

const DATA = pageData();
const tables = [...document.querySelectorAll("table.scores")].map((table) => ({
  table,
  bodies: [...table.tBodies],
  rows: [...table.querySelectorAll("tr[data-row]")].map((row) => ({ row, body: row.parentElement })),
}));
const form = document.getElementById("filter");

function groupOf(body) {
  return body.querySelector("tr.group").textContent;
}

// Filter

function filter() {
  const verdict = form.verdict.value;
  const group = form.group.value;
  const seen = new Set();
  for (const { table, bodies, rows } of tables) {
    table.dataset.verdict = verdict;
    for (const { row, body } of rows) {
      const wanted = !verdict || [...row.cells].some((cell) => isOf(cell, verdict));
      row.hidden = !wanted || (group !== "" && groupOf(body) !== group);
      if (!row.hidden) seen.add(row.dataset.row);
    }
    for (const body of bodies) {
      body.querySelector("tr.group").hidden = ![...body.querySelectorAll("tr[data-row]")].some((row) => !row.hidden);
    }
  }
  tellRows(seen.size);
}

function isOf(cell, verdict) {
  if (cell.tagName !== "TD") return false;
  return verdict === "measured" ? !Number.isNaN(value(cell, "measured")) : cell.classList.contains(verdict);
}

function tellRows(count) {
  const all = DATA.rows.length;
  document.getElementById("status").textContent = count === all ? `${all} rows` : `${count} of ${all} rows`;
}

function setUpFilter() {
  const groups = new Set(tables.flatMap(({ bodies }) => bodies.map(groupOf)));
  for (const group of groups) form.group.add(new Option(group));
  const asked = new URLSearchParams(location.hash.slice(1)).get("verdict");
  if (asked && [...form.verdict.options].some((option) => option.value === asked)) form.verdict.value = asked;
  form.verdict.addEventListener("change", filter);
  form.group.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  for (const hint of document.querySelectorAll(".with-script")) hint.hidden = false;
  filter();
}

// Sort

// A cell's number, NaN where there is none.
function value(cell, basis) {
  const places = { measured: "b", published: "small span:not(.vh)", difference: "small em" };
  return parseFloat((cell.querySelector(places[basis])?.textContent ?? "").replace("±0", "0"));
}

// Rows in the order of a column, those without a number last; `direction` "none" is the order in print.
function sort(head, direction) {
  const { table, bodies, rows } = tables.find(({ table }) => table.contains(head));
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", direction);
  table.querySelector("tbody.sorted")?.remove();
  if (direction === "none") {
    for (const { row, body } of rows) body.append(row);
  } else {
    const sign = direction === "ascending" ? 1 : -1;
    const basis = form.basis.value;
    const keyed = rows.map(({ row }) => ({ row, key: keyOf(row.cells[head.cellIndex], basis) }));
    keyed.sort((one, other) => compareKeys(one.key, other.key, sign));
    const sorted = table.createTBody();
    sorted.className = "sorted";
    sorted.append(...keyed.map(({ row }) => row));
  }
  for (const body of bodies) body.hidden = direction !== "none";
}

function keyOf(cell, basis) {
  return cell.tagName === "TH" ? cell.textContent : value(cell, basis);
}

function compareKeys(one, other, sign) {
  if (typeof one === "string") return sign * one.localeCompare(other, "en");
  if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
  return sign * (one - other);
}

function setUpSorting() {
  for (const head of document.querySelectorAll("table.scores thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    const order = head.cellIndex === 0 ? ["none", "ascending", "descending"] : ["none", "descending", "ascending"];
    button.addEventListener("click", () => {
      const next = order[(order.indexOf(head.getAttribute("aria-sort")) + 1) % order.length];
      sort(head, next);
    });
  }
  form.basis.addEventListener("change", () => {
    for (const head of document.querySelectorAll('th[aria-sort$="scending"]')) sort(head, head.getAttribute("aria-sort"));
  });
  for (const { rows } of tables) {
    for (const { row, body } of rows) row.cells[0].dataset.group = groupOf(body);
  }
}

// The card of a cell

function field(name, number) {
  const numbers = DATA.cells[name];
  return DATA.texts[typeof numbers === "number" ? numbers : numbers[number]];
}

function textOf(cell, selector) {
  return cell.querySelector(selector)?.textContent ?? "";
}

// All that is known of a cell: what stands in it, and what the page holds of it beside that.
function known(cell) {
  const row = DATA.rows[cell.parentElement.dataset.row];
  const column = Number(cell.closest("table").tHead.rows[0].cells[cell.cellIndex].dataset.col);
  const number = Number(cell.parentElement.dataset.row) * DATA.columns.length + column;
  const fields = Object.fromEntries(Object.keys(DATA.cells).map((name) => [name, field(name, number)]));
  const about = {
    ...fields,
    label: row.label,
    recipe: row.recipe,
    column: DATA.columns[column],
    measured: textOf(cell, "b"),
    published: textOf(cell, "small span:not(.vh)"),
    difference: textOf(cell, "small em"),
    interval: textOf(cell, "i").replace(" to ", ", "),
    verdict: DATA.words[cell.className],
    signature: [fields.task, fields.system, fields.rest].filter(Boolean).join("|"),
  };
  about.citation = fields.cite.replace(/\{(\w+)\}/g, (all, name) => about[name] ?? all);
  return about;
}

function lines(of) {
  const tolerance = of.tolerance ? `, tolerance ${of.tolerance}` : "";
  return [
    ["Measured", of.measured],
    ["95 % interval", of.interval.replace(", ", " to ")],
    ["Published", of.published],
    ["Difference", of.difference],
    ["Verdict", of.verdict + tolerance],
    ["Reason", of.reason],
    ["Signature", of.signature],
    ["Made of", of.repeats],
    ["Weights", of.weights],
    ["Data, sha256", of.data_sha256],
    ["Encoder", of.encoder],
    ["Device", [of.device, of.dtype].filter(Boolean).join(", ")],
    ["Seconds", of.seconds],
    ["Commit", of.commit],
    ["Without a known word", of.zero_vectors === "0" ? "" : of.zero_vectors],
    ["Recovered recipe", of.recipe],
    ["Citation", of.citation],
  ].filter(([, text]) => text);
}

const CODE = ["Signature", "Data, sha256", "Commit", "Citation"];
const card = document.getElementById("card");
let opened = null; // what the open card shows

function open(cell) {
  opened = known(cell);
  document.getElementById("card-title").textContent = `${opened.label}, ${opened.column}`;
  const list = card.querySelector("dl");
  list.replaceChildren();
  for (const [name, text] of lines(opened)) {
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = name;
    const holder = CODE.includes(name) ? document.createElement("code") : description;
    holder.textContent = text;
    if (holder !== description) description.append(holder);
    list.append(term, description);
  }
  for (const button of card.querySelectorAll("[data-copy]")) button.hidden = !opened[button.dataset.copy];
  const compare = card.querySelector('a[href*=".compare.html"]');
  compare.hash = `first=${encodeURIComponent(DATA.rows[cell.parentElement.dataset.row].slug)}`;
  card.querySelector("[role=status]").textContent = "";
  card.showModal();
  card.scrollTop = 0;
}

function setUpCards() {
  for (const { table } of tables) {
    for (const cell of table.querySelectorAll("td")) {
      if (!cell.firstChild) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = -1;
      button.append(...cell.childNodes);
      cell.append(button);
    }
    const first = table.querySelector("td button");
    if (first) first.tabIndex = 0;
    table.addEventListener("click", (event) => {
      const button = event.target.closest("td button");
      if (button) {
        focusOn(button);
        open(button.parentElement);
      }
    });
    table.addEventListener("keydown", (event) => {
      const button = event.target.closest("td button");
      const next = button && neighbour(button.parentElement, event.key);
      if (next) {
        event.preventDefault();
        focusOn(next);
      }
    });
  }
  for (const button of card.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      await copy(opened[button.dataset.copy], button);
      card.querySelector("[role=status]").textContent = `The ${button.dataset.copy} is copied.`;
      const before = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = before), 1500);
    });
  }
  card.querySelector(".leave")?.addEventListener("click", () => card.close());
  card.addEventListener("click", (event) => {
    if (event.target === card) card.close(); // beside it
  });
}

// One cell of a table is reached with Tab, the others from there with the arrows.
function focusOn(button) {
  for (const other of button.closest("table").querySelectorAll('td button[tabindex="0"]')) other.tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

function neighbour(cell, key) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key];
  if (!step) return null;
  const rows = [...cell.closest("table").querySelectorAll("tr[data-row]")].filter((row) => row.offsetParent);
  let row = rows.indexOf(cell.parentElement) + step[0];
  let column = cell.cellIndex + step[1];
  while (rows[row] && column > 0 && rows[row].cells[column]) {
    const button = rows[row].cells[column].querySelector("button");
    if (button) return button;
    row += step[0];
    column += step[1];
  }
  return null;
}

setUpSorting();
setUpFilter();
setUpCards();
