import { Injectable, NotFoundException, type PipeTransform } from '@nestjs/common';

/** Takes 1 to 1000000, in decimal. */
@Injectable()
export class ItemId implements PipeTransform<string, number> {
  transform(value: string): number {
    if (!/^([1-9][0-9]{0,5}|1000000)$/.test(value)) throw new NotFoundException();
    return Number(value);
  }
}
