// What the bundler turns into values.
declare module "*.gz" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

declare module "*.txt" {
  const text: string;
  export default text;
}
