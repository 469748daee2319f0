// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"durward"
	"durward/internal/units"
	"durward/store"
)

type tokenCmd struct {
	Revoke   tokenRevokeCmd   `cmd:"" help:"Refuse a token, or all of a subject, before they expire; running gateways follow within a second."`
	List     tokenListCmd     `cmd:"" help:"List what is revoked."`
	Unrevoke tokenUnrevokeCmd `cmd:"" help:"Take a revocation back; what has not expired meanwhile is good again."`
}

// defaultRevocation is longer than most tokens live: as long as a capability
// can, at the most.
const defaultRevocation = 367 * 24 * time.Hour

// end is a moment, or how long from now.
type end struct {
	life units.Duration
	at   time.Time
}

// UnmarshalText takes either.
func (e *end) UnmarshalText(text []byte) error {
	if e.life.UnmarshalText(text) == nil {
		return nil
	}
	var err error
	if e.at, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("%q is neither a duration such as 30d nor a time such as 2030-01-01T00:00:00Z", text)
	}
	return nil
}

// from gives the moment, or otherwise where none was given.
func (e *end) from(now, otherwise time.Time) time.Time {
	switch {
	case !e.at.IsZero():
		return e.at
	case e.life > 0:
		return now.Add(e.life.Std())
	}
	return otherwise
}

type tokenRevokeCmd struct {
	storeFlags
	whichToken
	Until  end    `help:"When it may be forgotten, such as 30d or 2030-01-01T00:00:00Z; it must be after the token's end. Default the end that a token of --token has, else 367d." placeholder:"END"`
	Reason string `help:"Why, for the list." placeholder:"TEXT"`
	JSON   bool   `name:"json" help:"Print what was revoked as JSON lines."`
}

func (c *tokenRevokeCmd) Run(ctx context.Context, s streams) error {
	found, err := c.find(s, &c.storeFlags)
	if err != nil {
		return err
	}
	now := time.Now()
	for i := range found {
		r := &found[i]
		if r.Until.IsZero() {
			r.Until = now.Add(defaultRevocation)
		}
		r.Until, r.Reason = c.Until.from(now, r.Until), c.Reason
		if !r.Until.After(now) && c.Until == (end{}) {
			return errors.New("nothing is revoked: the token has expired already")
		}
	}
	st, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	done, err := st.Revoke(ctx, found)
	if err != nil {
		return fmt.Errorf("nothing is revoked: %w", err)
	}
	for i := range done {
		if c.JSON {
			err = printOne(s, describeRevocation(&done[i]), true)
		} else {
			fmt.Fprintf(s.out, "revoked %s until %s\n", named(&done[i]), moment(done[i].Until))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// named says for people which tokens a revocation is about.
func named(r *store.Revocation) string {
	if r.Subject != "" {
		return fmt.Sprintf("%s tokens of subject %s issued up to %s", plain(r.Issuer), plain(r.Subject), moment(r.At))
	}
	return fmt.Sprintf("%s token %s", plain(r.Issuer), plain(r.ID))
}

type tokenListCmd struct {
	storeFlags
	Issuer string `help:"Only those of this issuer." placeholder:"NAME"`
	JSON   bool   `name:"json" help:"Print as JSON lines."`
}

// describedRevocation is a revocation as JSON.
type describedRevocation struct {
	Issuer  string `json:"issuer"`
	ID      string `json:"id,omitempty"`
	Subject string `json:"subject,omitempty"`
	Revoked string `json:"revoked"`
	Until   string `json:"until"`
	Reason  string `json:"reason,omitempty"`
}

func describeRevocation(r *store.Revocation) describedRevocation {
	return describedRevocation{r.Issuer, r.ID, r.Subject, moment(r.At), moment(r.Until), r.Reason}
}

func (c *tokenListCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(w, "ISSUER\tTOKEN\tSUBJECT\tREVOKED\tUNTIL\tREASON")
	}
	for r, err := range st.Revocations(ctx) {
		if err != nil {
			return err
		}
		if c.Issuer != "" && r.Issuer != c.Issuer {
			continue
		}
		if c.JSON {
			if err := printOne(s, describeRevocation(&r), true); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(r.Issuer), or(plain(r.ID), "-"), or(plain(r.Subject), "-"), moment(r.At), moment(r.Until), plain(r.Reason))
	}
	return w.Flush()
}

type tokenUnrevokeCmd struct {
	storeFlags
	whichToken
}

func (c *tokenUnrevokeCmd) Run(ctx context.Context, s streams) error {
	found, err := c.find(s, &c.storeFlags)
	if err != nil {
		return err
	}
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	none := true
	for i := range found {
		err := st.Unrevoke(ctx, found[i])
		if errors.Is(err, durward.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		none = false
		what, id := "token", found[i].ID
		if found[i].Subject != "" {
			what, id = "subject", found[i].Subject
		}
		fmt.Fprintf(s.out, "no longer revoked: %s %s %s\n", plain(found[i].Issuer), what, plain(id))
	}
	if none {
		return errors.New("nothing of that name is revoked")
	}
	return nil
}
