<?php

declare(strict_types=1);

namespace App;

use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\HttpKernel\Exception\BadRequestHttpException;
use Symfony\Component\Validator\Constraints as Assert;
use Symfony\Component\Validator\Validator\ValidatorInterface;

/** Work in sizes: each route does its work once for each of `count` units. */
final class Work
{
    private const STATUSES = ['open', 'paid & packed', 'sent', '<returned>'];

    public function validate(Request $request, ValidatorInterface $validator): JsonResponse
    {
        $orders = json_decode($request->getContent(), true);
        if (\JSON_ERROR_NONE !== json_last_error()) {
            throw new BadRequestHttpException('the body is not JSON');
        }
        $problems = $validator->validate($orders, new Assert\Sequentially([
            new Assert\NotNull(),
            new Assert\Type('list'),
            new Assert\Count(min: 1, max: 9999),
            new Assert\All([new Assert\NotNull(), new Assert\Type('array'), Api::order()]),
        ]));
        if (\count($problems) > 0) {
            return Api::invalid($problems);
        }

        return new JsonResponse([
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

        return new Response($html . '</table></body></html>', headers: ['content-type' => 'text/html; charset=utf-8']);
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

        return new JsonResponse([
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
