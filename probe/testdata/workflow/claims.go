// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package workflow

import (
	"net/http"
	"slices"
)

func (o *office) note(text string) {
	o.journal = append(o.journal, text)
	o.journal = o.journal[max(0, len(o.journal)-200):]
}

// claim finds a claim that p may use: their own; managers, those that were
// submitted.
func (o *office) claim(r *http.Request, p *person, flaw string) (*claim, error) {
	i := slices.IndexFunc(o.claims, func(c *claim) bool { return c.ID == r.PathValue("claim") })
	if i < 0 || o.claims[i].gone && !o.flaws["use-after-delete"] {
		return nil, errNotFound
	}
	c := o.claims[i]
	if c.Owner == p.Username || p.Manager && c.Status != "draft" || o.flaws[flaw] {
		return c, nil
	}
	if p.Manager && o.flaws["skip-submission"] {
		return c, nil
	}
	return nil, errForbidden
}

func (o *office) listClaims(w http.ResponseWriter, r *http.Request, p *person) error {
	list := []*claim{}
	for _, c := range o.claims {
		if !c.gone && (c.Owner == p.Username || p.Manager && c.Status != "draft" || o.flaws["claim-list"]) {
			list = append(list, c)
		}
	}
	return write(w, http.StatusOK, list)
}

type claimIn struct {
	Title  string  `json:"title"`
	Amount float64 `json:"amount"`
	Status string  `json:"status"`
}

func (o *office) readClaim(r *http.Request) (claimIn, error) {
	var in claimIn
	if err := o.read(r, &in); err != nil {
		return in, err
	}
	if in.Title == "" || long(in.Title, 80) || in.Amount > o.limit || in.Amount < 0.01 && !o.flaws["negative-amount"] ||
		in.Status != "" && !o.flaws["mass-claim-status"] {
		return in, errInvalid
	}
	return in, nil
}

func (o *office) createClaim(w http.ResponseWriter, r *http.Request, p *person) error {
	in, err := o.readClaim(r)
	if err != nil || len(o.claims) > 20000 {
		return errInvalid
	}
	c := &claim{ID: o.next("clm"), Title: in.Title, Amount: in.Amount, Status: "draft", Owner: p.Username}
	if in.Status != "" {
		c.Status = in.Status
	}
	o.claims = append(o.claims, c)
	o.note(p.Username + " created " + c.ID)
	return write(w, http.StatusCreated, c)
}

func (o *office) getClaim(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "claim-read")
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, c)
}

func (o *office) updateClaim(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "claim-update")
	if err != nil {
		return err
	}
	if c.Owner != p.Username && !o.flaws["claim-update"] {
		return errForbidden
	}
	in, err := o.readClaim(r)
	if err != nil {
		return err
	}
	if c.Status != "draft" {
		return errState
	}
	c.Title, c.Amount = in.Title, in.Amount
	if in.Status != "" {
		c.Status = in.Status
	}
	return write(w, http.StatusOK, c)
}

func (o *office) deleteClaim(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "claim-delete")
	if err != nil {
		return err
	}
	if c.Owner != p.Username && !o.flaws["claim-delete"] {
		return errForbidden
	}
	if c.Status != "draft" && c.Status != "submitted" {
		return errState
	}
	c.gone = true
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// move takes a claim from one state to the next.
func (o *office) move(w http.ResponseWriter, c *claim, p *person, from, to string, skip bool) error {
	if c.Status != from && !skip {
		return errState
	}
	c.Status = to
	o.note(p.Username + " made " + c.ID + " " + to)
	return write(w, http.StatusOK, c)
}

func (o *office) submit(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "claim-submit")
	if err != nil {
		return err
	}
	if c.Owner != p.Username && !o.flaws["claim-submit"] {
		return errForbidden
	}
	return o.move(w, c, p, "draft", "submitted", false)
}

// approve is for managers, and never for one's own claim.
func (o *office) approve(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "")
	if err != nil {
		return err
	}
	if c.Owner == p.Username && !o.flaws["self-approval"] {
		return errForbidden
	}
	return o.move(w, c, p, "submitted", "approved", o.flaws["skip-submission"] && c.Status == "draft")
}

func (o *office) pay(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "pay-by-anybody")
	if err != nil {
		return err
	}
	return o.move(w, c, p, "approved", "paid", o.flaws["skip-approval"] && c.Status == "submitted")
}

func (o *office) listComments(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "comment-read")
	if err != nil {
		return err
	}
	list := []*comment{}
	for _, x := range o.comments {
		if x.Claim == c.ID {
			list = append(list, x)
		}
	}
	return write(w, http.StatusOK, list)
}

func (o *office) createComment(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "")
	if err != nil {
		return err
	}
	var in struct {
		Text string `json:"text"`
	}
	if err := o.read(r, &in); err != nil {
		return err
	}
	if in.Text == "" || long(in.Text, 300) || len(o.comments) > 20000 {
		return errInvalid
	}
	x := &comment{o.next("com"), c.ID, p.Username, in.Text}
	o.comments = append(o.comments, x)
	return write(w, http.StatusCreated, x)
}

func (o *office) deleteComment(w http.ResponseWriter, r *http.Request, p *person) error {
	c, err := o.claim(r, p, "comment-delete")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(o.comments, func(x *comment) bool { return x.Claim == c.ID && x.ID == r.PathValue("comment") })
	if i < 0 {
		return errNotFound
	}
	if o.comments[i].Author != p.Username && !o.flaws["comment-delete"] {
		return errForbidden
	}
	o.comments = slices.Delete(o.comments, i, i+1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
