import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Response } from 'express';

/** Every error is an object with the key `error`. */
@Catch()
export class JsonErrors implements ExceptionFilter {
  catch(exception: unknown, host: ArgumentsHost) {
    const response = host.switchToHttp().getResponse<Response>();
    if (!(exception instanceof HttpException)) {
      console.error(exception);
      return response.status(500).json({ error: 'internal error' });
    }
    const status = exception.getStatus();
    const body = exception.getResponse();
    const ours = typeof body === 'object' && 'details' in body;
    const text = status === 404 ? 'not found' : exception.message;
    return response.status(status).json(ours ? body : { error: text });
  }
}
