// Loads the verifier from beside the page and shows the playground.

import { init } from "mote-web/slim";
import "./playground";

// Started early; whoever needs it waits for it and reports if it fails.
init({ wasmUrl: new URL("mote_web.wasm", import.meta.url) }).catch(() => undefined);
