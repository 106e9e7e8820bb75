package dev.coldcast.app;

import java.util.List;
import java.util.Map;
import org.springframework.http.HttpStatus;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.method.annotation.HandlerMethodValidationException;
import org.springframework.web.servlet.NoHandlerFoundException;
import org.springframework.web.servlet.resource.NoResourceFoundException;

@RestControllerAdvice
class Errors {

    record Problem(String path, String message) {}

    @ExceptionHandler({NoHandlerFoundException.class, NoResourceFoundException.class})
    @ResponseStatus(HttpStatus.NOT_FOUND)
    Map<String, String> notFound() {
        return Map.of("error", "not found");
    }

    /** The only checked parameter of the API is ms. */
    @ExceptionHandler({HandlerMethodValidationException.class, MissingServletRequestParameterException.class})
    @ResponseStatus(HttpStatus.BAD_REQUEST)
    Map<String, String> badParameter() {
        return Map.of("error", "bad ms");
    }

    @ExceptionHandler
    @ResponseStatus(HttpStatus.UNPROCESSABLE_CONTENT)
    Map<String, Object> invalid(MethodArgumentNotValidException error) {
        List<Problem> details = error.getFieldErrors().stream()
                .map(field -> new Problem(field.getField(), field.getDefaultMessage()))
                .toList();
        return Map.of("error", "invalid body", "details", details);
    }

    @ExceptionHandler
    @ResponseStatus(HttpStatus.BAD_REQUEST)
    Map<String, String> unreadable(HttpMessageNotReadableException error) {
        return Map.of("error", "invalid body");
    }
}
