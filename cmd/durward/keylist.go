// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"durward"
	"durward/authn/keyring"
	"durward/internal/units"
)

type keyListCmd struct {
	storeFlags
	Consumer string         `help:"Only the keys of this consumer." placeholder:"ID"`
	Holder   string         `help:"Only the keys of which this person or team has a copy." placeholder:"NAME"`
	State    string         `help:"Only those that are valid, expired, revoked or leaked." placeholder:"STATE"`
	Expiring units.Duration `help:"Only those that are good now and will not be in this time, such as 30d." placeholder:"DURATION"`
	Unused   units.Duration `help:"Only those that were made and last used longer ago than this." placeholder:"DURATION"`
	JSON     bool           `name:"json" help:"Print as JSON lines."`
}

func (c *keyListCmd) Run(ctx context.Context, s streams) error {
	ring, st, err := c.ring(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	q := keyring.Query{Consumer: c.Consumer, Holder: c.Holder, State: keyring.State(c.State)}
	now := time.Now()
	if c.Expiring > 0 {
		q.ExpiringBefore = now.Add(c.Expiring.Std())
	}
	if c.Unused > 0 {
		q.UnusedSince = now.Add(-c.Unused.Std())
	}
	keys, err := ring.List(ctx, q)
	if err != nil {
		return err
	}
	if c.JSON {
		return printKeys(s, keys)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tCONSUMER\tNAME\tROLES\tSTATE\tLAST USED")
	for i := range keys {
		d := describe(&keys[i])
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.ID, d.Consumer, plain(d.Name), strings.Join(d.Roles, ","), d.State, or(d.LastUsed, "never"))
	}
	return w.Flush()
}

// printKeys prints keys as JSON lines.
func printKeys(s streams, keys []durward.Key) error {
	for i := range keys {
		if err := json.NewEncoder(s.out).Encode(describe(&keys[i])); err != nil {
			return err
		}
	}
	return nil
}

// described is what may be shown of a key: everything but its hash.
type described struct {
	ID          string         `json:"id"`
	Consumer    string         `json:"consumer"`
	Name        string         `json:"name,omitempty"`
	Holders     []string       `json:"holders,omitempty"`
	Environment string         `json:"environment"`
	Roles       []string       `json:"roles,omitempty"`
	Scopes      []string       `json:"scopes,omitempty"`
	Addresses   []netip.Prefix `json:"addresses,omitempty"`
	Denied      []netip.Prefix `json:"denied,omitempty"`
	Plan        string         `json:"plan,omitempty"`
	State       string         `json:"state"`
	Created     string         `json:"created"`
	Expires     string         `json:"expires,omitempty"`
	Revoked     string         `json:"revoked,omitempty"`
	Leaked      string         `json:"leaked,omitempty"`
	LastUsed    string         `json:"last_used,omitempty"`
}

func describe(k *durward.Key) described {
	return described{
		ID: k.ID, Consumer: k.Consumer, Name: k.Name, Holders: k.Holders, Environment: k.Environment, Roles: k.Roles,
		Scopes: k.Scopes, Addresses: k.Addresses, Denied: k.Denied, Plan: k.Plan, State: string(keyring.StateOf(k, time.Now())),
		Created: moment(k.Created), Expires: moment(k.Expires), Revoked: moment(k.Revoked), Leaked: moment(k.Leaked),
		LastUsed: moment(k.LastUsed),
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

type keyShowCmd struct {
	storeFlags
	ID   string `arg:"" help:"The key's id: the part between the second and third underscore."`
	JSON bool   `name:"json" help:"Print as one line of JSON."`
}

func (c *keyShowCmd) Run(ctx context.Context, s streams) error {
	ring, st, err := c.ring(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	k, err := ring.Show(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("key %s: %w", plain(c.ID), err)
	}
	return printOne(s, describe(&k), c.JSON)
}

// printOne prints one thing as JSON, on one line or for people.
func printOne(s streams, v any, oneLine bool) error {
	enc := json.NewEncoder(s.out)
	if !oneLine {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}
