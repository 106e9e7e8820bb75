<?php

declare(strict_types=1);

use App\ProcessHeaders;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Configuration\Exceptions;
use Illuminate\Foundation\Configuration\Middleware;
use Illuminate\Foundation\Http\Middleware\ConvertEmptyStringsToNull;
use Illuminate\Foundation\Http\Middleware\TrimStrings;
use Illuminate\Validation\ValidationException;
use Symfony\Component\HttpKernel\Exception\HttpExceptionInterface;

/** A small JSON API on Laravel; the routes are described in ../../README.md. */
return Application::configure(basePath: dirname(__DIR__))
    ->withRouting(api: __DIR__ . '/../routes/api.php', apiPrefix: '')
    ->withMiddleware(function (Middleware $middleware): void {
        $middleware->prepend(ProcessHeaders::class);
        // What a client sends comes back as it is.
        $middleware->remove([ConvertEmptyStringsToNull::class, TrimStrings::class]);
    })
    ->withExceptions(function (Exceptions $exceptions): void {
        $exceptions->render(fn (ValidationException $error) => response()->json(
            ['error' => 'invalid body', 'details' => $error->errors()],
            422,
        ));
        $exceptions->render(fn (HttpExceptionInterface $error) => response()->json(
            ['error' => 404 === $error->getStatusCode() ? 'not found' : $error->getMessage()],
            $error->getStatusCode(),
        ));
        $exceptions->shouldRenderJsonWhen(fn (): bool => true);
    })
    ->create()
    ->useStoragePath('/tmp');
