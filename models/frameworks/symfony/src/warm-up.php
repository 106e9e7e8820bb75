<?php

declare(strict_types=1);

// Run while the image is built: compiles the service container and the routes into var/cache.

use App\Kernel;
use Symfony\Component\HttpFoundation\Request;

require __DIR__ . '/autoload.php';

$kernel = new Kernel('prod', false);
foreach (['/healthz', '/json', '/items/7', '/cpu?ms=0', '/io?ms=0', '/nowhere'] as $path) {
    $kernel->handle(Request::create($path));
}
$kernel->handle(Request::create('/echo', 'POST', content: '{"name":"n","quantity":1}'));
