"use strict";
const told = document.getElementById("told");

// Numbers sort as numbers (the first one of a cell, as in ".5463 ± .010"), words as words; empty cells come last.
function key(cell) {
  const text = cell.textContent.trim();
  const empty = /^(–|not defined|not rated)?$/.test(text);
  const found = text.match(/^[<(]?\s*([+\-−]?\d*\.?\d+(?:e[+\-]?\d+)?)/i);
  return { text, number: found ? parseFloat(found[1].replace("−", "-")) : NaN, empty };
}

function sort(table, place, down) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => ({ row, ...key(row.cells[place]) }));
  const numbers = rows.every((one) => one.empty || !Number.isNaN(one.number));
  rows.sort((a, b) => {
    if (a.empty !== b.empty) return a.empty ? 1 : -1;
    const order = numbers ? a.number - b.number : a.text.localeCompare(b.text, "en", { numeric: true });
    return down ? -order : order;
  });
  body.append(...rows.map((one) => one.row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, place) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(table, place, down);
      told.textContent = `sorted by ${head.textContent}, ${down ? "descending" : "ascending"}`;
    });
  });
}

for (const input of document.querySelectorAll("input[data-table]")) {
  const rows = Array.from(document.getElementById(input.dataset.table).tBodies[0].rows, (row) => [row, row.textContent.toLowerCase()]);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    told.textContent = `${shown} of ${rows.length} shown`;
  });
}

// Without https there may be no clipboard; then the command is selected, so that a key copies it.
async function copy(button) {
  const code = button.parentElement.querySelector("code");
  const text = button.dataset.copy ?? code.textContent;
  try {
    await navigator.clipboard.writeText(text);
    told.textContent = button.textContent = "Copied";
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, rows: 3 });
    button.after(area);
    area.select();
    told.textContent = "The command is selected";
  }
}

for (const button of document.querySelectorAll("button.copy")) button.addEventListener("click", () => copy(button));
