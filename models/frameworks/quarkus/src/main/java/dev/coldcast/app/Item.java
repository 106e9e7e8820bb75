package dev.coldcast.app;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.stream.LongStream;

record Item(long id, String name, String price, Instant created, List<String> tags, Stock stock) {

    private static final List<String> TAGS = List.of("new", "sale", "eco", "bulk", "local", "gift", "spare");

    record Stock(String warehouse, long quantity) {}

    record Listing(long id, int count, List<Item> items) {

        static Listing of(long id, int count) {
            List<Item> items = LongStream.rangeClosed(1, count).mapToObj(k -> Item.of(id, k)).toList();
            return new Listing(id, count, items);
        }
    }

    static Item of(long id, long k) {
        long cents = (id * 37 + k * 1009) % 100_000 + 100;
        long created = 1_767_225_600 + (id * 7919 + k * 3600) % 31_536_000;
        return new Item(
                id * 1000 + k,
                "item " + id + "-" + k,
                BigDecimal.valueOf(cents, 2).toPlainString(),
                Instant.ofEpochSecond(created),
                List.of(TAGS.get((int) ((id + k) % 7)), TAGS.get((int) ((id + k + 1 + k % 5) % 7))),
                new Stock("w" + ((id + k) % 9 + 1), (id * 13 + k * 7) % 500));
    }
}
