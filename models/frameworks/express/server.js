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

const Order = z.object({
  name: z.string().min(1).max(100),
  quantity: z.int().min(1).max(1000),
  tags: z.array(z.string()).max(10).default([]),
});
const Orders = z.array(Order).min(1).max(9999);

const TAGS = ['new', 'sale', 'eco', 'bulk', 'local', 'gift', 'spare'];
const STATUSES = ['open', 'paid & packed', 'sent', '<returned>'];

function escapeHtml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

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

function row(k) {
  const cents = ((k * 1009) % 100000) + 100;
  const name = escapeHtml(`Fish & chips <${k}> from w${((k * 7) % 9) + 1}`);
  const status = escapeHtml(STATUSES[k % 4]);
  return `<tr><td>${k}</td><td>${name}</td><td>${(cents / 100).toFixed(2)}</td><td>${status}</td></tr>`;
}

function page(count) {
  let rows = '';
  for (let k = 1; k <= count; k += 1) rows += row(k);
  return (
    '<!doctype html><html><head><title>Orders</title></head>' +
    `<body><h1>Orders</h1><table>${rows}</table></body></html>`
  );
}

function orderTotals(orders) {
  let quantity = 0;
  let tags = 0;
  for (const order of orders) {
    quantity += order.quantity;
    tags += order.tags.length;
  }
  return { count: orders.length, quantity, tags };
}

function line(k) {
  return {
    sku: (k * k * 7 + k * 17) % 50,
    quantity: ((k * 13) % 9) + 1,
    cents: ((k * 7919) % 9973) + 1,
  };
}

// Totals by sku: the largest amount first, then by number.
function lineTotals(lines) {
  const groups = new Map();
  let total = 0;
  for (const { sku, quantity, cents } of lines) {
    let group = groups.get(sku);
    if (!group) {
      group = { sku, lines: 0, quantity: 0, amount: 0 };
      groups.set(sku, group);
    }
    group.lines += 1;
    group.quantity += quantity;
    group.amount += quantity * cents;
    total += quantity * cents;
  }
  const ranked = [...groups.values()].sort((a, b) => b.amount - a.amount || a.sku - b.sku);
  const first = ranked.slice(0, 10).map((group) => ({ ...group, sku: `sku-${group.sku}` }));
  return { count: lines.length, total, groups: first };
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

// Middleware: checks ?count= and leaves it as a number.
function counted(usual) {
  return (req, res, next) => {
    const { count = usual } = req.query;
    if (typeof count !== 'string' || !/^[1-9][0-9]{0,3}$/.test(count)) {
      return res.status(400).json({ error: 'bad count' });
    }
    res.locals.count = Number(count);
    next();
  };
}

// Middleware: checks :id and leaves it as a number.
function itemId(req, res, next) {
  if (!/^([1-9][0-9]{0,5}|1000000)$/.test(req.params.id)) return next('route');
  res.locals.id = Number(req.params.id);
  next();
}

app.get('/items/:id', itemId, counted('20'), (req, res) => {
  const { id, count } = res.locals;
  const items = Array.from({ length: count }, (_, index) => item(id, index + 1));
  res.json({ id, count, items });
});

const json = express.json({ limit: '4mb' });

// Middleware: replaces the body by what the schema makes of it.
function validated(schema) {
  return (req, res, next) => {
    const result = schema.safeParse(req.body);
    if (!result.success) {
      const details = result.error.issues.map(({ path, message }) => ({ path, message }));
      return res.status(422).json({ error: 'invalid body', details });
    }
    req.body = result.data;
    next();
  };
}

app.post('/echo', json, validated(Order), (req, res) => {
  res.json(req.body);
});

app.post('/validate', json, validated(Orders), (req, res) => {
  res.json(orderTotals(req.body));
});

app.get('/template', counted(), (req, res) => {
  res.type('html').send(page(res.locals.count));
});

app.get('/compute', counted(), (req, res) => {
  res.json(lineTotals(Array.from({ length: res.locals.count }, (_, index) => line(index + 1))));
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
