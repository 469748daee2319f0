// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package workflow

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type fault struct {
	status int
	text   string
}

func (f fault) Error() string { return f.text }

var (
	errLogin     = fault{http.StatusUnauthorized, "no session"}
	errForbidden = fault{http.StatusForbidden, "not allowed"}
	errNotFound  = fault{http.StatusNotFound, "not found"}
	errInvalid   = fault{http.StatusUnprocessableEntity, "not valid"}
	errState     = fault{http.StatusConflict, "not in this state"}
	errTooMany   = fault{http.StatusTooManyRequests, "too many attempts"}
)

const cookie = "sid"

func write(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
	return nil
}

func (o *office) read(r *http.Request, v any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return fault{http.StatusUnsupportedMediaType, "send JSON"}
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return errInvalid
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if d.Decode(v) != nil {
		return errInvalid
	}
	return nil
}

func long(text string, n int) bool { return utf8.RuneCountInString(text) > n }

func (o *office) next(kind string) string {
	o.serial++
	return kind + "-" + strconv.Itoa(o.serial)
}

func (o *office) person(name string) *person {
	i := slices.IndexFunc(o.people, func(p *person) bool { return p.Username == name })
	if i < 0 {
		return nil
	}
	return o.people[i]
}

type handler func(w http.ResponseWriter, r *http.Request, p *person) error

func (o *office) serve(h handler, open bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		var p *person
		if c, err := r.Cookie(cookie); err == nil {
			p = o.person(o.sessions[c.Value])
		}
		if name := r.URL.Query().Get("user"); o.flaws["identity-query"] && p != nil && name != "" {
			p = o.person(name)
		}
		err := error(errLogin)
		if open || p != nil {
			err = h(w, r, p)
		}
		var f fault
		switch {
		case err == nil:
		case errors.As(err, &f):
			write(w, f.status, map[string]any{"message": f.text})
		default:
			panic(err)
		}
	}
}

// managers is for managers, unless the flaw is planted.
func (o *office) managers(flaw string, h handler) http.HandlerFunc {
	return o.serve(func(w http.ResponseWriter, r *http.Request, p *person) error {
		if !p.Manager && !o.flaws[flaw] {
			return errForbidden
		}
		return h(w, r, p)
	}, false)
}

func (o *office) routes() http.Handler {
	mux := http.NewServeMux()
	on := func(pattern string, h handler) { mux.HandleFunc(pattern, o.serve(h, false)) }
	mux.HandleFunc("POST /session", o.serve(o.login, true))
	on("DELETE /session", o.logout)
	on("GET /me", o.me)
	on("PATCH /me", o.changeMe)
	on("POST /me/verify", o.verify)
	on("GET /people", o.listPeople)
	on("POST /transfers", o.transfer)

	on("GET /claims", o.listClaims)
	on("POST /claims", o.createClaim)
	on("GET /claims/{claim}", o.getClaim)
	on("PUT /claims/{claim}", o.updateClaim)
	on("DELETE /claims/{claim}", o.deleteClaim)
	on("POST /claims/{claim}/submit", o.submit)
	mux.HandleFunc("POST /claims/{claim}/approve", o.managers("", o.approve))
	mux.HandleFunc("POST /claims/{claim}/pay", o.managers("pay-by-anybody", o.pay))
	on("GET /claims/{claim}/comments", o.listComments)
	on("POST /claims/{claim}/comments", o.createComment)
	on("DELETE /claims/{claim}/comments/{comment}", o.deleteComment)

	on("GET /ideas", o.listIdeas)
	on("POST /ideas", o.createIdea)
	on("GET /ideas/{idea}", o.getIdea)
	on("POST /ideas/{idea}/votes", o.vote)
	mux.HandleFunc("POST /vouchers", o.managers("", o.createVoucher))
	on("POST /vouchers/redeem", o.redeem)

	mux.HandleFunc("GET /settings", o.serve(o.getSettings, false))
	mux.HandleFunc("PUT /settings", o.managers("settings-by-anybody", o.setSettings))
	mux.HandleFunc("GET /journal", o.managers("journal-by-anybody", o.getJournal))
	holidays := o.serve(o.holidays, o.flaws["missing-session"])
	mux.HandleFunc("GET /holidays", holidays)
	mux.HandleFunc("GET /health", o.serve(func(w http.ResponseWriter, _ *http.Request, _ *person) error {
		return write(w, http.StatusOK, map[string]any{"status": "ok"})
	}, true))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, map[string]any{"message": errNotFound.text})
	})
	return mux
}

const attempts, window = 5, 3 * time.Second

// login is refused after some failures for the same name.
func (o *office) login(w http.ResponseWriter, r *http.Request, _ *person) error {
	var in struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	if len(o.failures) > 10000 || len(o.sessions) > 10000 {
		return errTooMany
	}
	recent := slices.DeleteFunc(o.failures[in.Username], func(t time.Time) bool { return o.now().Sub(t) > window })
	if len(recent) >= attempts && !o.flaws["login-unlimited"] {
		w.Header().Set("Retry-After", "4")
		return errTooMany
	}
	p := o.person(in.Username)
	if p == nil || p.password != in.Password {
		o.failures[in.Username] = append(recent, o.now())
		return fault{http.StatusUnauthorized, "wrong name or password"}
	}
	delete(o.failures, in.Username)
	b := make([]byte, 16)
	rand.Read(b)
	id := hex.EncodeToString(b)
	o.sessions[id] = p.Username
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: id, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode})
	return write(w, http.StatusOK, map[string]any{"username": p.Username, "manager": p.Manager})
}

func (o *office) logout(w http.ResponseWriter, r *http.Request, _ *person) error {
	if c, err := r.Cookie(cookie); err == nil && !o.flaws["session-after-logout"] {
		delete(o.sessions, c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode})
	w.WriteHeader(http.StatusNoContent)
	return nil
}
