package dev.coldcast.app;

import java.math.BigDecimal;
import java.util.List;

/** An HTML table of orders. */
final class Page {

    private static final List<String> STATUSES = List.of("open", "paid & packed", "sent", "<returned>");

    private Page() {}

    static String of(int count) {
        StringBuilder page = new StringBuilder(
                "<!doctype html><html><head><title>Orders</title></head><body><h1>Orders</h1><table>");
        for (int k = 1; k <= count; k++) {
            String name = "Fish & chips <" + k + "> from w" + (k * 7 % 9 + 1);
            BigDecimal price = BigDecimal.valueOf(k * 1009L % 100_000 + 100, 2);
            page.append("<tr><td>").append(k)
                    .append("</td><td>").append(escape(name))
                    .append("</td><td>").append(price.toPlainString())
                    .append("</td><td>").append(escape(STATUSES.get(k % 4)))
                    .append("</td></tr>");
        }
        return page.append("</table></body></html>").toString();
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
