// Every type of the timeline. The first part is the wire format: pages/shared/timeline writes it, blob.js reads it.
// The lint holds it against what Python writes for the golden scenes of tests/timeline.

// --- the wire -------------------------------------------------------------------------------------------------------

/** What was sent, read: what the whole has, and its pictures: one, or two beside each other. */
export interface Contents {
  spec: Spec;
  sides: Side[];
}

/** A picture: the JSON of its metadata, its arrays by name; which of its places is shown at each place of the slider. */
export interface Side {
  spec: Spec;
  arrays: Arrays;
  name: string; // empty where it is alone
  places: number[] | null; // null: the same
}

export type Values = Float64Array | Float32Array | Uint8Array;

/** One array, row by row; over the positions, its first axis is the position. */
export interface Stored {
  data: Values;
  shape: number[];
}

export type Arrays = Record<string, Stored>;

export interface Spec {
  positions: number[]; // the t of each place of the slider, in playing order
  labels: Labels;
  tracks: Record<string, TrackSpec>;
  panels: PanelSpec[];
  position: number; // the place shown first
  pick: number; // what is picked first
  pick_kind: PickKind | null; // what a click picks; null: nothing
  pick_count: number;
  autoplay: boolean;
  key: string; // of the channel to its ear
  handles: Record<string, number>; // where draggable tracks lie, if not where their specs say
  view: View;
  jump: number; // another number: Python asks for another place than the one shown
  names: string[]; // the URL's parameters that say where a hand left it
  ramps: Ramps;
}

/** How it is shown: over the whole window or on the page, which panels then (none: those that fit), covered or not. */
export interface View {
  stage: boolean;
  panels: number[];
  cover: boolean;
  stops: number[]; // positions where a play halts, rising
}

export type PickKind = "point" | "element";

export interface Labels {
  timestep: string; // its last word is the symbol
  play: string;
  pause: string;
  back: string;
  forward: string;
  speed: string;
  pick: string;
  keys: string;
  close: string;
  key_step: string;
  key_stop: string;
  key_end: string;
  key_play: string;
  key_keys: string;
  key_cover: string;
  key_leave: string;
  stage: string;
  all: string;
  alone: string;
  away: string;
  uncover: string;
  describe: string;
  say_equals: string;
  say_plus: string;
  say_minus: string;
  say_times: string;
  say_divided: string;
  say_give: string;
  say_star: string;
  say_given: string;
  say_negative: string;
  say_bar: string;
  say_tilde: string;
  say_hat: string;
  say_sub: string;
  say_power: string;
  say_squared: string;
  say_over: string;
  say_root: string;
  say_points: string;
  say_picked: string;
  say_pictures: string;
  say_pixel: string;
  say_histogram: string;
  say_mark: string;
  say_curve: string;
  say_value: string;
  say_lit: string;
  say_rest: string;
  say_now: string;
}

/** The colours of a density, from none to most. */
export interface Ramps {
  light: string[];
  dark: string[];
}

/** A track, so many positions later. */
export type Reference = [name: string, shift: number];

// Below, `values`, `a`, `b` and the parts of a mixture are names of arrays.

export type TrackSpec = ConstantSpec | FramesSpec | PackedSpec | AffineSpec | ProductSpec | DraggableSpec | ShiftedSpec;

export interface ConstantSpec {
  kind: "constant";
  values: string; // (n, ...)
}

export interface FramesSpec {
  kind: "frames";
  values: string; // (P, n, ...)
  whole?: boolean; // one integer a position
}

/** scale * byte + offset. */
export interface PackedSpec {
  kind: "packed";
  values: string; // (P, n, ...)
  scale: number;
  offset: number;
}

/** a_p first + b_p second. */
export interface AffineSpec {
  kind: "affine";
  a: string; // (P,)
  b: string; // (P,)
  first: Reference;
  second: Reference;
}

export interface ProductSpec {
  kind: "product";
  first: Reference;
  second: Reference;
}

export interface DraggableSpec {
  kind: "draggable";
  value: number;
  low: number; // as far as a hand can move it
  high: number;
}

export interface ShiftedSpec {
  kind: "shifted";
  of: Reference;
}

/** The density of a_p x_0 + N(0, noise_variance_p I), x_0 from sum_k weights_k N(means_k, variances_k I). */
export interface MixtureSpec {
  weights: string; // (K,)
  means: string; // (K, d)
  variances: string; // (K,)
  a: string; // (P,)
  noise_variance: string; // (P,)
}

/** A live number: a scalar track, or a track at what is picked. */
export interface ProbeSpec {
  track: string;
  component: number; // of a picked point
  decimals: string | null; // a scalar track
}

export type LayerSpec = DensitySpec | DensityFramesSpec | FieldSpec | PointsSpec | PathSpec | StepSpec;

export interface DensitySpec {
  kind: "density";
  mixture: MixtureSpec;
}

export interface DensityFramesSpec {
  kind: "density_frames";
  values: string; // (P, G, G)
  top: number | null; // what is brightest; null: the largest value of each frame
}

/** Arrows: eps* of a mixture, or stored ones. */
export interface FieldSpec {
  kind: "field";
  color: string;
  mixture?: MixtureSpec;
  values?: string; // (P, g, g, 2)
}

export interface PointsSpec {
  kind: "points";
  track: string;
  color: string;
  size: number; // CSS pixels
  opacity: number;
  label: string | null;
}

export interface PathSpec {
  kind: "path";
  track: string;
  color: string;
}

/** A step of the way back: tracks of points, and sigma, one number or one a coordinate. */
export interface StepSpec {
  kind: "step";
  x_t: string;
  x0_hat: string;
  mean: string;
  x_s: string;
  sigma: string;
  colors: [x_s: string, x0_hat: string, mean: string];
}

export type PanelSpec =
  | PlaneSpec
  | ImagesSpec
  | HistogramSpec
  | CurvesSpec
  | LinesSpec
  | SharesSpec
  | DiagramSpec
  | WaterfallSpec
  | FormulaSpec
  | NumbersSpec;

/** What a panel with a picture has. */
export interface PictureSpec {
  title: string;
  weight: number; // its share of a row
}

export interface PlaneSpec extends PictureSpec {
  kind: "plane";
  layers: LayerSpec[];
  domain: Interval;
}

export type Interval = [low: number, high: number];

export interface ImagesSpec extends PictureSpec {
  kind: "images";
  track: string;
  height: number;
  width: number;
  channels: number; // 1 or 3
  columns: number;
  value_range: Interval; // from black to white
  captions: string[] | null;
}

export interface HistogramSpec extends PictureSpec {
  kind: "histogram";
  track: string;
  bins: number;
  domain: Interval;
  mixture: MixtureSpec | null;
  component: number | null; // null: all of them
  color: string;
  mark: string | null; // a scalar track
  top: string | null; // (P,)
}

export interface CurvesSpec extends PictureSpec {
  kind: "curves";
  domain: string | { reach: number }; // (P, 2); or what fits, at most from -reach to reach
  series: (CurveSpec | BellSpec)[];
  handles: HandleSpec[];
}

export interface LookSpec {
  label: string;
  color: string;
  dash: boolean;
}

export interface CurveSpec extends LookSpec {
  values: string; // (P, M)
}

export interface BellSpec extends LookSpec {
  mean: string; // a scalar track
  variance: string; // a scalar track
}

export interface HandleSpec {
  track: string;
  label: string;
  color: string;
}

export interface LinesSpec extends PictureSpec {
  kind: "lines";
  series: LineSpec[];
  log_y: boolean;
}

/** Parts of one bar; at each position they add up to 1. */
export interface SharesSpec extends PictureSpec {
  kind: "shares";
  series: LineSpec[];
}

/** Boxes and arrows, in units of the diagram; y grows downwards. */
export interface DiagramSpec extends PictureSpec {
  kind: "diagram";
  size: number[]; // width, height
  phases: Record<string, string>; // (P,), how much is lit, from 0 to 1
  boxes: BoxSpec[];
  arrows: ArrowSpec[];
}

export interface BoxSpec {
  at: number[]; // x, y of its middle
  size: number[]; // width, height
  name: string;
  note: string;
  color: string;
  phase: string; // "": always lit
  form: string; // plain, narrow or wide: a network that gets narrower or wider to the right
  says: string;
}

export interface ArrowSpec {
  points: number[][];
  phase: string;
  label: string;
  dash: boolean;
}

/** Pieces that follow one another from 0 to their sum; others at each position. */
export interface WaterfallSpec extends PictureSpec {
  kind: "waterfall";
  pieces: PieceSpec[][]; // those of each position
  kinds: { label: string; color: string }[];
  marks: LineSpec[]; // levels across
}

export interface PieceSpec {
  value: number;
  label: string;
  kind: number;
}

export interface LineSpec extends LookSpec {
  values: string; // (P,), NaN where there is nothing
}

export interface FormulaSpec {
  kind: "formula";
  mathml: string | string[]; // <mn>{{name}}</mn> is live; one for all positions, or one for each
  values: Record<string, ProbeSpec>;
  title: string | null;
}

export interface NumbersSpec {
  kind: "numbers";
  rows: RowSpec[];
  title: string | null;
}

export interface RowSpec {
  label: string;
  value: ProbeSpec;
  color: string | null;
}

// --- in the browser -------------------------------------------------------------------------------------------------

/** A track read at some shift. `at` gives all of its values, valid until it is read again; `value` one of them. */
export interface TrackNode {
  shape: number[];
  size: number;
  width: number; // numbers a point
  whole?: boolean;
  at(p: number): Values;
  value(p: number, i: number): number;
  set?(value: number): void; // where a hand may drag it
}

export interface Tracks {
  get(name: string): TrackNode;
  dragged(): Record<string, number>; // the draggable numbers by name
  move(values: Record<string, number>): void; // those of them that are here
}

/** What all panels share: the data, the place, and what is picked. */
export interface Stage {
  arrays: Arrays;
  positions: number[];
  labels: Labels;
  tracks: Tracks;
  kind: PickKind | null;
  position: number;
  pick: number;
  theme: Theme;
  picks(kind: PickKind): boolean;
  setPick(pick: number): void;
  together(axis: string, own: () => number[]): () => number[]; // with those of the panel beside, for one scale
  drag(track: string, value: number): void;
  drop(): void;
}

/** What of it is the same for both sides; `position` is the slider's. */
export type Common = Omit<Stage, "arrays" | "positions" | "tracks" | "together">;

export type Numbers = Record<string, Values>;

/** `draw` shows position p; `fresh` says that size or theme may be others. `numbers` are those drawn last. */
export interface Panel {
  draw(p: number, fresh: boolean): void;
  numbers(): Numbers;
}

export interface Layer {
  below?: boolean; // under the axes
  dots?: Dots;
  draw(p: number, view: PlaneView): void;
  numbers(): Numbers;
}

/** Points that can be picked. */
export interface Dots {
  points: TrackNode;
  color: string;
}

export interface Theme {
  background: string;
  text: string;
  muted: string;
  faint: string;
  dark: boolean;
  font: string;
  fontSize: number; // CSS pixels
  scale: number; // of lines, dots and margins
  ramp: Uint32Array; // 256 words of an ImageData
  floor: string; // the colour of no density
}

/** A canvas ready to be drawn on, with its size in CSS pixels. */
export interface CanvasView {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
}

/** A plane, and where its x and y lie. */
export interface PlaneView {
  context: CanvasRenderingContext2D;
  width: number;
  low: number;
  high: number;
  x(value: number): number;
  y(value: number): number;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A chart, and the box between its axes. */
export interface ChartView extends CanvasView {
  theme: Theme;
  box: Box;
}

export type Tick = [value: number, label: string];

export interface Axis {
  low: number;
  high: number;
  ticks: Tick[];
}

export interface Scales {
  toX(value: number): number;
  toY(value: number): number;
}

/** What Python was told last. */
export interface Sent {
  t: number;
  position: number;
  pick: number;
}

export type Tell = (name: string, value: unknown) => void;

/** The element that holds a timeline; tests read `timeline`. */
export interface TimelineRoot extends HTMLDivElement {
  timeline?: Hooks;
}

export interface Hooks {
  positions: number[];
  timings: number[]; // ms of each redraw
  panels: Panel[];
  readonly pick: number;
  draw(position: number): void;
  read(track: string, side?: number): Float64Array;
  numbers(panel: number): Numbers;
}

/** Where a timeline lies and what it does: what the whole of a class can be shown. */
export interface Lie {
  t: number;
  position: number; // where t comes twice
  pick: number;
  handles: Record<string, number>;
  playing: boolean;
  speed: number;
}

/** A timeline as another script of the page sees it. */
export interface Led {
  key(): string;
  names(): string[]; // the URL's parameters that say where it lies
  positions(): number[];
  lie(): Lie;
  follow(lie: Lie): void; // lie there, without a word to Python
  report(): void; // tell Python where one lies, if that was not one's own hand
}

/** What Streamlit hands to a component. */
export interface Mounting<Data> {
  parentElement: HTMLElement;
  data: Data;
  setStateValue: Tell;
  setTriggerValue: Tell;
}
