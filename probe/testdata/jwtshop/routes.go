// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package jwtshop

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// fault is an answer that is no success.
type fault struct {
	status int
	text   string
}

func (f fault) Error() string { return f.text }

var (
	errLogin     = fault{http.StatusUnauthorized, "log in first"}
	errNotFound  = fault{http.StatusNotFound, "there is no such thing"}
	errForbidden = fault{http.StatusForbidden, "that is for administrators"}
	errInvalid   = fault{http.StatusBadRequest, "the request is not valid"}
	errExists    = fault{http.StatusConflict, "that account exists"}
)

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func ok(w http.ResponseWriter, status int, v any) { write(w, status, map[string]any{"data": v}) }

func fail(w http.ResponseWriter, err error) {
	var f fault
	if !errors.As(err, &f) {
		f = fault{http.StatusInternalServerError, "internal error"}
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	write(w, f.status, map[string]any{"error": map[string]any{"message": f.text}})
}

// read takes a JSON body apart and refuses members that nobody knows.
func read(r *http.Request, v any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return fault{http.StatusUnsupportedMediaType, "send JSON"}
	}
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errInvalid
	}
	return nil
}

type handler func(w http.ResponseWriter, r *http.Request, u *user) error

// caller finds who calls, or nobody.
func (s *shop) caller(r *http.Request, legacy bool) *user {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		token = ""
		if s.flaws["token-in-query"] {
			token = r.URL.Query().Get("access_token")
		}
	}
	c, err := s.verify(token, legacy)
	if err != nil {
		return nil
	}
	if id := r.Header.Get("X-User-Id"); s.flaws["identity-header"] && id != "" {
		return s.user(id)
	}
	return s.user(c.Sub)
}

func (s *shop) open(h handler) http.HandlerFunc { return s.serve(h, false, "") }

func (s *shop) serve(h handler, legacy bool, need string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var u *user
		if need != "" {
			if u = s.caller(r, legacy); u == nil && need != "anybody" {
				fail(w, errLogin)
				return
			}
		}
		if err := h(w, r, u); err != nil {
			fail(w, err)
		}
	}
}

// admin is for administrators, unless the flaw is planted.
func (s *shop) admin(flaw string, h handler) http.HandlerFunc {
	return s.serve(func(w http.ResponseWriter, r *http.Request, u *user) error {
		if u.Role != "admin" && !s.flaws[flaw] {
			return errForbidden
		}
		return h(w, r, u)
	}, false, "user")
}

func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	const api = "/api/v1"
	on := func(pattern string, h http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+api+path, h)
	}
	auth := func(h handler) http.HandlerFunc { return s.serve(h, false, "user") }
	old := func(h handler) http.HandlerFunc { return s.serve(h, true, "user") }

	mux.HandleFunc("GET /.well-known/jwks.json", s.jwks)
	on("POST /auth/register", s.open(s.register))
	on("POST /auth/login", s.open(s.login))
	on("POST /auth/logout", auth(s.logout))
	on("GET /auth/me", auth(s.me))
	on("PATCH /auth/me", auth(s.changeMe))
	on("GET /users/{id}", auth(s.getUser))

	on("GET /products", s.open(s.listProducts))
	on("GET /products/{product}", s.open(s.getProduct))
	on("POST /products", s.admin("product-create", s.createProduct))
	on("PUT /products/{product}/price", s.admin("product-price", s.setPrice))
	on("DELETE /products/{product}", s.admin("", s.deleteProduct))
	on("GET /products/{product}/reviews", s.open(s.listReviews))
	on("POST /products/{product}/reviews", auth(s.createReview))
	on("PUT /products/{product}/reviews/{review}", auth(s.updateReview))
	on("DELETE /products/{product}/reviews/{review}", auth(s.deleteReview))

	on("GET /orders", auth(s.listOrders))
	on("POST /orders", auth(s.createOrder))
	on("GET /orders/{order}", auth(s.getOrder))
	on("PATCH /orders/{order}", auth(s.updateOrder))
	on("DELETE /orders/{order}", auth(s.deleteOrder))
	on("POST /orders/{order}/items", auth(s.addItem))
	on("GET /orders/{order}/items/{item}", auth(s.getItem))
	on("POST /orders/lookup", auth(s.lookupOrder))
	on("GET /receipts", auth(s.receipt))

	on("GET /addresses", old(s.listAddresses))
	on("POST /addresses", old(s.createAddress))
	on("GET /addresses/{address}", old(s.getAddress))
	on("PUT /addresses/{address}", old(s.updateAddress))
	on("DELETE /addresses/{address}", old(s.deleteAddress))

	on("GET /wishlists", auth(s.listWishlists))
	on("POST /wishlists", auth(s.createWishlist))
	on("GET /wishlists/{wishlist}", auth(s.getWishlist))
	on("DELETE /wishlists/{wishlist}", auth(s.deleteWishlist))

	stock := auth(s.stock)
	if s.flaws["auth-missing"] {
		stock = s.serve(s.stock, false, "anybody")
	}
	on("GET /stock", stock)
	on("GET /admin/users", s.admin("admin-users", s.adminUsers))
	on("GET /reports/sales", s.admin("report-sales", s.sales))
	s.shadows(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fail(w, errNotFound) })
	return mux
}

// shadows are operations that no document has.
func (s *shop) shadows(mux *http.ServeMux) {
	if s.flaws["shadow-old-version"] {
		mux.HandleFunc("GET /api/v0/orders", s.open(func(w http.ResponseWriter, _ *http.Request, _ *user) error {
			ok(w, http.StatusOK, s.orders)
			return nil
		}))
	}
	if s.flaws["shadow-debug"] {
		mux.HandleFunc("GET /debug/vars", func(w http.ResponseWriter, _ *http.Request) {
			write(w, http.StatusOK, map[string]any{"cmdline": []string{"/srv/shop/shop"}, "memstats": map[string]int{"Alloc": 123456}})
		})
	}
}

// long tells of a text with more than n characters.
func long(text string, n int) bool { return utf8.RuneCountInString(text) > n }
