// An application; entry.js, which names the package's entry, is written by the test.
import { Keys, Model } from "./entry.js";

globalThis.openModel = async (sealed, keys) => (await Model.open(sealed, Keys.from(keys))).release.model;
