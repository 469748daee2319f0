// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package jwtshop is a shop's API with planted flaws, the ground truth of tests
// that attack: bearer tokens that are JSON Web Tokens, answers in an envelope
// {"data": …}, and 404 for what belongs to somebody else. Without a flaw it is
// the secure twin, on which nothing may be found. All state is in memory.
package jwtshop

import (
	_ "embed"
	"net/http"
	"slices"
	"sync"
	"time"
)

// OpenAPI is the document, Users the identities for a test run, Truth what is
// planted and by which findings it counts as found.
var (
	//go:embed openapi.yaml
	OpenAPI []byte
	//go:embed users.yaml
	Users []byte
	//go:embed truth.yaml
	Truth []byte
)

type user struct {
	ID       string  `json:"id"`
	Email    string  `json:"email"`
	Name     string  `json:"name"`
	Phone    string  `json:"phone"`
	Role     string  `json:"role"`
	Balance  float64 `json:"balance"`
	password string
}

type product struct {
	ID    int     `json:"id"`
	Name  string  `json:"name"`
	Price float64 `json:"price"`
}

type item struct {
	ID        int    `json:"id"`
	ProductID int    `json:"product_id"`
	Quantity  int    `json:"quantity"`
	Engraving string `json:"engraving,omitempty"`
}

type order struct {
	ID     int     `json:"id"`
	Note   string  `json:"note"`
	Status string  `json:"status"`
	Total  float64 `json:"total"`
	Items  []*item `json:"items"`
	owner  string
}

type address struct {
	ID     string `json:"id"`
	Street string `json:"street"`
	City   string `json:"city"`
	owner  string
}

type review struct {
	ID     int    `json:"id"`
	Text   string `json:"text"`
	Stars  int    `json:"stars"`
	Author string `json:"author"` // a user's name, for all to see
	// AuthorEmail is filled in by the flaw exposure-review-email only.
	AuthorEmail string `json:"author_email,omitempty"`
	owner       string
	product     int
}

type wishlist struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Shared bool   `json:"shared"`
	owner  string
}

type shop struct {
	flaws map[string]bool
	now   func() time.Time

	mu        sync.Mutex // guards all below
	users     []*user
	products  []*product
	orders    []*order
	addresses []*address
	reviews   []*review
	lists     []*wishlist
	revoked   map[string]bool        // jti of logged out tokens
	failures  map[string][]time.Time // of logins, by e-mail
	serial    int
}

// New makes a shop with these flaws; "all" is every one.
func New(flaws ...string) http.Handler {
	s := &shop{flaws: map[string]bool{}, now: time.Now, revoked: map[string]bool{}, failures: map[string][]time.Time{}, serial: 100}
	for _, f := range flaws {
		if f == "all" {
			for _, name := range Flaws {
				s.flaws[name] = true
			}
		}
		s.flaws[f] = true
	}
	s.seed()
	return s.routes()
}

func (s *shop) seed() {
	s.users = []*user{
		{"u-alice", "alice@shop.example", "Alice", "+44 1632 960011", "user", 25, "alice-pass-7"},
		{"u-bob", "bob@shop.example", "Bob", "+44 1632 960012", "user", 40, "bob-pass-8"},
		{"u-carol", "carol@shop.example", "Carol", "+44 1632 960013", "user", 5, "carol-pass-9"},
		{"u-root", "root@shop.example", "Root", "+44 1632 960010", "admin", 0, "root-pass-1"},
	}
	for i, name := range []string{"Teapot", "Kettle", "Mug"} {
		s.products = append(s.products, &product{i + 1, name, float64(i)*4 + 8.5})
	}
	s.orders = []*order{{ID: s.next(), Note: "leave at the door", Status: "new", Total: 17, owner: "u-carol",
		Items: []*item{{ID: s.next(), ProductID: 1, Quantity: 2, Engraving: "for Carol"}}}}
	s.addresses = []*address{{uuid(), "4 Long Lane", "Carlisle", "u-carol"}}
	s.reviews = []*review{{ID: s.next(), Text: "Pours well.", Stars: 5, Author: "Carol", owner: "u-carol", product: 1}}
}

func (s *shop) next() int { s.serial++; return s.serial }

func (s *shop) user(id string) *user {
	i := slices.IndexFunc(s.users, func(u *user) bool { return u.ID == id })
	if i < 0 {
		return nil
	}
	return s.users[i]
}
