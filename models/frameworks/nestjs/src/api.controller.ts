import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Body, Controller, Get, HttpCode, NotFoundException, Param, Post, Query } from '@nestjs/common';
import { item } from './item.js';
import { Milliseconds } from './milliseconds.pipe.js';
import { Order } from './order.dto.js';
import { ValidatedBody } from './validated-body.pipe.js';

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

  @Get('items/:id')
  items(@Param('id') text: string) {
    if (!/^([1-9][0-9]{0,5}|1000000)$/.test(text)) throw new NotFoundException();
    const id = Number(text);
    const items = Array.from({ length: 20 }, (_, index) => item(id, index + 1));
    return { id, count: items.length, items };
  }

  @Post('echo')
  @HttpCode(200)
  echo(@Body(ValidatedBody) order: Order) {
    return order;
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
