package dev.coldcast.app;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.quarkus.jackson.ObjectMapperCustomizer;
import jakarta.inject.Singleton;
import jakarta.validation.ConstraintViolationException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Map;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Every error is an object with the key error. */
class Errors {

    record Problem(String path, String message) {}

    private static Response answer(int status, Map<String, Object> body) {
        return Response.status(status).type(MediaType.APPLICATION_JSON_TYPE).entity(body).build();
    }

    @ServerExceptionMapper
    Response failed(WebApplicationException error) {
        int status = error.getResponse().getStatus();
        String text = status == 404 ? "not found" : error.getMessage();
        return answer(status, Map.of("error", text == null ? "invalid request" : text));
    }

    // Quarkus has a mapper of its own for the second one.
    @ServerExceptionMapper({JacksonException.class, MismatchedInputException.class})
    Response unreadable() {
        return answer(400, Map.of("error", "invalid body"));
    }

    @ServerExceptionMapper
    Response invalid(ConstraintViolationException error) {
        List<Problem> details = error.getConstraintViolations().stream()
                .map(violation -> new Problem(violation.getPropertyPath().toString(), violation.getMessage()))
                .toList();
        return answer(422, Map.of("error", "invalid body", "details", details));
    }

    /** A number is not a string, and a string or a fraction is not an integer. */
    @Singleton
    static class StrictTypes implements ObjectMapperCustomizer {

        @Override
        public void customize(ObjectMapper mapper) {
            mapper.configure(MapperFeature.ALLOW_COERCION_OF_SCALARS, false);
            mapper.configure(DeserializationFeature.ACCEPT_FLOAT_AS_INT, false);
            mapper.coercionConfigFor(LogicalType.Textual)
                    .setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail);
        }
    }
}
