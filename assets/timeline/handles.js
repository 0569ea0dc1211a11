// Handles: numbers that hang from the axis of x; a draggable one can be taken hold of there.

/** @import { Axis, Box, ChartView, HandleSpec, Scales, Stage, TrackNode } from "./types.d.ts" */

import { MARGIN } from "./chart.js";
import { MATH } from "./font.js";
import { slanted } from "./math.js";
import { isDark, withAlpha } from "./theme.js";

const GRIP = 22; // CSS pixels around a handle where a finger holds it

/** @typedef {HandleSpec & { node: TrackNode }} Handle */

/**
 * A handle: a dotted line down to a disc with its name; the disc is full where it can be dragged.
 * @param {ChartView} view
 * @param {Handle} handle
 * @param {number} x
 */
export function drawGrip({ context, theme, box }, { node, label, color }, x) {
  const at = Math.min(box.right, Math.max(box.left, x));
  const { scale } = theme;
  const middle = box.bottom + (MARGIN.bottom + 17) * scale;
  context.strokeStyle = withAlpha(color, 0.8);
  context.lineWidth = 1.5 * scale;
  context.setLineDash([2, 4]);
  context.beginPath();
  context.moveTo(at, box.top);
  context.lineTo(at, middle);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  context.arc(at, middle, 15 * scale, 0, 2 * Math.PI);
  context.fillStyle = node.set ? color : theme.background;
  context.fill();
  context.strokeStyle = node.set ? theme.background : color;
  context.lineWidth = 2;
  context.stroke();
  const [letter, index = ""] = label.split("_");
  context.fillStyle = node.set ? (isDark(color) ? "#fff" : "#000") : theme.text;
  context.textBaseline = "middle";
  context.textAlign = index ? "right" : "center";
  context.font = `${theme.fontSize + 5}px "${MATH}", serif`;
  context.fillText(slanted(letter), at + (index ? 2 * scale : 0), middle - scale);
  context.textAlign = "left";
  context.font = `${theme.fontSize - 1}px "${MATH}", serif`;
  context.fillText(index, at + 3 * scale, middle + 5 * scale);
}

/**
 * Drag the nearest handle; Python hears of it when the hand lets go.
 * @param {HTMLElement} frame
 * @param {Stage} stage
 * @param {Handle[]} handles
 * @param {() => { scales: Scales, box: Box, x: Axis } | null} drawn the axis as drawn last
 * @returns {() => boolean} whether a hand holds one
 */
export function takeHold(frame, stage, handles, drawn) {
  const movable = handles.filter((one) => one.node.set);
  if (!movable.length) return () => false;
  /** @type {Handle | null} */
  let held = null;
  const left = (/** @type {PointerEvent} */ event) => event.clientX - frame.getBoundingClientRect().left;

  /** @returns {Handle | null} */
  function within(/** @type {PointerEvent} */ event) {
    const toX = drawn()?.scales.toX ?? (() => Infinity);
    const distances = movable.map((one) => Math.abs(toX(one.node.value(stage.position, 0)) - left(event)));
    const nearest = Math.min(...distances);
    return nearest <= GRIP ? movable[distances.indexOf(nearest)] : null;
  }

  function move(/** @type {PointerEvent} */ event) {
    frame.style.cursor = held ? "grabbing" : within(event) ? "grab" : "";
    const last = drawn();
    if (!held || !last) return;
    const { box, x } = last;
    const share = Math.min(1, Math.max(0, (left(event) - box.left) / (box.right - box.left)));
    stage.drag(held.track, Number((x.low + share * (x.high - x.low)).toFixed(2)));
  }

  function drop() {
    if (!held) return;
    held = null;
    stage.drop();
  }

  frame.style.touchAction = "pan-y";
  frame.addEventListener("pointerdown", (event) => {
    held = within(event);
    if (held) frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", move);
  frame.addEventListener("pointerup", drop);
  frame.addEventListener("pointercancel", drop);
  return () => held !== null;
}
