<?php

declare(strict_types=1);

namespace Composer {
    // Debian's packages come without Composer; Symfony asks it which optional parts are there.
    final class InstalledVersions
    {
        public static function isInstalled(string $package, bool $dev = true): bool
        {
            return false;
        }
    }
}

namespace {
    require_once '/usr/share/php/Symfony/Bundle/FrameworkBundle/autoload.php';
    require_once '/usr/share/php/Symfony/Component/Validator/autoload.php';

    spl_autoload_register(static function (string $class): void {
        if (str_starts_with($class, 'App\\')) {
            require __DIR__ . '/' . strtr(substr($class, 4), '\\', '/') . '.php';
        }
    });
}
