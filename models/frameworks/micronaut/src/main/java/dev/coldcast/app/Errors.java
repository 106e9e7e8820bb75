package dev.coldcast.app;

import io.micronaut.context.annotation.Primary;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MediaType;
import io.micronaut.http.MutableHttpResponse;
import io.micronaut.http.server.exceptions.response.Error;
import io.micronaut.http.server.exceptions.response.ErrorContext;
import io.micronaut.http.server.exceptions.response.ErrorResponseProcessor;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.Map;

/** Every error is an object with the key error. */
@Singleton
@Primary
class Errors implements ErrorResponseProcessor<Map<String, Object>> {

    @Override
    public MutableHttpResponse<Map<String, Object>> processResponse(
            ErrorContext context, MutableHttpResponse<?> response) {
        List<String> messages = context.getErrors().stream().map(Error::getMessage).toList();
        Map<String, Object> body =
                switch (response.status()) {
                    case HttpStatus.NOT_FOUND -> Map.of("error", "not found");
                    case HttpStatus.BAD_REQUEST ->
                            messages.contains("bad count") || messages.contains("bad ms")
                                    ? Map.of("error", messages.getFirst())
                                    : Map.of("error", "invalid body", "details", messages);
                    default -> Map.of("error", response.reason());
                };
        return response.body(body).contentType(MediaType.APPLICATION_JSON_TYPE);
    }
}
