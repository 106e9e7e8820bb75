import { randomBytes } from 'node:crypto';
import { zValidator } from '@hono/zod-validator';
import { sleep } from 'bun';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';

const processId = randomBytes(8).toString('hex');
const { version } = await Bun.file(new URL('node_modules/hono/package.json', import.meta.url)).json();

const Order = z.object({
  name: z.string().min(1).max(100),
  quantity: z.int().min(1).max(1000),
  tags: z.array(z.string()).max(10).default([]),
});
type Order = z.infer<typeof Order>;
const Orders = z.array(Order).min(1).max(9999);

const Count = z.string().regex(/^[1-9][0-9]{0,3}$/).transform(Number);
const Milliseconds = z.string().regex(/^([0-9]{1,4}|10000)$/).transform(Number);

const TAGS = ['new', 'sale', 'eco', 'bulk', 'local', 'gift', 'spare'];
const STATUSES = ['open', 'paid & packed', 'sent', '<returned>'];

interface Line {
  sku: number;
  quantity: number;
  cents: number;
}

interface Group {
  sku: number;
  lines: number;
  quantity: number;
  amount: number;
}

function item(id: number, k: number) {
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

function row(k: number): string {
  const cents = ((k * 1009) % 100000) + 100;
  const name = Bun.escapeHTML(`Fish & chips <${k}> from w${((k * 7) % 9) + 1}`);
  const status = Bun.escapeHTML(STATUSES[k % 4]);
  return `<tr><td>${k}</td><td>${name}</td><td>${(cents / 100).toFixed(2)}</td><td>${status}</td></tr>`;
}

function page(count: number): string {
  let rows = '';
  for (let k = 1; k <= count; k += 1) rows += row(k);
  return (
    '<!doctype html><html><head><title>Orders</title></head>' +
    `<body><h1>Orders</h1><table>${rows}</table></body></html>`
  );
}

function orderTotals(orders: Order[]) {
  let quantity = 0;
  let tags = 0;
  for (const order of orders) {
    quantity += order.quantity;
    tags += order.tags.length;
  }
  return { count: orders.length, quantity, tags };
}

function line(k: number): Line {
  return {
    sku: (k * k * 7 + k * 17) % 50,
    quantity: ((k * 13) % 9) + 1,
    cents: ((k * 7919) % 9973) + 1,
  };
}

// Totals by sku: the largest amount first, then by number.
function lineTotals(lines: Line[]) {
  const groups = new Map<number, Group>();
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

const app = new Hono();

let requests = 0;
app.use(async (c, next) => {
  requests += 1;
  c.header('x-process-id', processId);
  c.header('x-request-count', String(requests));
  await next();
});

app.get('/healthz', (c) => c.json({ status: 'ok' }));

app.get('/json', (c) => c.json({ message: 'hello', framework: 'hono-bun', version }));

/** Answers 400 if the query is not of the expected form. */
function unless(text: string) {
  return (result: { success: boolean }, c: Context) =>
    result.success ? undefined : c.json({ error: text }, 400);
}

/** Answers 422 if the body breaks a rule. */
function valid(result: { success: boolean; error?: { issues: z.core.$ZodIssue[] } }, c: Context) {
  if (result.success) return undefined;
  const details = result.error?.issues.map(({ path, message }) => ({ path, message }));
  return c.json({ error: 'invalid body', details }, 422);
}

const usualCount = zValidator('query', z.object({ count: Count.default(20) }), unless('bad count'));
const count = zValidator('query', z.object({ count: Count }), unless('bad count'));
const milliseconds = zValidator('query', z.object({ ms: Milliseconds }), unless('bad ms'));

app.get('/items/:id{[1-9][0-9]{0,5}|1000000}', usualCount, (c) => {
  const id = Number(c.req.param('id'));
  const { count } = c.req.valid('query');
  const items = Array.from({ length: count }, (_, index) => item(id, index + 1));
  return c.json({ id, count, items });
});

app.post('/echo', zValidator('json', Order, valid), (c) => c.json(c.req.valid('json')));

app.post('/validate', zValidator('json', Orders, valid), (c) => c.json(orderTotals(c.req.valid('json'))));

app.get('/template', count, (c) => c.html(page(c.req.valid('query').count)));

app.get('/compute', count, (c) => {
  const { count } = c.req.valid('query');
  return c.json(lineTotals(Array.from({ length: count }, (_, index) => line(index + 1))));
});

/**
 * CPU time of this thread in microseconds. The kernel counts what a thread has used since the last tick only when it is
 * asked about the whole process, so that comes first; without it 1 ms came out as anything from 0.5 to 4 ms.
 */
function threadCpu(): number {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

app.get('/cpu', milliseconds, (c) => {
  const { ms } = c.req.valid('query');
  const end = threadCpu() + ms * 1000;
  do {
    for (let i = 0, x = 1; i < 2000; i += 1) x = (x * 48271) % 2147483647;
  } while (threadCpu() < end);
  return c.json({ cpu_ms: ms });
});

app.get('/io', milliseconds, async (c) => {
  const { ms } = c.req.valid('query');
  await sleep(ms);
  return c.json({ io_ms: ms });
});

app.notFound((c) => c.json({ error: 'not found' }, 404));

app.onError((error, c) => {
  if (error instanceof HTTPException) return c.json({ error: 'invalid request' }, error.status);
  console.error(error);
  return c.json({ error: 'internal error' }, 500);
});

const server = Bun.serve({
  fetch: app.fetch,
  hostname: '0.0.0.0',
  port: Number(process.env.PORT || 8080),
  // A request that waits is idle to Bun, which would cut it off after ten seconds.
  idleTimeout: 30,
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await server.stop();
    process.exit(0);
  });
}
