package dev.coldcast.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.validation.FieldError;
import org.springframework.validation.method.ParameterErrors;
import org.springframework.validation.method.ParameterValidationResult;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RequestBody;
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

    @ExceptionHandler
    @ResponseStatus(HttpStatus.BAD_REQUEST)
    Map<String, String> missing(MissingServletRequestParameterException error) {
        return Map.of("error", "bad " + error.getParameterName());
    }

    /** Of a parameter, or of a list in the body. */
    @ExceptionHandler
    ResponseEntity<Map<String, Object>> invalid(HandlerMethodValidationException error) {
        MethodParameter parameter = error.getParameterValidationResults().getFirst().getMethodParameter();
        if (!parameter.hasParameterAnnotation(RequestBody.class)) {
            return ResponseEntity.badRequest().body(Map.of("error", "bad " + parameter.getParameterName()));
        }
        List<Problem> details = new ArrayList<>();
        for (ParameterValidationResult result : error.getParameterValidationResults()) {
            if (result instanceof ParameterErrors order) {
                String path = "[" + order.getContainerIndex() + "].";
                for (FieldError field : order.getFieldErrors()) {
                    details.add(new Problem(path + field.getField(), field.getDefaultMessage()));
                }
            } else {
                result.getResolvableErrors().forEach(list -> details.add(new Problem("", list.getDefaultMessage())));
            }
        }
        return ResponseEntity.unprocessableContent().body(Map.of("error", "invalid body", "details", details));
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
