// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kin is a peer of the bench: the standard library's reverse proxy with
// kin-openapi's request validation before it, as applications in Go use them.
// It decides what the bench compares, whether a request is as the contract says,
// and nothing else; without "check" it is the same program without that step. It
// logs a line for each request, refuses when it cannot decide, and keeps no
// state.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// config is the file that the bench writes.
type config struct {
	Listen, Upstream, Contract string
	Check                      bool
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(version())
		return
	}
	if len(os.Args) != 2 {
		log.Fatal("usage: kin CONFIG")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// version is that of the library which is measured.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/getkin/kin-openapi" {
				return m.Version
			}
		}
	}
	return "unknown"
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	handler, err := c.proxy()
	if err != nil {
		return err
	}
	if c.Check {
		if handler, err = checked(c.Contract, handler); err != nil {
			return err
		}
	}
	server := &http.Server{Addr: c.Listen, Handler: logged(handler), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// proxy passes requests on, over connections that are kept.
func (c config) proxy() (http.Handler, error) {
	to, err := url.Parse("http://" + c.Upstream)
	if err != nil {
		return nil, err
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}, nil
}

// checked holds every request against the contract before next has it.
func checked(contract string, next http.Handler) (http.Handler, error) {
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDateTime))
	openapi3.DefineStringFormatValidator("email", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForEmail))
	doc, err := openapi3.NewLoader().LoadFromFile(contract)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // it is asked under any authority
	// Of a 3.1 document it compiles the schemas anew for each request, which
	// takes ten times as long; this one says nothing that 3.0 has not.
	doc.OpenAPI = "3.0.3"
	router, err := legacy.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, params, err := router.FindRoute(r)
		if err != nil {
			http.Error(w, "no such operation", http.StatusNotFound)
			return
		}
		input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			http.Error(w, "the request is not as the contract says", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// logged writes a line for each request, as the other peers do.
func logged(next http.Handler) http.Handler {
	lines := make(chan string, 4096)
	go func() {
		out := bufio.NewWriterSize(os.Stdout, 64<<10)
		for line := range lines {
			out.WriteString(line)
			if len(lines) == 0 {
				out.Flush()
			}
		}
	}()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s %s %s %s %q %v\n", began.Format(time.RFC3339Nano), r.RemoteAddr, r.Method, r.URL.RequestURI(), r.Proto, r.UserAgent(), time.Since(began))
		lines <- b.String()
	})
}
