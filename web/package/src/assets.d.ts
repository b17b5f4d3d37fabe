// What the bundler turns into values.
declare module "*.wasm" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

declare module "*.txt" {
  const text: string;
  export default text;
}
