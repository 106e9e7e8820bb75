package dev.coldcast.app;

import com.fasterxml.jackson.annotation.JsonCreator;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.version.VersionUtils;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Post;
import io.micronaut.http.annotation.QueryValue;
import io.micronaut.http.annotation.Status;
import io.micronaut.http.exceptions.HttpStatusException;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import io.micronaut.serde.annotation.Serdeable;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.Map;
import java.util.Optional;

@Controller
class Api {

    @Serdeable
    record Health(String status) {}

    @Serdeable
    record Hello(String message, String framework, String version) {}

    @Serdeable
    record Order(
            @Serdeable.Deserializable(using = Strict.Text.class) @NotNull @Size(min = 1, max = 100) String name,
            @Serdeable.Deserializable(using = Strict.WholeNumber.class) @NotNull @Min(1) @Max(1000) Integer quantity,
            @Serdeable.Deserializable(using = Strict.Texts.class) @Nullable @Size(max = 10) List<String> tags) {

        Order {
            tags = tags == null ? List.of() : tags;
        }
    }

    /** The whole body. Micronaut drops null from a list that is a parameter itself. */
    @Serdeable
    record Orders(@Size(min = 1, max = 9999) List<@NotNull @Valid Order> list) {

        @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
        Orders {}
    }

    @Serdeable
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

    @Get("/healthz")
    Health healthz() {
        return new Health("ok");
    }

    @Get("/json")
    Hello hello() {
        return new Hello("hello", "micronaut", VersionUtils.getMicronautVersion());
    }

    /** An absent value is a 404. */
    @Get("/items/{id}")
    Optional<Item.Listing> items(String id, @Nullable @QueryValue String count) {
        return id.matches("[1-9][0-9]{0,5}|1000000")
                ? Optional.of(Item.Listing.of(Long.parseLong(id), count == null ? 20 : count(count)))
                : Optional.empty();
    }

    @Post("/echo")
    @Status(HttpStatus.OK)
    Order echo(@Body @Valid Order order) {
        return order;
    }

    @Post("/validate")
    @Status(HttpStatus.OK)
    Totals validate(@Body @Valid Orders orders) {
        return Totals.of(orders.list());
    }

    @Get(uri = "/template", produces = "text/html; charset=utf-8")
    String template(@Nullable @QueryValue String count) {
        return Page.of(count(count));
    }

    @Get("/compute")
    Summary compute(@Nullable @QueryValue String count) {
        return Summary.of(count(count));
    }

    private static int count(@Nullable String count) {
        if (count == null || !count.matches("[1-9][0-9]{0,3}")) {
            throw new HttpStatusException(HttpStatus.BAD_REQUEST, "bad count");
        }
        return Integer.parseInt(count);
    }

    private static int milliseconds(@Nullable String ms) {
        if (ms == null || !ms.matches("[0-9]{1,4}|10000")) {
            throw new HttpStatusException(HttpStatus.BAD_REQUEST, "bad ms");
        }
        return Integer.parseInt(ms);
    }

    // Work that blocks belongs on a pool of threads, not on Netty's event loop; a virtual thread has no CPU clock.
    @Get("/cpu")
    @ExecuteOn(TaskExecutors.IO)
    Map<String, Integer> cpu(@Nullable @QueryValue String ms) {
        int millis = milliseconds(ms);
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

    @Get("/io")
    @ExecuteOn(TaskExecutors.BLOCKING)
    Map<String, Integer> io(@Nullable @QueryValue String ms) throws InterruptedException {
        int millis = milliseconds(ms);
        Thread.sleep(millis);
        return Map.of("io_ms", millis);
    }
}
