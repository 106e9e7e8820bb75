<?php

declare(strict_types=1);

namespace App;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Http\Response;
use Illuminate\Support\Facades\Validator;

/** Work in sizes: each route does its work once for each of `count` units. */
final class Work
{
    private const STATUSES = ['open', 'paid & packed', 'sent', '<returned>'];

    public function validate(Request $request): JsonResponse
    {
        $orders = $request->json()->all();
        Validator::validate(['orders' => $orders], ['orders' => ['required', 'list', 'max:9999']]);
        // One by one: rules for `orders.*.name` and so on take time that grows with the square of the list's length, and for
        // thousands of orders more memory than a worker has.
        foreach ($orders as $order) {
            Validator::validate((array) $order, Api::ORDER);
        }

        return response()->json([
            'count' => \count($orders),
            'quantity' => array_sum(array_column($orders, 'quantity')),
            'tags' => array_sum(array_map('count', array_column($orders, 'tags'))),
        ]);
    }

    public function template(Request $request): Response
    {
        $html = '<!doctype html><html><head><title>Orders</title></head><body><h1>Orders</h1><table>';
        for ($k = 1, $count = Api::count($request); $k <= $count; ++$k) {
            $name = self::escape("Fish & chips <$k> from w" . ($k * 7 % 9 + 1));
            $price = number_format(($k * 1009 % 100000 + 100) / 100, 2, '.', '');
            $status = self::escape(self::STATUSES[$k % 4]);
            $html .= "<tr><td>$k</td><td>$name</td><td>$price</td><td>$status</td></tr>";
        }

        return response($html . '</table></body></html>')->header('content-type', 'text/html; charset=utf-8');
    }

    public function compute(Request $request): JsonResponse
    {
        $count = Api::count($request);
        $groups = [];
        foreach (self::lines($count) as $line) {
            $sku = $line['sku'];
            $groups[$sku] ??= ['sku' => $sku, 'lines' => 0, 'quantity' => 0, 'amount' => 0];
            ++$groups[$sku]['lines'];
            $groups[$sku]['quantity'] += $line['quantity'];
            $groups[$sku]['amount'] += $line['quantity'] * $line['cents'];
        }
        usort($groups, static fn (array $a, array $b): int => [$b['amount'], $a['sku']] <=> [$a['amount'], $b['sku']]);

        return response()->json([
            'count' => $count,
            'total' => array_sum(array_column($groups, 'amount')),
            'groups' => array_map(
                static fn (array $group): array => ['sku' => "sku-{$group['sku']}"] + $group,
                \array_slice($groups, 0, 10),
            ),
        ]);
    }

    /** @return list<array{sku: int, quantity: int, cents: int}> */
    private static function lines(int $count): array
    {
        $lines = [];
        for ($k = 1; $k <= $count; ++$k) {
            $lines[] = [
                'sku' => ($k * $k * 7 + $k * 17) % 50,
                'quantity' => $k * 13 % 9 + 1,
                'cents' => $k * 7919 % 9973 + 1,
            ];
        }

        return $lines;
    }

    private static function escape(string $text): string
    {
        return htmlspecialchars($text, \ENT_NOQUOTES | \ENT_SUBSTITUTE | \ENT_HTML5, 'UTF-8');
    }
}
