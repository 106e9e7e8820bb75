import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Count } from './count.pipe.js';
import { item } from './item.js';
import { ItemId } from './item-id.pipe.js';
import { Milliseconds } from './milliseconds.pipe.js';
import { Order, orderTotals } from './order.dto.js';
import { line, lineTotals } from './order-lines.js';
import { page } from './page.js';
import { ValidatedBody, ValidatedOrders } from './validated-body.pipe.js';

const manifest = createRequire(import.meta.url).resolve('@nestjs/core/package.json');
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };

/**
 * CPU time of this thread in microseconds. The kernel counts what a thread has used since the last tick only when it is
 * asked about the whole process, so that comes first; without it 1 ms came out as anything from 0.5 to 4 ms.
 */
function threadCpu(): number {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

@Controller()
export class ApiController {
  @Get('healthz')
  healthz() {
    return { status: 'ok' };
  }

  @Get('json')
  hello() {
    return { message: 'hello', framework: 'nestjs', version };
  }

  /** Nest applies the pipes from the last parameter to the first, so a bad id comes before a bad count. */
  @Get('items/:id')
  items(@Query('count', new Count(20)) count: number, @Param('id', ItemId) id: number) {
    const items = Array.from({ length: count }, (_, index) => item(id, index + 1));
    return { id, count, items };
  }

  @Post('echo')
  @HttpCode(200)
  echo(@Body(ValidatedBody) order: Order) {
    return order;
  }

  @Post('validate')
  @HttpCode(200)
  validate(@Body(ValidatedOrders) orders: Order[]) {
    return orderTotals(orders);
  }

  /** Express sends a string as HTML. */
  @Get('template')
  template(@Query('count', new Count()) count: number) {
    return page(count);
  }

  @Get('compute')
  compute(@Query('count', new Count()) count: number) {
    return lineTotals(Array.from({ length: count }, (_, index) => line(index + 1)));
  }

  @Get('cpu')
  cpu(@Query('ms', Milliseconds) ms: number) {
    const end = threadCpu() + ms * 1000;
    do {
      for (let i = 0, x = 1; i < 2000; i += 1) x = (x * 48271) % 2147483647;
    } while (threadCpu() < end);
    return { cpu_ms: ms };
  }

  @Get('io')
  async io(@Query('ms', Milliseconds) ms: number) {
    await sleep(ms);
    return { io_ms: ms };
  }
}
