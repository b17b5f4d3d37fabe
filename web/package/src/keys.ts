import { KeyRing } from "./generated/mote_web.js";
import { MoteError } from "./error.js";
import { asking } from "./verifier.js";

/** The public keys that a page trusts. Build them into the page, or serve them from where the page comes from. */
export class Keys {
  /** The lines of the key files. */
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /**
   * Public key files, as `mote keygen` writes them beside the secret ones: text, or a file's bytes.
   * A malformed line is refused when the keys are first used.
   */
  static from(files: string | Uint8Array | readonly (string | Uint8Array)[]): Keys {
    const list: readonly (string | Uint8Array)[] = typeof files === "string" || files instanceof Uint8Array ? [files] : files;
    const text = list.map((file) => (typeof file === "string" ? file : new TextDecoder().decode(file))).join("\n");
    if (/^\s*mote-secret-/m.test(text)) {
      throw new MoteError("key.secret", "this is a secret key", "pass FILE.pub; and make a new key if this one was ever served");
    }
    return new Keys(text);
  }

  /** @internal Must be freed. */
  ring(): KeyRing {
    return asking(() => new KeyRing(this.text));
  }
}
