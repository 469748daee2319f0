// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"
)

// maxFailed is how many logins of one name may fail in a row.
const maxFailed = 10

func (a *app) accountRoutes() []operation {
	return []operation{
		{"POST /login", true, a.login},
		{"GET /me", false, a.me},
	}
}

// login gives a token for a name and a password.
//
// Flaws: login-sql builds the query from the text; login-rate lets anybody try
// as often as they like.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username, Password string }
	if !a.body(w, r, &in) {
		return
	}
	if !a.has["login-rate"] && a.tooMany(in.Username) {
		w.Header().Set("Retry-After", "30")
		fail(w, http.StatusTooManyRequests, "too many failed logins")
		return
	}
	var name string
	var err error
	if a.has["login-sql"] {
		err = a.db.QueryRowContext(r.Context(),
			"SELECT name FROM users WHERE name = '"+in.Username+"' AND password = '"+in.Password+"'").Scan(&name)
	} else {
		err = a.db.QueryRowContext(r.Context(),
			"SELECT name FROM users WHERE name = ? AND password = ?", in.Username, in.Password).Scan(&name)
	}
	if err != nil {
		a.mu.Lock()
		a.failed[in.Username]++
		a.mu.Unlock()
		fail(w, http.StatusUnauthorized, "wrong name or password")
		return
	}
	token := rand.Text()
	a.mu.Lock()
	delete(a.failed, in.Username)
	a.sessions[token] = name
	a.mu.Unlock()
	reply(w, http.StatusOK, object{"token": token, "user": name, "issued_at": time.Now().UTC().Format(time.RFC3339Nano)})
}

func (a *app) tooMany(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed[name] >= maxFailed
}

// session is the name behind the request's token, or empty.
func (a *app) session(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sessions[token]
}

// me is the caller's own record.
//
// Flaw: cacheable tells every cache on the way to keep it.
func (a *app) me(w http.ResponseWriter, r *http.Request) {
	if a.has["cacheable"] {
		w.Header().Set("Cache-Control", "public, max-age=600")
	}
	name := user(r)
	reply(w, http.StatusOK, object{"name": name, "email": name + "@warehouse.example"})
}
