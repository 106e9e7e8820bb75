const STATUSES = ['open', 'paid & packed', 'sent', '<returned>'];

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function row(k: number): string {
  const cents = ((k * 1009) % 100000) + 100;
  const name = escapeHtml(`Fish & chips <${k}> from w${((k * 7) % 9) + 1}`);
  const status = escapeHtml(STATUSES[k % 4]);
  return `<tr><td>${k}</td><td>${name}</td><td>${(cents / 100).toFixed(2)}</td><td>${status}</td></tr>`;
}

export function page(count: number): string {
  let rows = '';
  for (let k = 1; k <= count; k += 1) rows += row(k);
  return (
    '<!doctype html><html><head><title>Orders</title></head>' +
    `<body><h1>Orders</h1><table>${rows}</table></body></html>`
  );
}
