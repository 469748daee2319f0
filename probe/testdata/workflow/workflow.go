// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workflow is an API for expense claims with planted flaws, the ground
// truth of tests that attack: sessions in cookies, plain objects, 403 for what
// belongs to somebody else, and claims that go from draft to submitted, approved
// and paid. Without a flaw it is the secure twin, on which nothing may be found.
// All state is in memory.
package workflow

import (
	_ "embed"
	"net/http"
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

// Flaws are all that can be planted; truth.yaml says of each where it shows.
var Flaws = []string{
	// Order and repetition.
	"skip-approval", "skip-submission", "self-approval", "use-after-delete", "voucher-twice", "vote-twice",
	"negative-amount", "negative-transfer",
	// Sessions.
	"login-unlimited", "code-unlimited", "session-after-logout", "missing-session", "identity-query",
	// Objects.
	"claim-read", "claim-update", "claim-delete", "claim-submit", "comment-read", "comment-delete", "claim-list",
	// Functions.
	"pay-by-anybody", "settings-by-anybody", "journal-by-anybody",
	// Properties.
	"mass-claim-status", "mass-profile-manager", "exposure-people",
}

type person struct {
	Username   string  `json:"username"`
	Department string  `json:"department"`
	Manager    bool    `json:"manager"`
	Credit     float64 `json:"credit"`
	Verified   bool    `json:"verified"`
	password   string
	iban       string
	code       string // that makes them verified
	guesses    int
}

type claim struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Amount float64 `json:"amount"`
	Status string  `json:"status"`
	Owner  string  `json:"owner"`
	gone   bool
}

type comment struct {
	ID     string `json:"id"`
	Claim  string `json:"claim"`
	Author string `json:"author"`
	Text   string `json:"text"`
}

type idea struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Author string `json:"author"`
	Votes  int    `json:"votes"`
	voters map[string]bool
}

type voucher struct {
	Code  string  `json:"code"`
	Value float64 `json:"value"`
	used  bool
}

type office struct {
	flaws map[string]bool
	now   func() time.Time

	mu       sync.Mutex // guards all below
	people   []*person
	claims   []*claim
	comments []*comment
	ideas    []*idea
	vouchers []*voucher
	journal  []string
	limit    float64
	sessions map[string]string      // id to username
	failures map[string][]time.Time // of logins, by username
	serial   int
}

// New makes an office with these flaws; "all" is every one.
func New(flaws ...string) http.Handler {
	o := &office{flaws: map[string]bool{}, now: time.Now, limit: 5000, serial: 1000,
		sessions: map[string]string{}, failures: map[string][]time.Time{}}
	for _, f := range flaws {
		if f == "all" {
			for _, name := range Flaws {
				o.flaws[name] = true
			}
		}
		o.flaws[f] = true
	}
	o.people = []*person{
		{Username: "alice", Department: "sales", password: "alice-pass-7", iban: "GB82WEST12345698765432", code: "4711"},
		{Username: "bob", Department: "design", password: "bob-pass-8", iban: "GB33BUKB20201555555555", code: "8224"},
		{Username: "carol", Department: "sales", password: "carol-pass-9", iban: "GB94BARC10201530093459", code: "1733"},
		{Username: "mia", Department: "head office", Manager: true, password: "mia-pass-1", iban: "GB15HBUK40127612345678", code: "5518"},
	}
	o.claims = []*claim{{ID: o.next("clm"), Title: "Train to Leeds", Amount: 84.5, Status: "submitted", Owner: "carol"}}
	o.comments = []*comment{{o.next("com"), o.claims[0].ID, "carol", "the ticket is attached"}}
	o.ideas = []*idea{{ID: o.next("idea"), Title: "Plants", Author: "carol", voters: map[string]bool{}}}
	return o.routes()
}
