// Questions to the hub. Paths are relative, as all of the page's are: the server may live below a path of its own.

/**
 * What came of it: what was asked for, or why not, in one word.
 * @template [Answer=object]
 * @typedef {{ answer: Answer, refused: null } | { answer: null, refused: string }} Told
 */

/** No answer came. */
const UNREACHED = "network";
/** What who was in a class hears when it is no more, or was forgotten by a server that started anew. */
export const GONE = ["unknown", "ended", "secret", "attempts", "seats"];

/**
 * @template [Answer=object]
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Told<Answer>>}
 */
export async function post(path, body) {
  try {
    const answer = await fetch(`class/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    return answer.ok ? { answer: said, refused: null } : { answer: null, refused: said.error };
  } catch {
    return { answer: null, refused: UNREACHED };
  }
}
