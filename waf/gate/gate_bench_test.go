// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"durward"
	"durward/waf/gate"
	"durward/waf/waftest"
)

var browserFields = durward.Header{
	{Name: "User-Agent", Value: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"},
	{Name: "Accept", Value: "application/json, text/plain, */*"},
	{Name: "Accept-Language", Value: "en-GB,en;q=0.9,de;q=0.8"},
	{Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"},
	{Name: "Referer", Value: "https://app.example.org/orders/overview"},
	{Name: "Origin", Value: "https://app.example.org"},
	{Name: "Authorization", Value: "Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhbm5hIiwiZXhwIjoxOTAwMDAwMDAwfQ.c2lnbmF0dXJlc2lnbmF0dXJl"},
	{Name: "Sec-Fetch-Mode", Value: "cors"},
	{Name: "Sec-Fetch-Site", Value: "same-site"},
	{Name: "Cookie", Value: "session=6f1d0c7e9a2b4c5d8e9f0a1b2c3d4e5f; lang=en; consent=yes"},
	{Name: "Connection", Value: "keep-alive"},
}

// benchRequests are the four of the published table.
func benchRequests() map[string]*gate.Request {
	base := func(method, uri string, body []byte) *gate.Request {
		r := &gate.Request{Method: method, URI: uri, Protocol: "HTTP/1.1", Host: "api.example.org", ServerName: "api.example.org",
			ClientAddr: "192.0.2.7", ClientPort: 50000, ServerAddr: "198.51.100.1", ServerPort: 443, Body: body, Inspect: true}
		r.Header = append(r.Header, browserFields...)
		if body != nil {
			r.Header.Add("Content-Type", "application/json")
			r.Header.Add("Content-Length", fmt.Sprint(len(body)))
		}
		return r
	}
	texts := []string{"Garden table made of oak", "Delivery on Thursday morning", "second floor, left door", "please ring twice", "anna.smith@example.org",
		"Blue chair with cushions", "Invoice will follow by mail", "Berlin", "paid in advance", "two pieces per box"}
	pauses := []string{". ", ", ", "; ", " - ", "! ", "? ", " (see above) "}
	prose := []string{"The lorry came early in the morning", "and nobody was at home", "so that it was left with the neighbours", "who were kind enough to sign for it",
		"we don't know when it will be collected", "as agreed on the telephone", "all of it in good order", "for the meeting at 10:30", "which costs 12.50 EUR"}
	small := map[string]any{}
	for i := range 20 {
		small[fmt.Sprintf("field_%d", i)] = texts[i%len(texts)] + fmt.Sprint(" ", i)
	}
	items := []any{}
	for i := range 73 {
		items = append(items, map[string]any{"id": 1000 + i, "sku": fmt.Sprintf("AB-%05d", i*37), "name": texts[i%10], "note": texts[(i+3)%10], "quantity": i % 9, "price": 12.5, "in_stock": i%2 == 0})
	}
	many := map[string]any{"items": items}
	long := map[string]any{}
	for i := range 8 {
		text := fmt.Sprintf("Entry %d. ", i)
		for n := 0; len(text) < 2000; n++ {
			text += texts[(n*7+i)%10] + pauses[(n*3+i)%len(pauses)] + prose[(n*5+i*3)%len(prose)] + " "
		}
		long[fmt.Sprintf("text_%d", i)] = text
	}
	body := func(v any) []byte { b, _ := json.Marshal(v); return b }
	return map[string]*gate.Request{
		"get":        base("GET", "/api/v1/orders?page=2&sort=created&state=open", nil),
		"json1k":     base("POST", "/api/v1/orders", body(small)),
		"json16k511": base("POST", "/api/v1/orders", body(many)),
		"json16k8":   base("POST", "/api/v1/notes", body(long)),
	}
}

var benchNames = []string{"get", "json1k", "json16k511", "json16k8"}

func BenchmarkClean(b *testing.B) {
	g := compile(b, 1)
	requests := benchRequests()
	for _, name := range benchNames {
		b.Run(name, func(b *testing.B) {
			r := requests[name]
			b.ReportAllocs()
			for b.Loop() {
				if ok, why := g.Clean(r); !ok {
					b.Fatal(why)
				}
			}
		})
	}
}

func BenchmarkCoraza(b *testing.B) {
	oracle, err := waftest.NewOracle(1, "")
	if err != nil {
		b.Fatal(err)
	}
	requests := benchRequests()
	for _, name := range benchNames {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if v := oracle.Inspect(requests[name]); len(v.Rules) > 0 {
					b.Fatal(v)
				}
			}
		})
	}
}
