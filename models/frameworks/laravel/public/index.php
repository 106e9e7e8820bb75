<?php

declare(strict_types=1);

use Illuminate\Http\Request;

define('LARAVEL_START', microtime(true));

require __DIR__ . '/../bootstrap/autoload.php';

(require __DIR__ . '/../bootstrap/app.php')->handleRequest(Request::capture());
