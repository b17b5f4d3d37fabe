import { MoteError } from "./error.js";

/** Element types of tensors. */
export type DType = "f32" | "f64" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "bool" | "f16" | "bf16";

/** One input or output: dense, row-major. */
export interface TensorCard {
  name: string;
  dtype: DType;
  shape: number[];
  /** Address in linear memory. */
  offset: number;
  bytes: number;
}

/** One way to call a model. */
export interface EntryCard {
  /** Rows that a call takes. */
  batch: number;
  /** Multiply-accumulate operations of a call. */
  macs: number;
  /** Upper bound on scalar operations of a call. */
  ops: number;
  inputs: TensorCard[];
  outputs: TensorCard[];
}

/** What a model says of itself. */
export interface Card {
  abi: number;
  name: string;
  version: number;
  /** How the code was written: `strict-v8`, `fast-v8`. */
  flavour: string;
  /** SHA-256 of the guest image, where kernels of it were linked. */
  image?: string;
  plan: { offset: number; length: number };
  memory: { pages: number; arena_offset: number };
  entries: EntryCard[];
  /** Class names of the first output's last axis. */
  labels?: string[];
  /** Outputs that are carried to inputs of the next call; zero at first. */
  state?: { input: string; output: string }[];
  compiler: string;
  /** SHA-256 of the source file. */
  source: string;
  /** Window length in samples, for models fed from a stream. */
  window?: number;
  /** Samples between windows. */
  hop?: number;
  /** Decision threshold. */
  threshold?: number;
}

/** The guest boundary that this package speaks. */
const ABI = 1;

/** Reads the Card of a module and holds the module to what every Mote module is: free of imports, with three exports. */
export function readCard(module: WebAssembly.Module): Card {
  const imports = WebAssembly.Module.imports(module);
  if (imports[0]) {
    const { module: from, name } = imports[0];
    throw new MoteError("module.imports", `the module asks for ${from}.${name}; a model asks for nothing`);
  }
  const exported = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  for (const [name, kind] of [["memory", "memory"], ["mote_abi", "global"], ["mote_infer", "function"]] as const) {
    if (exported.get(name) !== kind) throw new MoteError("module.exports", `the module exports no ${kind} ${name}`);
  }
  const [section, second] = WebAssembly.Module.customSections(module, "mote.card");
  if (!section || second) throw new MoteError("module.card", "the module has not exactly one card");
  let card: Card;
  try {
    card = JSON.parse(new TextDecoder().decode(section)) as Card;
  } catch (cause) {
    throw new MoteError("module.card", "the card is no JSON", undefined, cause);
  }
  if (card.abi !== ABI) {
    throw new MoteError("module.abi", `the module speaks boundary version ${card.abi}, this package ${ABI}`, "update the package");
  }
  if (!Array.isArray(card.entries) || card.entries.length === 0) throw new MoteError("module.card", "the card lists no entry");
  return card;
}
