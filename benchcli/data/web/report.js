"use strict";
// The page's own script: it draws the charts, and lets tables sort, filter, leave out columns and download.
// All text goes through textContent, and nothing is evaluated: the page's policy forbids both.
(() => {
  const { figures, tables, chartConfig, themes, tones, page: PAGE, long: LONG } = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;

  // ---- charts

  const NARROW = 420;
  const colour = (name) => `var(--${name})`;

  /** Return the configuration with each "$name" replaced by what `of` returns for it. */
  const coloured = (part, of) => {
    if (typeof part === "string" && part.startsWith("$")) return of(part.slice(1));
    if (Array.isArray(part)) return part.map((each) => coloured(each, of));
    if (part && typeof part === "object") return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, coloured(value, of)]));
    return part;
  };

  const values = ({ columns, rows }) => rows.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place]])));

  /** Return a Vega view of a figure: on the page its colours follow the theme, in a file they are light. */
  const viewOf = (figure, width, forFile) => {
    const theme = themes.light;
    const colours = forFile ? (name) => theme[name] : colour;
    const series = forFile ? theme.series : theme.series.map((_, place) => colour(`series-${place}`));
    const config = {
      ...coloured(chartConfig, colours),
      background: forFile ? theme.background : "transparent",
      legend: { ...coloured(chartConfig.legend, colours), columns: width < NARROW ? 2 : chartConfig.legend.columns },
      range: { category: series },
    };
    const title = forFile ? { title: { text: figure.title } } : {};
    const spec = { ...title, data: { values: values(figure) }, width, autosize: { type: "fit-x", contains: "padding" }, config, ...figure.spec };
    const quiet = { debug() {}, info() {}, warn() {}, error() {}, level: () => quiet };
    const compiled = charts.compile(spec, { logger: quiet }).spec;
    const runtime = charts.parse(compiled, null, { ast: true });
    return new charts.View(runtime, { expr: charts.expressionInterpreter, renderer: "svg", loader: NOTHING });
  };

  /** Loads nothing: neither data nor pictures nor links. */
  const refuse = () => Promise.reject(new Error("this page loads nothing"));
  const NOTHING = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

  const draw = async (place) => {
    if (place.dataset.state) return;
    place.dataset.state = "drawing";
    const label = place.getAttribute("aria-label");
    try {
      const view = viewOf(figures[place.dataset.figure], Math.max(260, place.clientWidth), false).hover();
      view.tooltip((_handler, event, _item, value) => showNumbers(place, event, value));
      await view.initialize(place).runAsync();
      hush(place, label);
      place.dataset.state = "drawn";
    } catch (error) {
      place.dataset.state = "failed";
      place.textContent = `This chart could not be drawn (${error.message}); its numbers are below.`;
    }
  };

  /** Let a screen reader read the chart's label, which Vega replaces, and the table of its numbers, and not each mark. */
  const hush = (place, label) => {
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", label);
    place.removeAttribute("aria-roledescription");
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    place.querySelectorAll("svg [role], svg [aria-label]").forEach((each) => {
      ["role", "aria-label", "aria-roledescription"].forEach((name) => each.removeAttribute(name));
    });
  };

  const showNumbers = (place, _event, value) => {
    const text = value && typeof value === "object" ? Object.entries(value).map(([key, each]) => `${key}: ${each}`).join("\n") : "";
    place.title = text;
  };

  const save = async (figure, as) => {
    try {
      await saved(figure, as);
    } catch (error) {
      alert(`This chart cannot be saved: ${error.message}`);
    }
  };

  const saved = async (figure, as) => {
    const view = viewOf(figure, figure.is_wide ? 840 : 420, true);
    const name = `${figure.title.replace(/[^\w-]+/g, "-").replace(/^-|-$/g, "").toLowerCase() || "chart"}.${as}`;
    if (as === "svg") {
      download(name, new Blob([await view.toSVG()], { type: "image/svg+xml" }));
    } else {
      const canvas = await view.toCanvas(2);
      canvas.toBlob((blob) => download(name, blob), "image/png");
    }
  };

  const download = (name, blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  // All charts that can be seen are drawn before the page counts as loaded, and folded ones when they are opened:
  // what prints a page, or takes a picture of it, neither scrolls nor waits.
  const places = [...document.querySelectorAll(".chart")];
  const drawShown = () => places.filter((place) => !place.closest("details:not([open])")).forEach(draw);
  document.querySelectorAll("details.folded").forEach((each) => each.addEventListener("toggle", drawShown));

  for (const button of document.querySelectorAll(".save")) {
    const place = button.closest("figure").querySelector(".chart");
    button.addEventListener("click", () => save(figures[place.dataset.figure], button.dataset.as));
  }

  // ---- tables

  /** Return what a cell sorts by: its first number, its text, or null where it has nothing. */
  const key = (cell, isNumber) => {
    if (!isNumber) return cell;
    const found = cell.replace(/,/g, "").match(/-?\d+(\.\d+)?(e[+-]?\d+)?/);
    return found ? Number(found[0]) : null;
  };

  const compare = (one, other) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return typeof one === "number" ? one - other : one.localeCompare(other, undefined, { numeric: true });
  };

  const NUMBER = /^[+-]\d[\d.,]*( ?%)?( ± ?[\d.]+( ?%)?)?( \([+-]?[\d.]+ to [+-]?[\d.]+( ?%)?\))?$/;

  /** Return a cell of a CSV that no spreadsheet takes for a formula. */
  const csvCell = (text) => {
    const inert = /^[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(inert) ? `"${inert.replace(/"/g, '""')}"` : inert;
  };

  const toneOf = (cell) => (cell.includes(" ") && Object.hasOwn(tones, cell.split(" ")[0]) ? tones[cell.split(" ")[0]] : "");

  const rowOf = (cells, kinds) => {
    const row = document.createElement("tr");
    cells.forEach((cell, place) => {
      const element = row.insertCell();
      element.textContent = cell;
      element.className = [kinds[place], cell.length > LONG ? "long" : "", toneOf(cell)].join(" ").trim();
    });
    return row;
  };

  /** Return which columns to leave out, the least important first, so that a table is as wide as its room. */
  const leftOut = (widths, priorities, room) => {
    let excess = widths.reduce((sum, width) => sum + width, 0) - room;
    const out = new Set();
    const candidates = priorities.map((priority, place) => [priority, place]).filter(([priority]) => priority !== null);
    for (const [, place] of candidates.sort(([one], [other]) => one - other)) {
      if (excess <= 1) break;
      out.add(place);
      excess -= widths[place];
    }
    return out;
  };

  const PAPER = 940; // the width of a sheet, in pixels of a table on a screen: print has smaller letters
  const fits = [];

  const enliven = (box) => {
    const [table, input, status, more, scroll, columns] = ["table", "input", "[role=status]", ".more", ".scroll", ".columns"].map((each) => box.querySelector(each));
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const isNumber = heads.map((head) => head.classList.contains("number"));
    const kinds = heads.map((head) => head.className);
    const headings = heads.map((head) => head.textContent);
    const rows = tables[box.dataset.table] ?? [...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent));
    const texts = rows.map((row) => row.join("\n").toLowerCase());
    let shown = PAGE;
    let sorted = { place: -1, down: false };
    const priorities = heads.map((head) => (head.dataset.priority ? Number(head.dataset.priority) : null));
    let out = new Set();
    let isWhole = false;
    let room = 0;

    const leaveOut = (places) => {
      out = places;
      [...table.rows].forEach((row) => [...row.cells].forEach((cell, place) => { cell.hidden = out.has(place); }));
    };

    /** Leave out the columns for which there is no room, unless the reader asked for all. */
    const fit = (width) => {
      if (!width) return;
      room = width;
      leaveOut(new Set());
      table.style.width = "max-content";
      const found = leftOut(heads.map((head) => head.offsetWidth), priorities, width);
      table.style.width = "";
      columns.hidden = !found.size;
      columns.textContent = isWhole ? "Fewer columns" : `${found.size} more column${found.size === 1 ? "" : "s"}`;
      if (!isWhole) leaveOut(found);
    };
    columns.addEventListener("click", () => { isWhole = !isWhole; fit(room); });

    const chosen = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kept = rows.filter((_, number) => words.every((word) => texts[number].includes(word)));
      const { place, down } = sorted;
      if (place < 0) return kept;
      const keyed = kept.map((row) => [key(row[place], isNumber[place]), row]);
      keyed.sort(([one], [other]) => (one === null || other === null ? compare(one, other) : compare(one, other) * (down ? -1 : 1)));
      return keyed.map(([, row]) => row);
    };

    const refresh = () => {
      const kept = chosen();
      body.replaceChildren(...kept.slice(0, shown).map((row) => rowOf(row, kinds)));
      leaveOut(out);
      status.textContent = kept.length === rows.length ? `${rows.length} row${rows.length === 1 ? "" : "s"}` : `${kept.length} of ${rows.length} rows`;
      more.hidden = kept.length <= shown;
      more.textContent = `Show ${Math.min(PAGE, kept.length - shown)} more of ${kept.length - shown} rows`;
      heads.forEach((head, place) => head.setAttribute("aria-sort", place !== sorted.place ? "none" : sorted.down ? "descending" : "ascending"));
    };

    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = headings[place];
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        if (sorted.place !== place) sorted = { place, down: false };
        else sorted = sorted.down ? { place: -1, down: false } : { place, down: true };
        refresh();
      });
    });
    input.addEventListener("input", () => { shown = PAGE; refresh(); });
    more.addEventListener("click", () => { shown += PAGE; refresh(); });
    box.querySelector(".download").addEventListener("click", () => {
      const lines = [headings, ...chosen()].map((row) => `${row.map(csvCell).join(",")}\n`);
      const name = table.caption.textContent.replace(/[^\w-]+/g, "-").replace(/^-|-$/g, "").toLowerCase();
      download(`${name || "table"}.csv`, new Blob(lines, { type: "text/csv" }));
    });
    refresh();
    fit(scroll.clientWidth);
    fits.push({ fit, scroll });
    new ResizeObserver(() => { if (Math.abs(scroll.clientWidth - room) > 1) fit(scroll.clientWidth); }).observe(scroll);
  };

  document.querySelectorAll(".table").forEach((box) => {
    const closed = box.closest("details:not([open])");
    if (closed) closed.addEventListener("toggle", () => enliven(box), { once: true });
    else enliven(box);
  });

  // ---- colours

  const themeButton = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const named = () => { themeButton.textContent = isDark() ? "Light colours" : "Dark colours"; };
  themeButton.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; named(); });
  named();
  [themeButton, ...document.querySelectorAll(".tools")].forEach((each) => { each.hidden = false; });
  root.dataset.ready = "yes";
  drawShown();

  // ---- print

  addEventListener("beforeprint", () => {
    document.querySelectorAll("details.folded, details.facts").forEach((each) => { each.open = true; });
    fits.forEach(({ fit }) => fit(PAPER));
    drawShown();
  });
  addEventListener("afterprint", () => fits.forEach(({ fit, scroll }) => fit(scroll.clientWidth)));
})();
