import { UnprocessableEntityException, ValidationPipe } from '@nestjs/common';

/** Drops keys that the class does not have, and answers a broken rule with 422. */
export class ValidatedBody extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      transform: true,
      exceptionFactory: (errors) =>
        new UnprocessableEntityException({
          error: 'invalid body',
          details: errors.map(({ property, constraints }) => ({ path: property, message: constraints })),
        }),
    });
  }
}
