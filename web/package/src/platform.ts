// What browsers, workers, Node, Deno and Bun do not have in common.

interface NodeProcess {
  getBuiltinModule?(name: string): unknown;
}

/** A module of Node's own, without an `import` that a bundler for the web would follow. */
export function nodeModule<T>(name: string): T | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  return process?.getBuiltinModule?.(name) as T | undefined;
}

/** `Symbol.dispose`, also where the engine is older than it; there `using` is compiled to the same symbol. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);

/** `f32x4` code with one relaxed operator: `(i8x16.relaxed_swizzle (i8x16.splat 1) (i8x16.splat 2))`. */
const RELAXED = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253,
  128, 2, 11,
]);

/** Whether this engine takes modules of the fast profile. Safari refuses a module for one relaxed operator. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED);
}
