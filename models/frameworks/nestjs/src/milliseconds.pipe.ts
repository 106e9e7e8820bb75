import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Takes 0 to 10000, in decimal. */
@Injectable()
export class Milliseconds implements PipeTransform<unknown, number> {
  transform(value: unknown): number {
    if (typeof value !== 'string' || !/^([0-9]{1,4}|10000)$/.test(value)) {
      throw new BadRequestException('bad ms');
    }
    return Number(value);
  }
}
