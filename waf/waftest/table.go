// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"encoding/json"
	"fmt"
	"strings"

	"durward"
	"durward/waf/gate"
)

// Sample is a request that times are compared with.
type Sample struct {
	Name    string
	Request *gate.Request
}

// Samples are five kinds of request: a look-up with three parameters and a
// browser's header, JSON of 1 KB with 20 texts, JSON of 16 KB with 511 fields
// and with 8 long texts, and an injection.
func Samples() []Sample {
	post := func(v any) *gate.Request {
		body, err := json.Marshal(v)
		if err != nil { // of strings and maps
			panic(err)
		}
		r := browserRequest("POST", "/v1/orders")
		return content(r, "application/json", body)
	}
	twenty := map[string]string{}
	for i := range 20 {
		twenty[fmt.Sprintf("field_%02d", i)] = prose[i%len(prose)][:min(30, len(prose[i%len(prose)]))]
	}
	many := map[string]string{}
	for i := range 511 {
		many[fmt.Sprintf("item_%03d", i)] = fmt.Sprintf("value %d of a row", i)
	}
	var long []string
	for i := range 8 {
		text := strings.Repeat("The delivery is due in October, and the team looks forward to it. ", 32)
		long = append(long, fmt.Sprintf("%d: %s", i, text[:2000]))
	}
	return []Sample{
		{"GET, 3 parameters", browserRequest("GET", "/v1/orders?limit=20&sort=created_at&q=blue+chair")},
		{"JSON 1 KB, 20 texts", post(twenty)},
		{"JSON 16 KB, 511 fields", post(many)},
		{"JSON 16 KB, 8 long texts", post(long)},
		{"SQL injection GET", browserRequest("GET", "/v1/orders?limit=20&q=1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20name%20FROM%20users--")},
	}
}

func browserRequest(method, uri string) *gate.Request {
	return &gate.Request{
		Method: method, URI: uri, Protocol: "HTTP/1.1", Host: "api.example.com", ServerName: "api.example.com",
		ClientAddr: "192.0.2.1", ClientPort: 40000, ServerAddr: "198.51.100.7", ServerPort: 443,
		Header: durward.Header{
			{Name: "User-Agent", Value: browsers[0]}, {Name: "Accept", Value: "application/json, text/plain, */*"},
			{Name: "Accept-Language", Value: "en-GB,en;q=0.9"}, {Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"},
			{Name: "Referer", Value: "https://api.example.com/inbox"}, {Name: "Sec-Fetch-Site", Value: "same-origin"},
			{Name: "Sec-Fetch-Mode", Value: "cors"}, {Name: "Sec-Fetch-Dest", Value: "empty"},
			{Name: "Cookie", Value: "session=Qm9yZGVyV29ybGQxMjM0; theme=dark"},
		},
	}
}
