// What Python sends: four bytes with the length of a head, the head in JSON (what is shown first), then a blob in the
// safetensors format: eight bytes with the length of its header, the header in JSON, the raw arrays.

/** @import { Arrays, Contents } from "./types.d.ts" */

const ARRAYS = { F64: Float64Array, F32: Float32Array, U8: Uint8Array };

/**
 * Read a blob; throws on anything that is not one.
 * @param {Uint8Array} bytes
 * @returns {Contents}
 */
export function readBlob(bytes) {
  const headLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const place = readJson(bytes.subarray(4, 4 + headLength));
  const buffer = bytes.slice(4 + headLength).buffer; // the bytes arrive at an odd offset; a typed array wants its own
  const headerLength = Number(new DataView(buffer).getBigUint64(0, true));
  const header = readJson(new Uint8Array(buffer, 8, headerLength));
  const start = 8 + headerLength;
  /** @type {Arrays} */
  const arrays = {};
  const { __metadata__: metadata, ...tensors } = header;
  for (const [name, tensor] of Object.entries(tensors)) arrays[name] = readArray(buffer, start, name, tensor);
  const spec = { ...JSON.parse(metadata.spec), ...place };
  for (const [name, value] of Object.entries(place.handles)) Object.assign(spec.tracks[name], { value });
  return { spec, arrays };
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
