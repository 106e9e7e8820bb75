package dev.coldcast.app;

import io.micronaut.runtime.Micronaut;

/** A small JSON API on Micronaut; the routes are described in ../README.md. */
public class Application {

    public static void main(String[] args) {
        Micronaut.build(args).banner(false).mainClass(Application.class).start();
    }
}
