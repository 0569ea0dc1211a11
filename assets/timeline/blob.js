// What Python sends: four bytes with the length of a head, the head in JSON (what is shown first), then a blob in the
// safetensors format: eight bytes with the length of its header, the header in JSON, the raw arrays. Where two pictures
// stand beside each other, the head says how long the first one's blob is, and the other's follows.

/** @import { Arrays, Contents, Side } from "./types.d.ts" */

const ARRAYS = { F64: Float64Array, F32: Float32Array, U8: Uint8Array };

/**
 * Read a blob; throws on anything that is not one.
 * @param {Uint8Array} bytes
 * @returns {Contents}
 */
export function readBlob(bytes) {
  const headEnd = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const { beside, ...first } = readJson(bytes.subarray(4, headEnd));
  const cuts = beside ? [headEnd, headEnd + beside.length, bytes.length] : [headEnd, bytes.length];
  const sides = cuts.slice(1).map((end, i) => {
    return { name: "", places: null, ...readPicture(bytes, cuts[i], end), ...beside?.sides[i] };
  });
  for (const { spec } of sides) {
    for (const [name, value] of Object.entries(first.handles))
      if (name in spec.tracks) Object.assign(spec.tracks[name], { value });
  }
  const [{ spec }] = sides;
  return { spec: { ...spec, ...first, ...(beside && { positions: beside.positions }) }, sides };
}

/**
 * @param {Uint8Array} bytes
 * @param {number} from where its blob begins
 * @param {number} to
 */
function readPicture(bytes, from, to) {
  const buffer = bytes.slice(from, to).buffer; // the bytes arrive at an odd offset; a typed array wants its own
  const headerLength = Number(new DataView(buffer).getBigUint64(0, true));
  const header = readJson(new Uint8Array(buffer, 8, headerLength));
  const start = 8 + headerLength;
  /** @type {Arrays} */
  const arrays = {};
  const { __metadata__: metadata, ...tensors } = header;
  for (const [name, tensor] of Object.entries(tensors)) arrays[name] = readArray(buffer, start, name, tensor);
  return { spec: JSON.parse(metadata.spec), arrays };
}

function readJson(/** @type {Uint8Array} */ bytes) {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

/**
 * @param {ArrayBuffer} buffer
 * @param {number} start where the first array begins
 * @param {string} name
 * @param {{ dtype: keyof typeof ARRAYS, shape: number[], data_offsets: [number, number] }} tensor
 */
function readArray(buffer, start, name, { dtype, shape, data_offsets: [from, to] }) {
  if (start + to > buffer.byteLength) throw new RangeError(`${name} is cut short`);
  const data = new ARRAYS[dtype](buffer.slice(start + from, start + to));
  if (data.length !== shape.reduce((a, b) => a * b, 1)) throw new RangeError(`${name} does not fill its shape`);
  return { data, shape };
}
