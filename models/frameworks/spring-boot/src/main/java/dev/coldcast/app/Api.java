package dev.coldcast.app;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringBootVersion;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
class Api {

    private static final String COUNT = "[1-9][0-9]{0,3}";
    private static final String MILLISECONDS = "[0-9]{1,4}|10000";

    record Status(String status) {}

    record Hello(String message, String framework, String version) {}

    record Order(
            @NotNull @Size(min = 1, max = 100) String name,
            @NotNull @Min(1) @Max(1000) Integer quantity,
            @Size(max = 10) List<@NotNull String> tags) {

        Order {
            tags = tags == null ? List.of() : tags;
        }
    }

    record Totals(int count, int quantity, int tags) {

        static Totals of(List<Order> orders) {
            return new Totals(
                    orders.size(),
                    orders.stream().mapToInt(Order::quantity).sum(),
                    orders.stream().mapToInt(order -> order.tags().size()).sum());
        }
    }

    /** In a class of its own, so that only /cpu loads the management classes. */
    private static final class Clock {
        private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    }

    @GetMapping("/healthz")
    Status healthz() {
        return new Status("ok");
    }

    @GetMapping("/json")
    Hello hello() {
        return new Hello("hello", "spring-boot", SpringBootVersion.getVersion());
    }

    @GetMapping("/items/{id:[1-9][0-9]{0,5}|1000000}")
    Item.Listing items(
            @PathVariable long id, @RequestParam(required = false) @Pattern(regexp = COUNT) String count) {
        return Item.Listing.of(id, count == null ? 20 : Integer.parseInt(count));
    }

    @PostMapping("/echo")
    Order echo(@RequestBody @Valid Order order) {
        return order;
    }

    @PostMapping("/validate")
    Totals validate(@RequestBody @Size(min = 1, max = 9999) List<@NotNull @Valid Order> orders) {
        return Totals.of(orders);
    }

    @GetMapping(path = "/template", produces = "text/html; charset=utf-8")
    String template(@RequestParam @Pattern(regexp = COUNT) String count) {
        return Page.of(Integer.parseInt(count));
    }

    @GetMapping("/compute")
    Summary compute(@RequestParam @Pattern(regexp = COUNT) String count) {
        return Summary.of(Integer.parseInt(count));
    }

    @GetMapping("/cpu")
    Map<String, Integer> cpu(@RequestParam @Pattern(regexp = MILLISECONDS) String ms) {
        int millis = Integer.parseInt(ms);
        long end = Clock.THREADS.getCurrentThreadCpuTime() + millis * 1_000_000L;
        long x = 1;
        while (Clock.THREADS.getCurrentThreadCpuTime() < end) {
            for (int i = 0; i < 2000; i++) {
                x = x * 48271 % 2147483647;
            }
        }
        // x is never 0; the comparison keeps the compiler from dropping the loop.
        return Map.of("cpu_ms", x == 0 ? -1 : millis);
    }

    @GetMapping("/io")
    Map<String, Integer> io(@RequestParam @Pattern(regexp = MILLISECONDS) String ms) throws InterruptedException {
        int millis = Integer.parseInt(ms);
        Thread.sleep(millis);
        return Map.of("io_ms", millis);
    }
}
