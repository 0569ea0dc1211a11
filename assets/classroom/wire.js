// The stream of a class. The browser comes back by itself where the network fails, but not where it got another answer
// than a stream, from a proxy, say, while the server starts anew: then the class is asked, and another stream is opened.

/** @import { Told } from "./post.js" */

import { GONE } from "./post.js";

const SOONEST = 1000; // ms
const LATEST = 3000; // ms: not all at once

export class Wire {
  /**
   * @param {string} url
   * @param {object} after
   * @param {(event: any) => void} after.heard
   * @param {(connected: boolean) => void} after.changed
   * @param {() => Promise<Told>} after.again asks the class whether one may come back
   * @param {() => void} after.gone there is no class any more
   */
  constructor(url, after) {
    this.url = url;
    this.after = after;
    /** @type {EventSource | null} */
    this.source = null;
    this.timer = 0;
  }

  open() {
    this.close();
    const source = new EventSource(this.url);
    this.source = source;
    source.onmessage = ({ data }) => {
      this.after.changed(true);
      this.after.heard(JSON.parse(data));
    };
    source.onerror = () => {
      this.after.changed(false);
      if (source.readyState === EventSource.CLOSED && this.source === source) this.later();
    };
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.comeBack(), SOONEST + Math.random() * (LATEST - SOONEST));
  }

  async comeBack() {
    const { refused } = await this.after.again();
    if (!this.source) return; // closed meanwhile
    if (!refused) this.open();
    else if (GONE.includes(refused)) this.after.gone();
    else this.later();
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
