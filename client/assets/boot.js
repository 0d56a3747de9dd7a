// Starts the page. It is a file of its own because the page runs no script that stands in its document (see
// server/src/edge/headers.rs); what to start it reads from the links by which trunk has the browser load it early.
const linked = (selector) => document.querySelector(selector).href;
const { default: start } = await import(linked("link[rel=modulepreload]"));
const wasm = await start({ module_or_path: linked("link[rel=preload][as=fetch]") });
dispatchEvent(new CustomEvent("TrunkApplicationStarted", { detail: { wasm } }));
