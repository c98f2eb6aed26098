// What node programs do with memory; every line printed depends on the data alone.
'use strict';
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');

const digest = (value) => crypto.createHash('sha256').update(value).digest('hex').slice(0, 16);

function objects(seed) {
  const map = new Map();
  for (let n = 0; n < 60000; n++) map.set(`key${(n * 7919 + seed) % 100003}`, { n, list: [n, n + 1, String(n)] });
  const copy = JSON.parse(JSON.stringify([...map]));
  return digest(JSON.stringify(copy));
}

// Buffers above the pool's size are blocks of the process's malloc.
function buffers(seed) {
  const kept = [];
  const hash = crypto.createHash('sha256');
  for (let n = 0; n < 3000; n++) {
    const buffer = Buffer.alloc(4096 + ((n * 131 + seed) % 60000), n % 251);
    hash.update(buffer);
    if (n % 10 === 0) kept.push(buffer);
    if (kept.length > 100) kept.splice(0, 50);
  }
  return hash.digest('hex').slice(0, 16);
}

function compression(seed) {
  const text = Array.from({ length: 20000 }, (_, n) => `line ${n * seed} of the text`).join('\n');
  const rounds = [1, 6, 9].map((level) => zlib.gunzipSync(zlib.gzipSync(text, { level })).toString() === text);
  return `${rounds} ${digest(zlib.brotliDecompressSync(zlib.brotliCompressSync(text, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } })))}`;
}

const all = (seed) => [objects(seed), buffers(seed), compression(seed)].join(' ');

function startWorker(seed) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: seed });
    let answer;
    worker.on('message', (message) => { answer = message; });
    worker.on('error', reject);
    worker.on('exit', (code) => resolve(`worker ${seed}: ${answer.text} ${digest(answer.bytes)} exit ${code}`));
  });
}

async function main() {
  console.log('main:', all(1));
  const results = await Promise.all([2, 3, 4, 5].map(startWorker));
  results.forEach((line) => console.log(line));
  // Isolates start and end again and again.
  for (let round = 0; round < 3; round++) console.log((await Promise.all([6, 7].map(startWorker))).join('; '));
  const deflated = await Promise.all(Array.from({ length: 40 }, (_, n) => new Promise((resolve, reject) => {
    zlib.deflate(Buffer.alloc(100000, n), (error, bytes) => (error ? reject(error) : resolve(digest(bytes))));
  })));
  console.log('thread pool:', digest(deflated.join()));
}

if (isMainThread) {
  main();
} else {
  const bytes = Buffer.alloc(1 << 20, workerData);
  const text = workerData < 6 ? all(workerData) : buffers(workerData);
  parentPort.postMessage({ text, bytes }, [bytes.buffer]);
}
