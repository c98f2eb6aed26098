// Works on the same data as often as the argument says; prints one digest a round, always the same.
'use strict';
const { Worker, isMainThread, parentPort } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');

function oneRound() {
  const hash = crypto.createHash('sha256');
  const kept = [];
  for (let n = 0; n < 6000; n++) {
    const buffer = Buffer.from(`record ${n} `.repeat(1 + ((n * 131) % 700)));
    if (n % 16 === 0) hash.update(buffer);
    kept.push(buffer);
    if (kept.length > 800) kept.splice((n * 17) % 400, 300);
  }
  const records = Array.from({ length: 15000 }, (_, n) => ({ id: n, name: `name ${(n * 7919) % 10007}`, list: [n, n + 1] }));
  const text = JSON.stringify(JSON.parse(JSON.stringify(records)));
  hash.update(text);
  for (let part = 0; part < 150; part++) {
    const slice = text.slice(part * 2000, part * 2000 + 4000);
    hash.update(zlib.inflateSync(zlib.deflateSync(slice, { level: 3 })));
  }
  for (let n = 0; n < 3000; n++) hash.update(crypto.createHmac('sha256', `key ${n}`).update(text.slice(n, n + 200)).digest());
  return hash.digest('hex');
}

function inWorker() {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename);
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

async function main(rounds) {
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.all([inWorker(), inWorker(), Promise.resolve().then(oneRound)]);
    console.log(answers.every((one) => one === answers[0]) ? answers[0] : `answers differ: ${answers}`);
  }
}

if (isMainThread) main(Number(process.argv[2]));
else parentPort.postMessage(oneRound());
