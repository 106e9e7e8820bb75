package dev.coldcast.app;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Uni;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.UriInfo;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A small JSON API on Quarkus; the routes are described in ../README.md. */
@Path("/")
public class Api {

    /** The release in pom.xml; Quarkus does not tell it at run time. */
    private static final String VERSION = "3.33.2";

    record Health(String status) {}

    record Hello(String message, String framework, String version) {}

    @RegisterForReflection
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

    @GET
    @Path("healthz")
    public Uni<Health> healthz() {
        return Uni.createFrom().item(new Health("ok"));
    }

    @GET
    @Path("json")
    public Uni<Hello> hello() {
        return Uni.createFrom().item(new Hello("hello", "quarkus", VERSION));
    }

    @GET
    @Path("items/{id: [1-9][0-9]{0,5}|1000000}")
    public Uni<Item.Listing> items(long id, @QueryParam("count") String count, @Context UriInfo uri) {
        // An empty count is null as well, and no number.
        int items = uri.getQueryParameters().containsKey("count") ? count(count) : 20;
        return Uni.createFrom().item(Item.Listing.of(id, items));
    }

    @POST
    @Path("echo")
    public Uni<Order> echo(@Valid @NotNull Order order) {
        return Uni.createFrom().item(order);
    }

    @POST
    @Path("validate")
    public Uni<Totals> validate(@NotNull @Size(min = 1, max = 9999) List<@NotNull @Valid Order> orders) {
        return Uni.createFrom().item(Totals.of(orders));
    }

    @GET
    @Path("template")
    @Produces("text/html; charset=utf-8")
    public Uni<String> template(@QueryParam("count") String count) {
        return Uni.createFrom().item(Page.of(count(count)));
    }

    @GET
    @Path("compute")
    public Uni<Summary> compute(@QueryParam("count") String count) {
        return Uni.createFrom().item(Summary.of(count(count)));
    }

    private static int count(String count) {
        if (count == null || !count.matches("[1-9][0-9]{0,3}")) {
            throw new BadRequestException("bad count");
        }
        return Integer.parseInt(count);
    }

    private static int milliseconds(String ms) {
        if (ms == null || !ms.matches("[0-9]{1,4}|10000")) {
            throw new BadRequestException("bad ms");
        }
        return Integer.parseInt(ms);
    }

    /** On a worker thread, not on the event loop. */
    @GET
    @Path("cpu")
    @Blocking
    public Map<String, Integer> cpu(@QueryParam("ms") String ms) {
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

    @GET
    @Path("io")
    public Uni<Map<String, Integer>> io(@QueryParam("ms") String ms) {
        int millis = milliseconds(ms);
        Uni<Map<String, Integer>> answer = Uni.createFrom().item(Map.of("io_ms", millis));
        return millis == 0 ? answer : answer.onItem().delayIt().by(Duration.ofMillis(millis));
    }
}
