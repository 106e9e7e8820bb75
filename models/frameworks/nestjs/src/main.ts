import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ApiModule } from './api.module.js';
import { JsonErrors } from './json-errors.js';
import { processHeaders } from './process-headers.js';

const app = await NestFactory.create<NestExpressApplication>(ApiModule, {
  // Registered below, after the headers, so that a body that cannot be read counts as a request too.
  bodyParser: false,
  logger: ['error', 'fatal'],
});
app.disable('x-powered-by');
app.use(processHeaders);
app.useBodyParser('json', { limit: '4mb' });
app.useGlobalFilters(new JsonErrors());
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT || 8080), '0.0.0.0');
