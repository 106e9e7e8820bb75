package dev.coldcast.app;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Order lines, grouped by SKU. */
record Summary(long count, long total, List<Group> groups) {

    record Line(long sku, long quantity, long cents) {

        static Line of(long k) {
            return new Line((k * k * 7 + k * 17) % 50, k * 13 % 9 + 1, k * 7919 % 9973 + 1);
        }
    }

    record Group(String sku, long lines, long quantity, long amount) {}

    /** What is summed up of a group. */
    private static final class Totals {

        private final long sku;
        private long lines;
        private long quantity;
        private long amount;

        private Totals(long sku) {
            this.sku = sku;
        }

        private void add(Line line) {
            lines++;
            quantity += line.quantity();
            amount += line.quantity() * line.cents();
        }

        private long sku() {
            return sku;
        }

        private long amount() {
            return amount;
        }

        private Group group() {
            return new Group("sku-" + sku, lines, quantity, amount);
        }
    }

    /** Keeps the ten groups with the largest amounts. */
    static Summary of(long count) {
        List<Line> lines = LongStream.rangeClosed(1, count).mapToObj(Line::of).toList();
        Map<Long, Totals> bySku = new HashMap<>();
        for (Line line : lines) {
            bySku.computeIfAbsent(line.sku(), Totals::new).add(line);
        }
        List<Totals> sorted = new ArrayList<>(bySku.values());
        sorted.sort(Comparator.comparingLong(Totals::amount).reversed().thenComparingLong(Totals::sku));
        long total = sorted.stream().mapToLong(Totals::amount).sum();
        return new Summary(count, total, sorted.stream().limit(10).map(Totals::group).toList());
    }
}
