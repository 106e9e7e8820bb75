import {
  type ArgumentMetadata,
  ParseArrayPipe,
  UnprocessableEntityException,
  ValidationPipe,
} from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { Order } from './order.dto.js';

/** Answers a broken rule with 422. */
function invalid(errors: ValidationError[]) {
  return new UnprocessableEntityException({
    error: 'invalid body',
    details: errors.map(({ property, constraints }) => ({ path: property, message: constraints })),
  });
}

/** Drops keys that the class does not have. */
export class ValidatedBody extends ValidationPipe {
  constructor() {
    super({ whitelist: true, transform: true, exceptionFactory: invalid });
  }
}

/** The same for each order of a list. */
export class ValidatedOrders extends ParseArrayPipe {
  constructor() {
    super({ items: Order, whitelist: true, exceptionFactory: invalid });
  }

  override transform(value: unknown, metadata: ArgumentMetadata) {
    if (!Array.isArray(value) || value.length < 1 || value.length > 9999) {
      throw new UnprocessableEntityException('not a list of 1 to 9999 orders');
    }
    return super.transform(value, metadata);
  }
}
