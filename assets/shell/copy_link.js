// Copies the address of the view on screen, language included. Where the browser keeps its clipboard from us
// (plain http on a local network), the address is shown, selected, to be copied by hand.
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const field = parentElement.querySelector("input");
  const say = parentElement.querySelector("[role=status]");
  button.querySelector("span").textContent = data.label;
  button.onclick = async () => {
    const url = new URL(window.location.href);
    url.searchParams.set("lang", data.lang);
    field.value = url.href;
    try {
      await navigator.clipboard.writeText(url.href);
      field.hidden = true;
      say.textContent = data.copied;
    } catch {
      field.hidden = false;
      field.select();
      say.textContent = data.by_hand;
    }
    setTimeout(() => (say.textContent = ""), 4000);
  };
}
