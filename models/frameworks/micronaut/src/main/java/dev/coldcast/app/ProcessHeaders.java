package dev.coldcast.app;

import io.micronaut.http.HttpRequest;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ResponseFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.http.annotation.Filter;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;

/** Tells which process answered, and how many requests it has seen. */
@ServerFilter(Filter.MATCH_ALL_PATTERN)
class ProcessHeaders {

    private static final String COUNT = "coldcast.request-count";

    private final String processId;
    private final AtomicLong requests = new AtomicLong();

    ProcessHeaders() {
        byte[] bytes = new byte[8];
        new SecureRandom().nextBytes(bytes);
        processId = HexFormat.of().formatHex(bytes);
    }

    @RequestFilter
    void count(HttpRequest<?> request) {
        request.setAttribute(COUNT, requests.incrementAndGet());
    }

    @ResponseFilter
    void tell(HttpRequest<?> request, MutableHttpResponse<?> response) {
        long count = request.getAttribute(COUNT, Long.class).orElseGet(requests::incrementAndGet);
        response.header("x-process-id", processId);
        response.header("x-request-count", Long.toString(count));
    }
}
