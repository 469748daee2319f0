// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// BenchmarkPeer is kin-openapi on the requests of BenchmarkBodyOf20Fields and
// BenchmarkGETWith3Parameters: the check alone, with the route known.
func BenchmarkPeer(b *testing.B) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(strings.Replace(fieldsDoc, `[string, "null"]`, "string", 1)))
	if err != nil {
		b.Fatal(err)
	}
	doc.OpenAPI = "3.0.3" // of 3.1 it compiles the schemas for each request
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(fieldsRequest().body)
	for _, test := range []struct {
		name, method, target string
		body                 []byte
	}{
		{"body of 20 fields", http.MethodPost, "/customers", body},
		{"GET with 3 parameters", http.MethodGet, "/customers?" + threeParameters, nil},
	} {
		b.Run(test.name, func(b *testing.B) {
			r, err := http.NewRequest(test.method, test.target, bytes.NewReader(test.body))
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			route, params, err := router.FindRoute(r)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			reportCPU(b)
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(test.body))
				input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
				if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
