// The blob: safetensors. Eight bytes with the length of the header, the header in JSON, then the raw arrays.

const ARRAYS = { F64: Float64Array, F32: Float32Array, U8: Uint8Array };

/** Bytes -> {spec, arrays}; an array is {data: typed array, shape: number[]}. Throws on anything that is not such a blob. */
function readBlob(bytes) {
  const buffer = bytes.slice().buffer; // the bytes arrive at an odd offset; a typed array wants its own
  const headerLength = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(buffer, 8, headerLength)));
  const start = 8 + headerLength;
  const arrays = {};
  const { __metadata__: metadata, ...tensors } = header;
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(tensors)) {
    if (start + to > buffer.byteLength) throw new RangeError(`${name} is cut short`);
    const data = new ARRAYS[dtype](buffer.slice(start + from, start + to));
    if (data.length !== shape.reduce((a, b) => a * b, 1)) throw new RangeError(`${name} does not fill its shape`);
    arrays[name] = { data, shape };
  }
  return { spec: JSON.parse(metadata.spec), arrays };
}
