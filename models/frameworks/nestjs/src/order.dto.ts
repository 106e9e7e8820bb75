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
