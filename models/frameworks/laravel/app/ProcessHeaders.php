<?php

declare(strict_types=1);

namespace App;

use Closure;
use Illuminate\Http\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * Tells which worker process answered, and how many requests it has seen. PHP forgets everything between requests, so
 * both live in shared memory under the number of the process.
 */
final class ProcessHeaders
{
    public function handle(Request $request, Closure $next): Response
    {
        $pid = getmypid();
        $processId = apcu_entry("id $pid", static fn (): string => bin2hex(random_bytes(8)));
        $requests = apcu_inc("requests $pid");
        $response = $next($request);
        $response->headers->set('x-process-id', $processId);
        $response->headers->set('x-request-count', (string) $requests);

        return $response;
    }
}
