<?php

declare(strict_types=1);

namespace App;

use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Bundle\FrameworkBundle\Kernel\MicroKernelTrait;
use Symfony\Component\DependencyInjection\Loader\Configurator\ContainerConfigurator;
use Symfony\Component\HttpKernel\Kernel as BaseKernel;
use Symfony\Component\Routing\Loader\Configurator\RoutingConfigurator;

/** A small JSON API on Symfony; the routes are described in ../../README.md. */
final class Kernel extends BaseKernel
{
    use MicroKernelTrait;

    public function registerBundles(): iterable
    {
        yield new FrameworkBundle();
    }

    public function getProjectDir(): string
    {
        return \dirname(__DIR__);
    }

    private function configureContainer(ContainerConfigurator $container): void
    {
        $container->extension('framework', [
            'secret' => 'nothing is signed',
            'http_method_override' => false,
            'handle_all_throwables' => true,
            'php_errors' => ['log' => true],
            'validation' => ['email_validation_mode' => 'html5'],
            'session' => ['enabled' => false],
        ]);
        $services = $container->services()->defaults()->autowire()->autoconfigure();
        $services->set(Api::class)->tag('controller.service_arguments');
        $services->set(Work::class)->tag('controller.service_arguments');
        $services->set(JsonErrors::class);
        $services->set(ProcessHeaders::class);
    }

    private function configureRoutes(RoutingConfigurator $routes): void
    {
        $id = '[1-9][0-9]{0,5}|1000000';
        $routes->add('healthz', '/healthz')->controller([Api::class, 'healthz'])->methods(['GET']);
        $routes->add('json', '/json')->controller([Api::class, 'hello'])->methods(['GET']);
        $routes->add('items', '/items/{id}')->controller([Api::class, 'items'])->methods(['GET'])->requirements(['id' => $id]);
        $routes->add('echo', '/echo')->controller([Api::class, 'echo'])->methods(['POST']);
        $routes->add('validate', '/validate')->controller([Work::class, 'validate'])->methods(['POST']);
        $routes->add('template', '/template')->controller([Work::class, 'template'])->methods(['GET']);
        $routes->add('compute', '/compute')->controller([Work::class, 'compute'])->methods(['GET']);
        $routes->add('cpu', '/cpu')->controller([Api::class, 'cpu'])->methods(['GET']);
        $routes->add('io', '/io')->controller([Api::class, 'wait'])->methods(['GET']);
    }
}
