package dev.coldcast.app;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Tells which process answered, and how many requests it has seen. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class ProcessHeaders extends OncePerRequestFilter {

    private final String processId;
    private final AtomicLong requests = new AtomicLong();

    ProcessHeaders() {
        byte[] bytes = new byte[8];
        new SecureRandom().nextBytes(bytes);
        processId = HexFormat.of().formatHex(bytes);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        response.setHeader("x-process-id", processId);
        response.setHeader("x-request-count", Long.toString(requests.incrementAndGet()));
        chain.doFilter(request, response);
    }
}
