import { ArrayMaxSize, IsArray, IsInt, IsString, Length, Max, Min } from 'class-validator';

export class Order {
  @IsString()
  @Length(1, 100)
  name!: string;

  @IsInt()
  @Min(1)
  @Max(1000)
  quantity!: number;

  @IsArray()
  @ArrayMaxSize(10)
  @IsString({ each: true })
  tags: string[] = [];
}

export function orderTotals(orders: Order[]) {
  let quantity = 0;
  let tags = 0;
  for (const order of orders) {
    quantity += order.quantity;
    tags += order.tags.length;
  }
  return { count: orders.length, quantity, tags };
}
