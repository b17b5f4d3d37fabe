// The twin, as a plain object.

import type { FleetMachine } from "../generated/mote_web.js";

/** What a device says of itself. */
export interface FleetStatus {
  /** Where its update is: `idle`, `fetch`, `trial`, `committed`, `failed`, ... */
  state: string;
  /** The version that answers. */
  version: bigint | null;
  /** SHA-256 of its release document. */
  release: string | null;
  /** The lowest version that the device still runs. */
  floor: bigint;
  /** Chunks held of all chunks, during a transfer. */
  progress: { held: number; total: number } | null;
  /** The state in which the last update ended without success, and why, by the codes of twins. */
  failure: { stage: string; code: number } | null;
  /** Since the device was made. */
  counters: { committed: number; failed: number; refused: number };
}

export function statusOf(machine: FleetMachine): FleetStatus {
  const { status } = machine;
  const { state, version, release, floor, held, total, failedIn, failureCode, committed, failed, refused } = status;
  status.free();
  return {
    state,
    version: version ?? null,
    release: release ?? null,
    floor,
    progress: held === undefined || total === undefined ? null : { held, total },
    failure: failedIn === undefined || failureCode === undefined ? null : { stage: failedIn, code: failureCode },
    counters: { committed, failed, refused },
  };
}
