// Relative places, and nothing that only a document has: what is built is loaded in Node.
export default { base: "./", build: { modulePreload: false, target: "es2022" } };
