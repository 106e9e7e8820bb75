<?php

declare(strict_types=1);

// Run while the image is built.

use Illuminate\Contracts\Console\Kernel;

require __DIR__ . '/autoload.php';

$app = require __DIR__ . '/app.php';
$kernel = $app->make(Kernel::class);
foreach (['config:cache', 'event:cache', 'route:cache'] as $command) {
    if (0 !== $kernel->call($command)) {
        fwrite(STDERR, $kernel->output());
        exit(1);
    }
}
