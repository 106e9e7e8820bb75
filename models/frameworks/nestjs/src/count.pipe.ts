import { BadRequestException, type PipeTransform } from '@nestjs/common';

/** Takes 1 to 9999, in decimal. */
export class Count implements PipeTransform<unknown, number> {
  constructor(private readonly usual?: number) {}

  transform(value: unknown): number {
    if (value === undefined && this.usual !== undefined) return this.usual;
    if (typeof value !== 'string' || !/^[1-9][0-9]{0,3}$/.test(value)) {
      throw new BadRequestException('bad count');
    }
    return Number(value);
  }
}
