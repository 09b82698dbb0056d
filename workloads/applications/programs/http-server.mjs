// An HTTP server on a Unix socket: a body of 1,024 bytes for every request. SIGTERM ends it.
import { createServer } from 'node:http';

const BODY = Buffer.alloc(1024, 'x');

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: http-server.mjs SOCKET');
const server = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(BODY);
});
server.listen(path);
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
