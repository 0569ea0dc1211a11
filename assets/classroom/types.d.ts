// Every type of the class: what the hub says (pages/shared/classroom has the same), and what Python says of the page.

import type { Lie } from "../timeline/types.d.ts";

/** Where the teacher is. */
export interface State {
  lesson: string;
  query: string;
  shown: Record<string, Lie>;
  ended: boolean;
}

/** What the teacher alone hears. */
export interface Counts {
  here: number;
  following: number;
  lost: { lesson: string; t: number; count: number | null }[]; // null: fewer than five
  ended: boolean;
}

/** What only the answer to a teacher's start has. */
export interface Started {
  code: string;
  secret: string;
  link: string;
  qr: string;
}

/** What a tab remembers when it is loaded again. */
export type Kept = ({ role: "teacher" } & Started) | { role: "student"; code: string; follows: boolean };

/** What a teacher or a student needs of the page. */
export interface Page {
  lessons(): string[];
  go(place: { lesson: string; query: string }): void;
  draw(): void; // what is said of the class is another
  over(word: "ended" | "over"): void; // there is no class any more
}

/** What Python says of the page. */
export interface Data {
  code: string; // in the URL
  door: boolean; // the form of the start page, not the foot of the sidebar
  titles: Record<string, string>; // of the lessons, by their names in the URL
  words: Words;
}

export interface Words {
  class: string;
  start: string;
  join: string;
  join_now: string;
  door: string;
  code: string;
  joining: string;
  following: string;
  alone: string;
  again: string;
  lost: string;
  lost_said: string;
  leave: string;
  here: string;
  lost_here: string;
  lost_few: string;
  show: string;
  end: string;
  close: string;
  copy: string;
  copied: string;
  by_hand: string;
  scan: string;
  local: string; // in its place where nobody else can come
  qr: string;
  away: string;
  over: string;
  ended: string;
  refused: Record<string, string>; // by the hub's words
}
