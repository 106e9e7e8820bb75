import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';

const processId = randomBytes(8).toString('hex');

const string = { type: 'string' };
const integer = { type: 'integer' };
// A response schema switches on Fastify's compiled serialiser.
const object = (properties) => ({ type: 'object', properties });
const list = (items) => ({ type: 'array', items });

const Item = object({
  id: integer,
  name: string,
  price: string,
  created: string,
  tags: list(string),
  stock: object({ warehouse: string, quantity: integer }),
});

const Order = {
  type: 'object',
  required: ['name', 'quantity'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 100 },
    quantity: { type: 'integer', minimum: 1, maximum: 1000 },
    tags: { type: 'array', items: string, maxItems: 10, default: [] },
  },
};

const Orders = { type: 'array', items: Order, minItems: 1, maxItems: 9999 };
const OrderTotals = object({ count: integer, quantity: integer, tags: integer });

const Group = object({ sku: string, lines: integer, quantity: integer, amount: integer });
const LineTotals = object({ count: integer, total: integer, groups: list(Group) });

const count = { type: 'string', pattern: '^[1-9][0-9]{0,3}$' };
const Count = { type: 'object', required: ['count'], properties: { count } };

const Milliseconds = {
  type: 'object',
  required: ['ms'],
  properties: { ms: { type: 'string', pattern: '^([0-9]{1,4}|10000)$' } },
};

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

const app = Fastify({
  logger: false,
  bodyLimit: 4 * 1024 * 1024,
  // Types are not coerced: "2" is no number. Unknown keys are dropped.
  ajv: { customOptions: { coerceTypes: false, removeAdditional: true, useDefaults: true } },
});

let requests = 0;
app.addHook('onRequest', async (request, reply) => {
  requests += 1;
  reply.header('x-process-id', processId);
  reply.header('x-request-count', String(requests));
});

app.get('/healthz', { schema: { response: { 200: object({ status: string }) } } }, async () => ({
  status: 'ok',
}));

app.get(
  '/json',
  { schema: { response: { 200: object({ message: string, framework: string, version: string }) } } },
  async () => ({ message: 'hello', framework: 'fastify', version: app.version }),
);

app.get(
  '/items/:id',
  {
    schema: {
      params: object({ id: { type: 'string', pattern: '^([1-9][0-9]{0,5}|1000000)$' } }),
      querystring: object({ count: { ...count, default: '20' } }),
      response: { 200: object({ id: integer, count: integer, items: list(Item) }) },
    },
  },
  async (request) => {
    const id = Number(request.params.id);
    const count = Number(request.query.count);
    const items = Array.from({ length: count }, (_, index) => item(id, index + 1));
    return { id, count, items };
  },
);

app.post('/echo', { schema: { body: Order, response: { 200: Order } } }, async (request) => request.body);

app.post('/validate', { schema: { body: Orders, response: { 200: OrderTotals } } }, async (request) =>
  orderTotals(request.body),
);

app.get('/template', { schema: { querystring: Count } }, async (request, reply) => {
  reply.type('text/html; charset=utf-8');
  return page(Number(request.query.count));
});

app.get('/compute', { schema: { querystring: Count, response: { 200: LineTotals } } }, async (request) => {
  const count = Number(request.query.count);
  return lineTotals(Array.from({ length: count }, (_, index) => line(index + 1)));
});

/**
 * CPU time of this thread in microseconds. The kernel counts what a thread has used since the last tick only when it is
 * asked about the whole process, so that comes first; without it 1 ms came out as anything from 0.5 to 4 ms.
 */
function threadCpu() {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

app.get(
  '/cpu',
  { schema: { querystring: Milliseconds, response: { 200: object({ cpu_ms: integer }) } } },
  async (request) => {
    const ms = Number(request.query.ms);
    const end = threadCpu() + ms * 1000;
    do {
      for (let i = 0, x = 1; i < 2000; i += 1) x = (x * 48271) % 2147483647;
    } while (threadCpu() < end);
    return { cpu_ms: ms };
  },
);

app.get(
  '/io',
  { schema: { querystring: Milliseconds, response: { 200: object({ io_ms: integer }) } } },
  async (request) => {
    const ms = Number(request.query.ms);
    await sleep(ms);
    return { io_ms: ms };
  },
);

app.setNotFoundHandler((request, reply) => {
  reply.code(404).send({ error: 'not found' });
});

app.setErrorHandler((error, request, reply) => {
  if (error.validationContext === 'params') {
    return reply.code(404).send({ error: 'not found' });
  }
  if (error.validationContext === 'querystring') {
    const [{ instancePath, params }] = error.validation;
    return reply.code(400).send({ error: `bad ${params.missingProperty ?? instancePath.slice(1)}` });
  }
  const status = error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : 500;
  if (status === 500) console.error(error);
  const details = error.validation?.map(({ instancePath, message }) => ({ path: instancePath, message }));
  return reply.code(status).send({ error: status === 500 ? 'internal error' : 'invalid body', details });
});

await app.listen({ port: Number(process.env.PORT || 8080), host: '0.0.0.0' });

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    await app.close();
    process.exit(0);
  });
}
