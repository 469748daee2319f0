// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// document is the parsed contract and the way from requests to its operations.
var document = sync.OnceValues(func() (*openapi3.T, routers.Router) {
	doc, err := openapi3.NewLoader().LoadFromData(OpenAPI)
	if err != nil {
		panic(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		panic(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return doc, router
})

// tester is an API with a clock that stands still until it is moved.
type tester struct {
	t   *testing.T
	api *API
	now time.Time
	// loose turns the comparison with the contract off.
	loose bool
}

func newTester(t *testing.T, flaws ...string) *tester {
	t.Helper()
	x := &tester{t: t, now: SeedTime.Add(24 * time.Hour), loose: len(flaws) > 0}
	var err error
	x.api, err = New(Options{Flaws: flaws, Now: func() time.Time { return x.now }, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.api.Close)
	return x
}

// reply is an answer that was compared with the contract.
type reply struct {
	t *testing.T
	*httptest.ResponseRecorder
}

// do sends "METHOD /path" as a user, and checks that the answer is one that
// the contract allows for this operation.
func (x *tester) do(user, line, body string, fields ...string) *reply {
	x.t.Helper()
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if user != "" {
		r.Header.Set(UserField, user)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	x.api.Handler().ServeHTTP(w, r)
	if !x.loose {
		x.compare(r, body, w)
	}
	return &reply{x.t, w}
}

func (x *tester) compare(r *http.Request, body string, w *httptest.ResponseRecorder) {
	x.t.Helper()
	_, router := document()
	route, params, err := router.FindRoute(r)
	if err != nil || w.Code == 405 { // the router takes some other methods for the path's own
		if w.Code != 404 && w.Code != 405 {
			x.t.Errorf("%s %s answers %d, and the contract has no such operation", r.Method, r.URL, w.Code)
		}
		return
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	request := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if isJSON := strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"); w.Code < 300 && (body == "" || isJSON) {
		// What the API takes, a gateway that knows the contract must let pass.
		if err := openapi3filter.ValidateRequest(context.Background(), request); err != nil {
			x.t.Errorf("%s %s is taken against the contract: %v", r.Method, r.URL, err)
		}
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request,
		Status:                 w.Code,
		Header:                 w.Header(),
		Body:                   io.NopCloser(strings.NewReader(w.Body.String())),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		x.t.Errorf("%s %s answers %d against the contract: %v", r.Method, r.URL, w.Code, err)
	}
}

// want checks the status.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.Code != status {
		r.t.Fatalf("answer %d, want %d: %s", r.Code, status, r.Body)
	}
	return r
}

// into reads the JSON body.
func (r *reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.Body.Bytes(), v); err != nil {
		r.t.Fatal(err)
	}
}

// ids gives a field of each item of a list.
func (r *reply) ids(field string) string {
	r.t.Helper()
	var list items[map[string]any]
	r.want(200).into(&list)
	var all []string
	for _, item := range list.Items {
		all = append(all, item[field].(string))
	}
	return strings.Join(all, " ")
}
