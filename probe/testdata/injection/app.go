// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package injection is a little warehouse API that takes its input for more than
// it is: each flaw is switched on by its name, and without one the same API is
// honest. Nothing in it recognizes a payload: the flawed parts really run the
// SQL, the shell, the template and the rest with what they were given.
//
// It is a test object. It must listen on loopback only.
package injection

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// Document is the API's OpenAPI document, Users the users' file of a test run,
// Truth the list of flaws with what should be found.
var (
	//go:embed openapi.yaml
	Document []byte
	//go:embed users.yaml
	Users []byte
	//go:embed truth.yaml
	Truth []byte
)

// flaws are all names that New takes, besides "all".
var flaws = []string{
	"login-sql", "filter-sql", "search-sql", "number-sql", "path-sql", "sort-sql", "json-sql", "time-sql",
	"body-operators", "query-operators", "directory-filter", "shell-output", "shell-blind",
	"template-braces", "template-dollar", "file-name", "file-name-stripped",
	"fetch", "fetch-later", "xml-entities", "json-takes-xml", "header-lines", "reflected-html", "stored-html",
	"open-redirect", "verbose-errors", "slow-pattern", "page-size", "login-rate", "inflate",
	"any-origin", "trace", "method-override", "method-fallthrough", "cacheable", "socket-origin",
}

// Flaws lists every flaw.
func Flaws() []string { return slices.Clone(flaws) }

// app is one service with its own data.
type app struct {
	has   map[string]bool
	dir   string // its files
	db    *sql.DB
	mux   *http.ServeMux
	ready sync.Once

	mu       sync.Mutex
	rand     *rand.Rand
	requests int
	sessions map[string]string // user by token
	failed   map[string]int    // logins by name
	notes    map[string]note
	pages    map[string]page
	next     int
}

// New makes a service with the flaws of the names, or with all for "all". It
// panics for a name that it does not know. The handler is an io.Closer too, that
// removes its files.
func New(names ...string) http.Handler {
	a := &app{
		has: map[string]bool{}, rand: rand.New(rand.NewPCG(7, 11)),
		sessions: map[string]string{}, failed: map[string]int{}, notes: map[string]note{}, pages: map[string]page{},
	}
	for _, n := range names {
		switch {
		case n == "all":
			for _, f := range flaws {
				a.has[f] = true
			}
		case slices.Contains(flaws, n):
			a.has[n] = true
		default:
			panic("injection: there is no flaw named " + n)
		}
	}
	if err := a.open(); err != nil {
		panic(fmt.Sprintf("injection: %v", err))
	}
	a.routes()
	return a
}

// Close removes what the service keeps on disk.
func (a *app) Close() error {
	err := a.db.Close()
	return first(err, os.RemoveAll(a.dir))
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// id makes the next identifier of what is created.
func (a *app) id() string {
	a.next++
	return fmt.Sprintf("%c%06d", 'n', 100000+a.next*37)
}

type userKey struct{}

// user is who calls, empty for nobody.
func user(r *http.Request) string {
	name, _ := r.Context().Value(userKey{}).(string)
	return name
}

func withUser(r *http.Request, name string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), userKey{}, name))
}

// hesitate makes an answer late now and then, as real services are: whoever
// measures time has to measure it more than once.
func (a *app) hesitate(r *http.Request) {
	a.mu.Lock()
	a.requests++
	late := a.requests%23 == 0
	by := time.Duration(50+a.rand.IntN(150)) * time.Millisecond
	a.mu.Unlock()
	if late {
		wait(r.Context(), by)
	}
}

// wait sleeps, or less when the caller has gone.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
