package main

import (
	"cmp"
	"fmt"
	"html"
	"maps"
	"slices"
	"strconv"
	"strings"
)

var statuses = [...]string{"open", "paid & packed", "sent", "<returned>"}

type totals struct {
	Count    int `json:"count"`
	Quantity int `json:"quantity"`
	Tags     int `json:"tags"`
}

type line struct {
	sku, quantity, cents int64
}

type group struct {
	number   int64
	SKU      string `json:"sku"`
	Lines    int64  `json:"lines"`
	Quantity int64  `json:"quantity"`
	Amount   int64  `json:"amount"`
}

type summary struct {
	Count  int64    `json:"count"`
	Total  int64    `json:"total"`
	Groups []*group `json:"groups"`
}

func newTotals(orders []order) totals {
	sum := totals{Count: len(orders)}
	for _, o := range orders {
		sum.Quantity += o.Quantity
		sum.Tags += len(o.Tags)
	}
	return sum
}

// newPage writes an HTML table of count orders.
func newPage(count int64) string {
	var b strings.Builder
	b.WriteString("<!doctype html><html><head><title>Orders</title></head><body><h1>Orders</h1><table>")
	for k := int64(1); k <= count; k++ {
		name := fmt.Sprintf("Fish & chips <%d> from w%d", k, k*7%9+1)
		cents := k*1009%100_000 + 100
		fmt.Fprintf(&b, "<tr><td>%d</td><td>%s</td><td>%.2f</td><td>%s</td></tr>",
			k, html.EscapeString(name), float64(cents)/100, html.EscapeString(statuses[k%4]))
	}
	b.WriteString("</table></body></html>")
	return b.String()
}

func newLines(count int64) []line {
	lines := make([]line, 0, count)
	for k := int64(1); k <= count; k++ {
		lines = append(lines, line{
			sku:      (k*k*7 + k*17) % 50,
			quantity: k*13%9 + 1,
			cents:    k*7919%9973 + 1,
		})
	}
	return lines
}

// newSummary groups count order lines and keeps the ten groups with the largest amounts.
func newSummary(count int64) summary {
	groups := map[int64]*group{}
	var total int64
	for _, l := range newLines(count) {
		g, ok := groups[l.sku]
		if !ok {
			g = &group{number: l.sku, SKU: "sku-" + strconv.FormatInt(l.sku, 10)}
			groups[l.sku] = g
		}
		amount := l.quantity * l.cents
		g.Lines++
		g.Quantity += l.quantity
		g.Amount += amount
		total += amount
	}
	sorted := slices.SortedFunc(maps.Values(groups), func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.number, b.number))
	})
	return summary{Count: count, Total: total, Groups: sorted[:min(10, len(sorted))]}
}
