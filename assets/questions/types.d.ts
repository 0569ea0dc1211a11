// Every type of a question. The first part is the wire format: pages/shared/questions writes it.

// --- the wire -------------------------------------------------------------------------------------------------------

/** A small picture: curves over x, at even places, and points. */
export interface Sketch {
  x: Interval;
  y: Interval;
  curves: Look<number[]>[];
  points: Look<Place[]>[];
}

export type Interval = [low: number, high: number];
export type Place = [x: number, y: number];

export interface Look<Values> {
  name: string;
  color: string;
  values: Values;
}

export type Form = ChoiceForm | NumberForm | CurveForm | PointForm;

export interface ChoiceForm {
  kind: "choice";
  options: (Sketch | string)[];
  shown: Sketch | null;
}

export interface NumberForm {
  kind: "number";
  low: number;
  high: number;
  shown: Sketch | null;
}

export interface CurveForm {
  kind: "curve";
  places: number; // of x, evenly from end to end
  shown: Sketch;
}

export interface PointForm {
  kind: "point";
  shown: Sketch;
}

/** What is true, once it is out; which of these there is goes by the form. */
export interface Revealed {
  option?: number;
  value?: number;
  curve?: number[];
  point?: Place;
  within?: number;
}

export type Answer = number | number[];

export interface Data {
  says: string;
  form: Form;
  answer: Answer | null; // what was answered; null: nothing yet
  revealed: Revealed | null;
  labels: Labels;
}

export interface Labels {
  answer: string;
  draw: string;
  drag: string;
  option: string;
  number: string;
  yours: string;
  true: string;
}

// --- in the browser -------------------------------------------------------------------------------------------------

/** How a form is asked: what it shows, and what is answered now; null: not yet. */
export interface Asking {
  element: Element;
  answer(): Answer | null;
}
