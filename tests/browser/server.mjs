// Serves folders of this machine to pages of a test, under the policy that the gateway sets for its own pages.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws:; worker-src 'self'";

const BLANK = '<!doctype html><html lang="en"><title>test</title><link rel="icon" href="data:,">';

/** Serves `/NAME/...` from each folder, and an empty page at `/`. */
export async function serve(folders) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    response.setHeader('content-security-policy', POLICY);
    if (path === '/') {
      response.setHeader('content-type', TYPES['.html']);
      return response.end(BLANK);
    }
    const [, name, ...rest] = path.split('/');
    const folder = Object.hasOwn(folders, name) ? folders[name] : undefined;
    const file = folder && join(folder, ...rest);
    const stat = file && statSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile()) {
      response.statusCode = 404;
      return response.end();
    }
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-length', stat.size);
    return createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
