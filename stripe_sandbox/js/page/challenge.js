/** 3-D Secure: the bank's page in a dialog over the shop's, until the buyer has answered it. */
import { callApi } from "../shared/api.js";

const SHEET = `
  dialog { box-sizing: border-box; width: min(30rem, calc(100vw - 1.5rem)); height: min(33rem, calc(100dvh - 1.5rem));
    max-width: none; max-height: none; padding: 0; border: 0; border-radius: 1rem; overflow: hidden;
    background: #fff; color: #1a2233; box-shadow: 0 1.5rem 4rem rgb(10 20 40 / .35); }
  dialog::backdrop { background: rgb(16 24 40 / .6); }
  dialog[open] { display: flex; flex-direction: column; animation: rise .18s ease-out; }
  header { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding: .5rem .5rem .5rem 1rem;
    border-bottom: 1px solid #e3e7ee; font: 600 .9375rem/1.4 system-ui, sans-serif; }
  button { font: inherit; font-weight: 500; color: #475467; background: none; border: 0; border-radius: .5rem;
    padding: .6rem .75rem; min-height: 2.75rem; cursor: pointer; }
  button:hover { background: #f2f4f7; }
  button:focus-visible { outline: 3px solid #0b5fd0; outline-offset: -3px; }
  iframe { flex: 1; width: 100%; border: 0; background: #f4f6f9; }
  @keyframes rise { from { opacity: 0; transform: translateY(.75rem); } }
  @media (prefers-color-scheme: dark) {
    dialog { background: #1b222d; color: #e9edf4; } header { border-color: #36404f; }
    button { color: #a7b1c2; } button:hover { background: #2a3342; } iframe { background: #12171f; }
  }
  @media (prefers-reduced-motion: reduce) { dialog[open] { animation: none; } }
`;
const TOLD = "stripe_sandbox.challenge";

/**
 * Shows the challenge and resolves when it is over; the intent then says how it ended. Closing the dialog fails it.
 * @param {import("../shared/api.js").Connection} connection
 * @param {string} url the bank's page, at the sandbox
 * @returns {Promise<void>}
 */
export async function challenge(connection, url) {
  const page = new URL(url);
  // The page may be reached at another name than the script was; only the script's is sure to be allowed here.
  const address = connection.base + page.pathname + page.search;
  const before = document.activeElement;
  const stage = document.createElement("div");
  const dialog = makeDialog(stage, address);
  document.body.append(stage);
  dialog.showModal();
  const completed = await answered(dialog, connection.base);
  if (!completed) await fail(connection, page);
  dialog.close();
  stage.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
}

/** A shadow tree keeps the shop's styles out, and an adopted sheet needs no 'unsafe-inline'. */
function makeDialog(stage, address) {
  const tree = stage.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(SHEET);
  tree.adoptedStyleSheets = [sheet];
  const dialog = document.createElement("dialog");
  const header = document.createElement("header");
  const heading = document.createElement("span");
  const cancel = document.createElement("button");
  const iframe = document.createElement("iframe");
  heading.id = "heading";
  heading.textContent = "Confirm with your bank";
  dialog.setAttribute("aria-labelledby", heading.id);
  cancel.type = "button";
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => dialog.dispatchEvent(new Event("cancel", { cancelable: true })));
  iframe.src = address;
  iframe.title = "3-D Secure";
  iframe.addEventListener("load", () => iframe.focus());
  header.append(heading, cancel);
  dialog.append(header, iframe);
  tree.append(dialog);
  return dialog;
}

/** Resolves with true when the bank's page says that it was answered, with false when the dialog was left. */
function answered(dialog, base) {
  return new Promise((resolve) => {
    const end = (result) => {
      window.removeEventListener("message", hear);
      resolve(result);
    };
    const hear = ({ origin, source, data }) => {
      const frame = dialog.querySelector("iframe").contentWindow;
      if (origin === base && source === frame && data?.type === TOLD) end(true);
    };
    window.addEventListener("message", hear);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(false);
    });
  });
}

async function fail(connection, page) {
  const secret = page.searchParams.get("client_secret");
  await callApi(connection, "POST", page.pathname, { client_secret: secret, outcome: "fail" });
}
