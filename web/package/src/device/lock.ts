// One page at a time runs a device: two would take each other's connection and write each other's record.

import { MoteError } from "../error.js";

/** Held until it is released, or the page is gone. */
export interface Lock {
  release(): void;
}

/** Takes the lock of this name. Where there are no locks, such as on pages without TLS, it is up to the user. */
export function takeLock(name: string): Promise<Lock> {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return Promise.resolve({ release() {} });
  return new Promise((resolve, reject) => {
    const request = locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) return reject(new MoteError("fleet.taken", `another page runs ${name}`, "close it, or name this device otherwise"));
      return new Promise<void>((release) => resolve({ release }));
    });
    request.catch(reject);
  });
}
