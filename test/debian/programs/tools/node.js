#!/usr/bin/node
// node: files, workers, child processes, HTTP over a Unix socket, streams, timers, signals.
const fs = require('fs'), os = require('os'), http = require('http'), path = require('path'), zlib = require('zlib')
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads')
const { execFileSync, spawn, fork } = require('child_process')
const { once } = require('events')
const { pipeline } = require('stream/promises')
if (!isMainThread) {
  const shared = new Int32Array(workerData)
  for (let i = 0; i < 1000; i++) Atomics.add(shared, 0, 1)
  parentPort.postMessage('done')
} else if (process.argv[2] === 'child') {
  process.on('message', m => { process.send({ answer: m.question * 2 }); process.disconnect() })
} else main()
async function main() {
  const shared = new SharedArrayBuffer(4)
  await Promise.all([...Array(8)].map(() => once(new Worker(__filename, { workerData: shared }), 'exit')))
  console.log('workers', new Int32Array(shared)[0])
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'node-'))
  for (let i = 0; i < 100; i++) fs.writeFileSync(path.join(dir, `f${i}`), 'x'.repeat(i))
  console.log('files', fs.readdirSync(dir).length, (await fs.promises.stat(path.join(dir, 'f50'))).size)
  await Promise.all(fs.readdirSync(dir).map(f => fs.promises.rename(path.join(dir, f), path.join(dir, 'r' + f))))
  fs.rmSync(dir, { recursive: true })
  console.log('exec', execFileSync('sh', ['-c', 'echo from shell; exit 0']).toString())
  const cat = spawn('cat'); cat.stdin.end('through cat'); console.log((await once(cat.stdout, 'data')).toString(), (await once(cat, 'close')))
  const child = fork(__filename, ['child']); child.send({ question: 21 }); console.log(await once(child, 'message'), await once(child, 'exit'))
  const killed = spawn('sleep', ['100']); killed.kill('SIGTERM'); console.log(await once(killed, 'exit'))
  const server = http.createServer((request, response) => { let n = 0; request.on('data', d => n += d.length).on('end', () => response.end(`${request.url} ${n}`)) })
  server.listen('/tmp/node.sock'); await once(server, 'listening')
  const ask = i => new Promise(resolve => http.request({ socketPath: '/tmp/node.sock', path: `/${i}`, method: 'POST' }, r => { let s = ''; r.on('data', d => s += d).on('end', () => resolve(s)) }).end('y'.repeat(i * 1000)))
  console.log((await Promise.all([...Array(20).keys()].map(ask))).join(', ')); server.close()
  await pipeline(fs.createReadStream(process.execPath, { end: 5000000 }), zlib.createGzip(), zlib.createGunzip(), fs.createWriteStream('/tmp/copy')); console.log('stream', fs.statSync('/tmp/copy').size)
  const watcher = fs.watch('/tmp'); const change = once(watcher, 'change'); fs.writeFileSync('/tmp/watched', ''); console.log((await change)[1]); watcher.close()
  const usr = once(process, 'SIGUSR2'); process.kill(process.pid, 'SIGUSR2'); console.log(await usr)
  console.log(os.cpus().length > 0, os.totalmem() > 0, os.hostname(), os.networkInterfaces().lo?.[0].address, process.memoryUsage().rss > 0, process.resourceUsage().maxRSS > 0)
  await new Promise(r => setTimeout(r, 20)); try { fs.readFileSync('/none') } catch (e) { console.log(e.message) }
  process.exitCode = 4
}
