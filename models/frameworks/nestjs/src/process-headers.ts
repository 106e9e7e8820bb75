import { randomBytes } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const processId = randomBytes(8).toString('hex');
let requests = 0;

/** Tells which process answered, and how many requests it has seen. */
export function processHeaders(_request: Request, response: Response, next: NextFunction) {
  requests += 1;
  response.set('x-process-id', processId);
  response.set('x-request-count', String(requests));
  next();
}
