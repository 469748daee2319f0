// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package workflow

import (
	"net/http"
	"slices"
)

func (o *office) me(w http.ResponseWriter, _ *http.Request, p *person) error {
	return write(w, http.StatusOK, p)
}

func (o *office) changeMe(w http.ResponseWriter, r *http.Request, p *person) error {
	var in struct {
		Department string `json:"department"`
		Manager    *bool  `json:"manager"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	if in.Department == "" || long(in.Department, 40) || in.Manager != nil && !o.flaws["mass-profile-manager"] {
		return errInvalid
	}
	p.Department = in.Department
	if in.Manager != nil {
		p.Manager = *in.Manager
	}
	return write(w, http.StatusOK, p)
}

// verify takes a code of four digits that came by letter; three guesses are
// allowed.
func (o *office) verify(w http.ResponseWriter, r *http.Request, p *person) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	if p.guesses >= 3 && !o.flaws["code-unlimited"] {
		return fault{http.StatusLocked, "no guesses are left"}
	}
	if in.Code != p.code {
		p.guesses++
		return fault{http.StatusForbidden, "wrong code"}
	}
	p.Verified = true
	return write(w, http.StatusOK, p)
}

// listPeople is for everybody who works here: names and departments.
func (o *office) listPeople(w http.ResponseWriter, _ *http.Request, _ *person) error {
	list := []map[string]any{}
	for _, p := range o.people {
		m := map[string]any{"username": p.Username, "department": p.Department}
		if o.flaws["exposure-people"] {
			m["iban"], m["password"] = p.iban, p.password
		}
		list = append(list, m)
	}
	return write(w, http.StatusOK, list)
}

// transfer gives some of one's credit to somebody else.
func (o *office) transfer(w http.ResponseWriter, r *http.Request, p *person) error {
	var in struct {
		To     string  `json:"to"`
		Amount float64 `json:"amount"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	to := o.person(in.To)
	if to == nil || in.Amount > 10000 || in.Amount < 0 && !o.flaws["negative-transfer"] {
		return errInvalid
	}
	if in.Amount > p.Credit {
		return fault{http.StatusConflict, "not so much credit"}
	}
	p.Credit -= in.Amount
	to.Credit += in.Amount
	return write(w, http.StatusCreated, map[string]any{"to": to.Username, "amount": in.Amount, "credit": p.Credit})
}

func (o *office) listIdeas(w http.ResponseWriter, _ *http.Request, _ *person) error {
	return write(w, http.StatusOK, o.ideas)
}

func (o *office) createIdea(w http.ResponseWriter, r *http.Request, p *person) error {
	var in struct {
		Title string `json:"title"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	if in.Title == "" || long(in.Title, 80) || len(o.ideas) > 5000 {
		return errInvalid
	}
	x := &idea{ID: o.next("idea"), Title: in.Title, Author: p.Username, voters: map[string]bool{}}
	o.ideas = append(o.ideas, x)
	return write(w, http.StatusCreated, x)
}

func (o *office) idea(r *http.Request) (*idea, error) {
	i := slices.IndexFunc(o.ideas, func(x *idea) bool { return x.ID == r.PathValue("idea") })
	if i < 0 {
		return nil, errNotFound
	}
	return o.ideas[i], nil
}

// getIdea is for everybody who works here.
func (o *office) getIdea(w http.ResponseWriter, r *http.Request, _ *person) error {
	x, err := o.idea(r)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, x)
}

// vote counts once for each person.
func (o *office) vote(w http.ResponseWriter, r *http.Request, p *person) error {
	x, err := o.idea(r)
	if err != nil {
		return err
	}
	if x.voters[p.Username] && !o.flaws["vote-twice"] {
		return fault{http.StatusConflict, "you voted already"}
	}
	x.voters[p.Username] = true
	x.Votes++
	return write(w, http.StatusCreated, x)
}

func (o *office) createVoucher(w http.ResponseWriter, r *http.Request, _ *person) error {
	var in struct {
		Value float64 `json:"value"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	if in.Value < 1 || in.Value > 100 || len(o.vouchers) > 5000 {
		return errInvalid
	}
	v := &voucher{Code: o.next("V"), Value: in.Value}
	o.vouchers = append(o.vouchers, v)
	return write(w, http.StatusCreated, v)
}

// redeem adds a voucher's value to one's credit; a code works once.
func (o *office) redeem(w http.ResponseWriter, r *http.Request, p *person) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	i := slices.IndexFunc(o.vouchers, func(v *voucher) bool { return v.Code == in.Code })
	if i < 0 {
		return errNotFound
	}
	v := o.vouchers[i]
	if v.used && !o.flaws["voucher-twice"] {
		return fault{http.StatusConflict, "that code was used"}
	}
	v.used = true
	p.Credit += v.Value
	return write(w, http.StatusOK, map[string]any{"credit": p.Credit})
}

func (o *office) getSettings(w http.ResponseWriter, _ *http.Request, _ *person) error {
	return write(w, http.StatusOK, map[string]any{"limit": o.limit})
}

func (o *office) setSettings(w http.ResponseWriter, r *http.Request, _ *person) error {
	var in struct {
		Limit *float64 `json:"limit"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	if in.Limit == nil || *in.Limit < 1000 || *in.Limit > 10000 {
		return errInvalid
	}
	o.limit = *in.Limit
	return write(w, http.StatusOK, map[string]any{"limit": o.limit})
}

func (o *office) getJournal(w http.ResponseWriter, _ *http.Request, _ *person) error {
	return write(w, http.StatusOK, map[string]any{"entries": append([]string{}, o.journal...)})
}

// holidays are the same for everybody who works here.
func (o *office) holidays(w http.ResponseWriter, _ *http.Request, _ *person) error {
	return write(w, http.StatusOK, []string{"2026-12-25", "2026-12-26"})
}
