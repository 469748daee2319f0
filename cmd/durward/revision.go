// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"durward/revision"
	"durward/store"
)

// differ says what a revision does to the protection.
var differ revision.Differ = revision.Strength{}

// revisionFlags say which store is meant.
type revisionFlags struct {
	Store     string `required:"" help:"Store URL, such as sqlite:durward.db." placeholder:"URL"`
	Directory string `help:"Where the paths of keys, certificates and other files that stay on the node start; default the folder of the file to apply, else the current one." placeholder:"DIR"`
}

// open opens the store for what is done with revisions; only create makes one.
func (f *revisionFlags) open(ctx context.Context, create bool) (*store.Store, *revision.Manager, error) {
	st, err := (&storeFlags{Store: f.Store}).open(ctx, create)
	if err != nil {
		return nil, nil, err
	}
	return st, revision.New(st, revision.Options{URL: f.Store, Dir: f.Directory, Differ: differ, Env: os.LookupEnv}), nil
}

// authorFlag is who does it. Nothing proves it.
type authorFlag struct {
	Author string `help:"Who does it; default the user of this system. It is what you say: nothing proves it." placeholder:"NAME"`
}

func (f *authorFlag) author() (string, error) {
	if f.Author != "" {
		return f.Author, nil
	}
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "", errors.New("the system does not tell who you are: say --author NAME")
	}
	return u.Username, nil
}

// wishFlags are what an author says of a new revision.
type wishFlags struct {
	authorFlag
	Message     string `short:"m" help:"Why." placeholder:"TEXT"`
	Base        int64  `default:"-1" help:"The newest revision that you know; a conflict when there is a newer one. Default the newest when the command starts." placeholder:"N"`
	AllowWeaker bool   `help:"A weaker revision is meant. It stands in only where nobody has to approve."`
}

func (f *wishFlags) wish() (revision.Wish, error) {
	author, err := f.author()
	return revision.Wish{Author: author, Message: f.Message, Base: f.Base, AllowWeaker: f.AllowWeaker}, err
}

type applyCmd struct {
	revisionFlags
	wishFlags
	File string `arg:"" help:"Configuration file."`
}

func (c *applyCmd) Run(ctx context.Context, s streams) error {
	w, err := c.wish()
	if err != nil {
		return err
	}
	st, m, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	out, err := m.Apply(ctx, c.File, w)
	return proposed(s, &out, "not applied", err)
}

type rollbackCmd struct {
	revisionFlags
	wishFlags
	Number int64 `arg:"" help:"The revision whose configuration is to come back."`
}

func (c *rollbackCmd) Run(ctx context.Context, s streams) error {
	w, err := c.wish()
	if err != nil {
		return err
	}
	st, m, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	out, err := m.Rollback(ctx, c.Number, w)
	return proposed(s, &out, "not rolled back", err)
}

// proposed says what came of a proposal.
func proposed(s streams, out *revision.Outcome, not string, err error) error {
	if err != nil {
		return fmt.Errorf("%s, nothing has changed:\n%w", not, err)
	}
	r := &out.Revision
	if out.Same {
		fmt.Fprintf(s.out, "nothing to do: revision %d is this configuration\n", r.Number)
		return nil
	}
	printLabels(s, r.Labels)
	fmt.Fprintf(s.out, "revision %d is %s: configuration %s\n", r.Number, r.State, r.Fingerprint)
	if r.State == store.Pending {
		fmt.Fprintf(s.out, "somebody other than %s has to approve it: durward approve %d\n", plain(r.Author), r.Number)
	}
	return nil
}

func printLabels(s streams, labels []store.Label) {
	for _, l := range labels {
		fmt.Fprintf(s.out, "%-8s  %s\n", l.Effect, plain(l.Text))
	}
}

type approveCmd struct {
	revisionFlags
	authorFlag
	Number int64 `arg:"" help:"The pending revision."`
}

func (c *approveCmd) Run(ctx context.Context, s streams) error {
	return c.decide(ctx, s, (*store.Store).Approve, "not approved")
}

func (c *approveCmd) decide(ctx context.Context, s streams, do func(*store.Store, context.Context, int64, string) (store.Revision, error), not string) error {
	author, err := c.author()
	if err != nil {
		return err
	}
	st, _, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := do(st, ctx, c.Number, author)
	if err != nil {
		return fmt.Errorf("%s, nothing has changed:\n%w", not, about("revision", fmt.Sprint(c.Number), err))
	}
	printLabels(s, r.Labels)
	fmt.Fprintf(s.out, "revision %d of %s is %s by %s\n", r.Number, plain(r.Author), r.State, plain(r.DecidedBy))
	return nil
}

type revisionsRejectCmd struct{ approveCmd }

func (c *revisionsRejectCmd) Run(ctx context.Context, s streams) error {
	return c.decide(ctx, s, (*store.Store).Reject, "not rejected")
}

type revisionsRuleCmd struct {
	revisionFlags
	authorFlag
	Rule string `arg:"" enum:"weaker,all,none" help:"weaker, all or none."`
}

func (c *revisionsRuleCmd) Run(ctx context.Context, s streams) error {
	author, err := c.author()
	if err != nil {
		return err
	}
	st, _, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.RequireApproval(ctx, store.Approval(c.Rule), author); err != nil {
		return err
	}
	fmt.Fprintln(s.out, approvals(store.Approval(c.Rule)))
	return nil
}

func approvals(rule store.Approval) string {
	switch rule {
	case store.ApproveAll:
		return "every revision needs the approval of somebody else"
	case store.ApproveNone:
		return "no revision needs an approval; a weaker one needs --allow-weaker"
	}
	return "a weaker revision needs the approval of somebody else"
}

// firstLine is the start of a message for a table.
func firstLine(text string) string {
	line, _, more := strings.Cut(text, "\n")
	if more {
		line += " ..."
	}
	return line
}
