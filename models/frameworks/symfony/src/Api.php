<?php

declare(strict_types=1);

namespace App;

use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpKernel\Exception\BadRequestHttpException;
use Symfony\Component\HttpKernel\Kernel as SymfonyKernel;
use Symfony\Component\Validator\Constraints as Assert;
use Symfony\Component\Validator\ConstraintViolationListInterface;
use Symfony\Component\Validator\Validator\ValidatorInterface;

final class Api
{
    private const TAGS = ['new', 'sale', 'eco', 'bulk', 'local', 'gift', 'spare'];

    public function healthz(): JsonResponse
    {
        return new JsonResponse(['status' => 'ok']);
    }

    public function hello(): JsonResponse
    {
        return new JsonResponse(['message' => 'hello', 'framework' => 'symfony', 'version' => SymfonyKernel::VERSION]);
    }

    public function items(Request $request, int $id): JsonResponse
    {
        $count = self::count($request, '20');
        $items = array_map(static fn (int $k): array => self::item($id, $k), range(1, $count));

        return new JsonResponse(['id' => $id, 'count' => $count, 'items' => $items]);
    }

    public function echo(Request $request, ValidatorInterface $validator): JsonResponse
    {
        $body = json_decode($request->getContent(), true);
        if (\JSON_ERROR_NONE !== json_last_error()) {
            throw new BadRequestHttpException('the body is not JSON');
        }
        if (!\is_array($body) || ($body && array_is_list($body))) {
            return new JsonResponse(['error' => 'the body is not an object'], 422);
        }
        $problems = $validator->validate($body, self::order());
        if (\count($problems) > 0) {
            return self::invalid($problems);
        }

        return new JsonResponse([
            'name' => $body['name'],
            'quantity' => $body['quantity'],
            'tags' => $body['tags'] ?? [],
        ]);
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

        return new JsonResponse(['cpu_ms' => $ms]);
    }

    public function wait(Request $request): JsonResponse
    {
        $ms = self::milliseconds($request);
        usleep($ms * 1000);

        return new JsonResponse(['io_ms' => $ms]);
    }

    public static function count(Request $request, ?string $absent = null): int
    {
        $count = $request->query->all()['count'] ?? $absent;
        if (!\is_string($count) || !preg_match('/^[1-9][0-9]{0,3}$/D', $count)) {
            throw new BadRequestHttpException('bad count');
        }

        return (int) $count;
    }

    /** The rules of an order. */
    public static function order(): Assert\Collection
    {
        return new Assert\Collection(
            fields: [
                'name' => [new Assert\NotNull(), new Assert\Type('string'), new Assert\Length(min: 1, max: 100)],
                'quantity' => [new Assert\NotNull(), new Assert\Type('int'), new Assert\Range(min: 1, max: 1000)],
                'tags' => new Assert\Optional([
                    new Assert\NotNull(),
                    new Assert\Type('list'),
                    new Assert\Count(max: 10),
                    new Assert\All([new Assert\NotNull(), new Assert\Type('string')]),
                ]),
            ],
            allowExtraFields: true,
        );
    }

    public static function invalid(ConstraintViolationListInterface $problems): JsonResponse
    {
        $details = [];
        foreach ($problems as $problem) {
            $details[] = ['path' => $problem->getPropertyPath(), 'message' => (string) $problem->getMessage()];
        }

        return new JsonResponse(['error' => 'invalid body', 'details' => $details], 422);
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
        $ms = $request->query->all()['ms'] ?? null;
        if (!\is_string($ms) || !preg_match('/^([0-9]{1,4}|10000)$/D', $ms)) {
            throw new BadRequestHttpException('bad ms');
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
