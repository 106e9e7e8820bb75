package dev.coldcast.app;

import io.micronaut.core.type.Argument;
import io.micronaut.json.tree.JsonNode;
import io.micronaut.serde.Decoder;
import io.micronaut.serde.Deserializer;
import io.micronaut.serde.exceptions.SerdeException;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Values of the right JSON type only: Micronaut's own readers convert what they can. */
final class Strict {

    private Strict() {}

    private static String string(JsonNode node) throws SerdeException {
        if (!node.isString()) {
            throw new SerdeException("not a string");
        }
        return node.getStringValue();
    }

    @Singleton
    static class Text implements Deserializer<String> {

        @Override
        public String deserialize(Decoder decoder, DecoderContext context, Argument<? super String> type)
                throws IOException {
            return string(decoder.decodeNode());
        }
    }

    @Singleton
    static class WholeNumber implements Deserializer<Integer> {

        @Override
        public Integer deserialize(Decoder decoder, DecoderContext context, Argument<? super Integer> type)
                throws IOException {
            JsonNode node = decoder.decodeNode();
            if (!node.isNumber() || node.getDoubleValue() != Math.rint(node.getDoubleValue())) {
                throw new SerdeException("not an integer");
            }
            return node.getIntValue();
        }
    }

    @Singleton
    static class Texts implements Deserializer<List<String>> {

        @Override
        public List<String> deserialize(Decoder decoder, DecoderContext context, Argument<? super List<String>> type)
                throws IOException {
            JsonNode node = decoder.decodeNode();
            if (!node.isArray()) {
                throw new SerdeException("not a list");
            }
            List<String> texts = new ArrayList<>();
            for (JsonNode element : node.values()) {
                texts.add(string(element));
            }
            return texts;
        }
    }
}
