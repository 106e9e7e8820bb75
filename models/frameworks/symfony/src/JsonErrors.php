<?php

declare(strict_types=1);

namespace App;

use Symfony\Component\EventDispatcher\Attribute\AsEventListener;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpKernel\Event\ExceptionEvent;
use Symfony\Component\HttpKernel\Exception\HttpExceptionInterface;

/** Every error is an object with the key error. */
final class JsonErrors
{
    #[AsEventListener]
    public function answer(ExceptionEvent $event): void
    {
        $error = $event->getThrowable();
        if (!$error instanceof HttpExceptionInterface) {
            error_log((string) $error);
            $event->setResponse(new JsonResponse(['error' => 'internal error'], 500));
            return;
        }
        $status = $error->getStatusCode();
        $text = 404 === $status ? 'not found' : $error->getMessage();
        $event->setResponse(new JsonResponse(['error' => $text], $status, $error->getHeaders()));
    }
}
