export interface Line {
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

export function line(k: number): Line {
  return {
    sku: (k * k * 7 + k * 17) % 50,
    quantity: ((k * 13) % 9) + 1,
    cents: ((k * 7919) % 9973) + 1,
  };
}

/** Totals by sku: the largest amount first, then by number. */
export function lineTotals(lines: Line[]) {
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
