import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { z } from 'zod';

const processId = randomBytes(8).toString('hex');
const { version } = JSON.parse(
  readFileSync(new URL('node_modules/express/package.json', import.meta.url), 'utf8'),
);

const Echo = z.object({
  name: z.string().min(1).max(100),
  quantity: z.int().min(1).max(1000),
  tags: z.array(z.string()).max(10).default([]),
});

const TAGS = ['new', 'sale', 'eco', 'bulk', 'local', 'gift', 'spare'];

function item(id, k) {
  const cents = ((id * 37 + k * 1009) % 100000) + 100;
  const created = 1767225600 + ((id * 7919 + k * 3600) % 31536000);
  return {
    id: id * 1000 + k,
    name: `item ${id}-${k}`,
    price: (cents / 100).toFixed(2),
    created: new Date(created * 1000).toISOString().replace('.000Z', 'Z'),
    tags: [TAGS[(id + k) % 7], TAGS[(id + k + 1 + (k % 5)) % 7]],
    stock: { warehouse: `w${((id + k) % 9) + 1}`, quantity: (id * 13 + k * 7) % 500 },
  };
}

const app = express();
app.disable('x-powered-by');

let requests = 0;
app.use((req, res, next) => {
  requests += 1;
  res.set('x-process-id', processId);
  res.set('x-request-count', String(requests));
  next();
});

app.get('/healthz', (req, res) => {
  res.json({ status: 'ok' });
});

app.get('/json', (req, res) => {
  res.json({ message: 'hello', framework: 'express', version });
});

app.get('/items/:id', (req, res, next) => {
  if (!/^([1-9][0-9]{0,5}|1000000)$/.test(req.params.id)) return next();
  const id = Number(req.params.id);
  const items = Array.from({ length: 20 }, (_, index) => item(id, index + 1));
  res.json({ id, count: items.length, items });
});

app.post('/echo', express.json(), (req, res) => {
  const result = Echo.safeParse(req.body);
  if (!result.success) {
    const details = result.error.issues.map(({ path, message }) => ({ path, message }));
    return res.status(422).json({ error: 'invalid body', details });
  }
  res.json(result.data);
});

// Middleware: checks ?ms= and leaves it as a number.
function milliseconds(req, res, next) {
  const { ms } = req.query;
  if (typeof ms !== 'string' || !/^([0-9]{1,4}|10000)$/.test(ms)) {
    return res.status(400).json({ error: 'bad ms' });
  }
  res.locals.ms = Number(ms);
  next();
}

/**
 * CPU time of this thread in microseconds. The kernel counts what a thread has used since the last tick only when it is
 * asked about the whole process, so that comes first; without it 1 ms came out as anything from 0.5 to 4 ms.
 */
function threadCpu() {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

app.get('/cpu', milliseconds, (req, res) => {
  const { ms } = res.locals;
  const end = threadCpu() + ms * 1000;
  do {
    for (let i = 0, x = 1; i < 2000; i += 1) x = (x * 48271) % 2147483647;
  } while (threadCpu() < end);
  res.json({ cpu_ms: ms });
});

app.get('/io', milliseconds, async (req, res) => {
  await sleep(res.locals.ms);
  res.json({ io_ms: res.locals.ms });
});

app.use((req, res) => {
  res.status(404).json({ error: 'not found' });
});

// Four parameters make it Express's error handler.
app.use((err, req, res, next) => {
  if (res.headersSent) return next(err);
  const status = err.status >= 400 && err.status < 500 ? err.status : 500;
  if (status === 500) console.error(err);
  res.status(status).json({ error: status === 500 ? 'internal error' : 'invalid request' });
});

const server = app.listen(Number(process.env.PORT || 8080), '0.0.0.0', (err) => {
  if (err) throw err;
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
