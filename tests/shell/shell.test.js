// The shell's pure parts: the names in class names and addresses, the address on paper, words exchanged, labels read.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readable } from "../../assets/shell/mend.js";
import { paperAddress } from "../../assets/shell/paper.js";
import { nameIn, nameOf } from "../../assets/shell/parts.js";
import { exchanged } from "../../assets/shell/words.js";

test("the name of a part stands in its class name", () => {
  assert.equal(nameIn("stExpander st-key-open_schedules st-emotion-cache-1"), "schedules");
  assert.equal(nameIn("st-key-entry_E17"), "E17");
  for (const none of ["", "st-key-controls", "st-key-reopen_x", "st-key-head_E17"]) assert.equal(nameIn(none), "");
});

test("an address that ends with a name opens there; other ends are none", () => {
  assert.equal(nameOf("#E17"), "E17");
  for (const none of ["", "#", "#print", "#a b", "#<b>", "E17"]) assert.equal(nameOf(none), "");
});

test("what is printed has all sections open, light colours, and keeps its view", () => {
  const url = new URL(paperAddress("http://here/add_noise?t=7&open=-formula#E2", "zh"));
  assert.equal(url.pathname, "/add_noise");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    t: "7",
    open: "all",
    lang: "zh",
    embed_options: "light_theme",
  });
  assert.equal(url.hash, "#print");
});

test("a text is exchanged where all of it is known", () => {
  const words = { Zoom: "框选放大", "Zoom in": "放大", "{}MB per file": "每个文件不超过 {}MB", Open: "$&" };
  assert.equal(exchanged(" Zoom in\n", words), " 放大\n");
  assert.equal(exchanged("5MB per file", words), "每个文件不超过 5MB");
  assert.equal(exchanged("Open", words), "$&");
  for (const other of ["", "Zoomed", "Zoom in x", "MB per file", "toString"])
    assert.equal(exchanged(other, words), null);
});

test("a label is read without its dollars", () => {
  assert.equal(readable("$x_0$ of $\\tilde{\\beta}_t^2$"), "x 0 of tilde beta t to the 2");
  assert.equal(readable("Seed"), "Seed");
});
