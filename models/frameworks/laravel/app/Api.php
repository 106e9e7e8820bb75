<?php

declare(strict_types=1);

namespace App;

use Illuminate\Foundation\Application;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

final class Api
{
    /** The rules of an order. */
    public const ORDER = [
        'name' => ['required', 'string', 'between:1,100'],
        'quantity' => ['required', 'integer:strict', 'between:1,1000'],
        'tags' => ['sometimes', 'list', 'max:10'],
        'tags.*' => ['string'],
    ];

    private const TAGS = ['new', 'sale', 'eco', 'bulk', 'local', 'gift', 'spare'];

    public function healthz(): JsonResponse
    {
        return response()->json(['status' => 'ok']);
    }

    public function hello(): JsonResponse
    {
        return response()->json(['message' => 'hello', 'framework' => 'laravel', 'version' => Application::VERSION]);
    }

    public function items(Request $request, string $id): JsonResponse
    {
        $count = self::count($request, '20');
        $items = array_map(static fn (int $k): array => self::item((int) $id, $k), range(1, $count));

        return response()->json(['id' => (int) $id, 'count' => $count, 'items' => $items]);
    }

    public function echo(Request $request): JsonResponse
    {
        $order = $request->validate(self::ORDER);

        return response()->json($order + ['tags' => []]);
    }

    public function cpu(Request $request): JsonResponse
    {
        $ms = self::milliseconds($request);
        $end = self::cpuMicroseconds() + $ms * 1000;
        $x = 1;
        while (self::cpuMicroseconds() < $end) {
            for ($i = 0; $i < 200; ++$i) {
                $x = $x * 48271 % 2147483647;
            }
        }

        return response()->json(['cpu_ms' => $ms]);
    }

    public function wait(Request $request): JsonResponse
    {
        $ms = self::milliseconds($request);
        usleep($ms * 1000);

        return response()->json(['io_ms' => $ms]);
    }

    public static function count(Request $request, ?string $absent = null): int
    {
        $count = $request->query('count', $absent);
        if (!\is_string($count) || !preg_match('/^[1-9][0-9]{0,3}$/D', $count)) {
            abort(400, 'bad count');
        }

        return (int) $count;
    }

    private static function item(int $id, int $k): array
    {
        $cents = ($id * 37 + $k * 1009) % 100000 + 100;
        $created = 1767225600 + ($id * 7919 + $k * 3600) % 31536000;

        return [
            'id' => $id * 1000 + $k,
            'name' => "item $id-$k",
            'price' => number_format($cents / 100, 2, '.', ''),
            'created' => gmdate('Y-m-d\TH:i:s\Z', $created),
            'tags' => [self::TAGS[($id + $k) % 7], self::TAGS[($id + $k + 1 + $k % 5) % 7]],
            'stock' => ['warehouse' => 'w' . (($id + $k) % 9 + 1), 'quantity' => ($id * 13 + $k * 7) % 500],
        ];
    }

    private static function milliseconds(Request $request): int
    {
        $ms = $request->query('ms');
        if (!\is_string($ms) || !preg_match('/^([0-9]{1,4}|10000)$/D', $ms)) {
            abort(400, 'bad ms');
        }

        return (int) $ms;
    }

    /** CPU time of this worker, which has one thread. */
    private static function cpuMicroseconds(): int
    {
        $usage = getrusage();

        return 1_000_000 * ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec'])
            + $usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec'];
    }
}
