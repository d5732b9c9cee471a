// Sorting, filtering and the large view. Every page is complete without this file.
"use strict";

function cellKey(row, column, numeric) {
  const text = row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  if (!numeric) return text === "" ? null : text;
  return text === "" ? null : Number(text);
}

function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const numeric = table.tHead.rows[0].cells[column].classList.contains("num");
  const sign = direction === "ascending" ? 1 : -1;
  const keyed = rows.map((row, index) => ({ row, index, key: cellKey(row, column, numeric) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.index - b.index;
    const order = numeric ? a.key - b.key : a.key.localeCompare(b.key);
    return sign * order || a.index - b.index;
  });
  body.append(...keyed.map(({ row }) => row));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sorter";
    const link = head.querySelector("a");
    if (link) {
      const name = document.createElement("span");
      name.className = "visually-hidden";
      name.textContent = `Sort by ${link.textContent}`;
      button.append(name);
      link.after(button);
    } else {
      button.append(head.firstChild);
      head.prepend(button);
    }
    button.addEventListener("click", () => {
      const opposite = { ascending: "descending", descending: "ascending" };
      const direction = opposite[head.getAttribute("aria-sort")] ?? head.dataset.sort;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction);
      sortBy(table, column, direction);
    });
  });
}

function makeFilter(form) {
  const pairs = [...form.closest("main").querySelectorAll(".pair")];
  const output = form.querySelector("output");
  const apply = () => {
    const wanted = [...form.querySelectorAll("select")].filter((select) => select.value);
    let shown = 0;
    for (const pair of pairs) {
      const fits = wanted.every((select) => pair.dataset[select.name] === select.value);
      pair.hidden = !fits;
      shown += fits;
    }
    output.textContent = `${shown} of ${pairs.length} ${output.dataset.noun}`;
  };
  form.hidden = false;
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  apply();
}

function makeViewer(dialog) {
  const range = dialog.querySelector(".compare-range");
  const compare = dialog.querySelector(".compare");
  const links = () => [...document.querySelectorAll(".pair:not([hidden]) .pair-images")];
  let current = null;
  const split = () => compare.style.setProperty("--split", `${range.value}%`);
  const show = (link) => {
    current = link;
    const pair = link.closest(".pair");
    const [source, edit] = link.querySelectorAll("img");
    const images = [
      [".compare-before", link.dataset.source, source.alt],
      [".compare-after", link.href, edit.alt],
    ];
    for (const [selector, address, text] of images) {
      const image = dialog.querySelector(selector);
      image.src = address;
      image.alt = text;
      image.width = link.dataset.width;
      image.height = link.dataset.height;
    }
    dialog.querySelector("#viewer-title").textContent = pair.querySelector("h3").textContent;
    dialog.querySelector(".viewer-facts").replaceChildren(pair.querySelector(".pair-facts").cloneNode(true));
    range.value = 50;
    split();
  };
  const step = (by) => {
    const all = links();
    show(all[(all.indexOf(current) + by + all.length) % all.length]);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".pair-images");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(link);
    dialog.showModal();
    range.focus();
  });
  range.addEventListener("input", split);
  compare.addEventListener("pointermove", (event) => {
    if (event.target === range || (event.pointerType !== "mouse" && !event.buttons)) return;
    const box = compare.getBoundingClientRect();
    range.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    split();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    const stepper = event.target.closest("[data-step]");
    if (stepper) step(Number(stepper.dataset.step));
  });
  dialog.addEventListener("close", () => current?.focus());
}

function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target && target.closest("details");
  if (fold && !fold.open) {
    fold.open = true;
    target.scrollIntoView();
  }
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("form.filters").forEach(makeFilter);
document.querySelectorAll("dialog.viewer").forEach(makeViewer);
window.addEventListener("hashchange", openTarget);
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details.fold").forEach((fold) => { fold.open = true; });
});
openTarget();
