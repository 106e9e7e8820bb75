<?php

declare(strict_types=1);

namespace App;

use Symfony\Component\EventDispatcher\Attribute\AsEventListener;
use Symfony\Component\HttpKernel\Event\RequestEvent;
use Symfony\Component\HttpKernel\Event\ResponseEvent;

/**
 * Tells which worker process answered, and how many requests it has seen. PHP forgets everything between requests, so
 * both live in shared memory under the number of the process.
 */
final class ProcessHeaders
{
    private string $processId = '';
    private int $requests = 0;

    #[AsEventListener(priority: 4096)]
    public function count(RequestEvent $event): void
    {
        if (!$event->isMainRequest()) {
            return;
        }
        $pid = getmypid();
        $this->processId = apcu_entry("id $pid", static fn (): string => bin2hex(random_bytes(8)));
        $this->requests = apcu_inc("requests $pid");
    }

    #[AsEventListener(priority: -4096)]
    public function tell(ResponseEvent $event): void
    {
        $event->getResponse()->headers->add([
            'x-process-id' => $this->processId,
            'x-request-count' => (string) $this->requests,
        ]);
    }
}
