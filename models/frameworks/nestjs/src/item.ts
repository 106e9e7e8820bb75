const TAGS = ['new', 'sale', 'eco', 'bulk', 'local', 'gift', 'spare'];

export interface Item {
  id: number;
  name: string;
  price: string;
  created: string;
  tags: string[];
  stock: { warehouse: string; quantity: number };
}

export function item(id: number, k: number): Item {
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
