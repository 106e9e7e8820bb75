package dev.coldcast.app;

import io.quarkus.vertx.http.runtime.filters.Filters;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;

/** Tells which process answered, and how many requests it has seen. */
@ApplicationScoped
class ProcessHeaders {

    private static final int FIRST = 1000;

    private final AtomicLong requests = new AtomicLong();

    void register(@Observes Filters filters) {
        byte[] bytes = new byte[8];
        new SecureRandom().nextBytes(bytes);
        String processId = HexFormat.of().formatHex(bytes);
        filters.register(
                context -> {
                    context.response()
                            .putHeader("x-process-id", processId)
                            .putHeader("x-request-count", Long.toString(requests.incrementAndGet()));
                    context.next();
                },
                FIRST);
    }
}
