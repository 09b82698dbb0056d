// Makes a number of requests over so many kept-alive connections, each as soon as the answer before it has come; prints how
// many in which time. Any answer but a whole 200 ends it with an error.
import { Agent, request } from 'node:http';

const LIMIT_MS = 60_000;

const [socketPath, requests, connections] = process.argv.slice(2);
if (connections === undefined) throw new Error('usage: http-load.mjs SOCKET REQUESTS CONNECTIONS');
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });

function once() {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, agent, path: '/' }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () =>
        response.complete && response.statusCode === 200
          ? resolve()
          : reject(new Error(`answer ${response.statusCode}`)),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

setTimeout(() => {
  throw new Error(`not done after ${LIMIT_MS} ms`);
}, LIMIT_MS).unref();

let left = Number(requests);
async function client() {
  while (left > 0) {
    left--;
    await once();
  }
}
const began = process.hrtime.bigint();
await Promise.all(Array.from({ length: Number(connections) }, client));
const durationNs = Number(process.hrtime.bigint() - began);
agent.destroy();
console.log(`{"done":${Number(requests)},"durationNs":${durationNs}}`);
