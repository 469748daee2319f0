// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"durward"
	"durward/authn"
	"durward/config"
	"durward/internal/units"
	"durward/store"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make a key; it is shown once."`
	List   keyListCmd   `cmd:"" help:"List keys."`
	Show   keyShowCmd   `cmd:"" help:"Show what is known of one key."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke a key; running gateways follow within a second."`
}

// storeFlags say which store is meant.
type storeFlags struct {
	configFlag
	Store string `help:"Store URL, such as sqlite:durward.db; else that of the configuration file." placeholder:"URL"`
}

// open opens the store; only create makes one that is not there yet, since an
// empty one is no answer to a misspelt path.
func (f *storeFlags) open(ctx context.Context, create bool) (*store.Store, error) {
	url := f.Store
	if url == "" {
		cfg, err := config.Load(f.Config, os.LookupEnv)
		if err != nil {
			return nil, fmt.Errorf("give --store, or a configuration that loads:\n%w", err)
		}
		url = cfg.Store
	}
	// A store in memory is that of one process: what is done here would be
	// gone at once, while it looks done.
	if strings.HasPrefix(url, "memory:") {
		return nil, errors.New("the store memory: belongs to one running gateway and cannot be reached from outside; use sqlite:PATH")
	}
	if path, err := store.ParseURL(url); err != nil {
		return nil, err
	} else if _, err := os.Stat(path); err != nil && !create {
		return nil, fmt.Errorf("no store: %w", err)
	}
	return store.Open(ctx, url, store.Options{Log: newLog(io.Discard, "error", "text")})
}

// network is a prefix such as 192.0.2.0/24, or one address.
type network struct{ netip.Prefix }

// UnmarshalText takes either.
func (n *network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		n.Prefix, err = addr.Unmap().Prefix(addr.Unmap().BitLen())
		return err
	}
	p, err := netip.ParsePrefix(string(text))
	switch {
	case err != nil || p.Addr().Is4In6():
		return fmt.Errorf("%q is neither an address nor a network such as 192.0.2.0/24 or 2001:db8::/32", text)
	case p != p.Masked():
		return fmt.Errorf("%s has bits set behind the prefix; write %s", p, p.Masked())
	}
	n.Prefix = p
	return nil
}

type keyCreateCmd struct {
	storeFlags
	Consumer    string         `required:"" help:"Who holds the key; made when there is none yet." placeholder:"ID"`
	Name        string         `help:"What the key is for." placeholder:"TEXT"`
	Environment string         `default:"live" help:"Second part of the key's text: live, test, ..."`
	Role        []string       `help:"Roles of the key; may be repeated." placeholder:"NAME"`
	Scope       []string       `help:"Scopes of the key; may be repeated." placeholder:"NAME"`
	From        []network      `help:"Addresses or networks from which it may be used; default anywhere." placeholder:"CIDR"`
	Expires     units.Duration `help:"Life of the key, such as 90d; default for ever." placeholder:"DURATION"`
	JSON        bool           `name:"json" help:"Print id and key as JSON."`
}

func (c *keyCreateCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	now := time.Now().UTC()
	text, id, hash, err := authn.MintKey(st.Pepper(), c.Environment)
	if err != nil {
		return err
	}
	key := durward.Key{
		ID: id, Environment: c.Environment, Consumer: c.Consumer, Name: c.Name, Hash: hash,
		Roles: c.Role, Scopes: c.Scope, Created: now,
	}
	for _, n := range c.From {
		key.Addresses = append(key.Addresses, n.Prefix)
	}
	if c.Expires > 0 {
		key.Expires = now.Add(c.Expires.Std())
	}
	made := false
	if _, err := st.Consumer(ctx, c.Consumer); errors.Is(err, durward.ErrNotFound) {
		if err := st.CreateConsumer(ctx, durward.Consumer{ID: c.Consumer, Name: c.Consumer, Created: now}); err != nil {
			return err
		}
		made = true
	} else if err != nil {
		return err
	}
	if err := st.CreateKey(ctx, key); err != nil {
		if made { // a command that failed has done nothing
			err = errors.Join(err, st.DeleteConsumer(ctx, c.Consumer))
		}
		return err
	}
	if made {
		fmt.Fprintf(s.err, "made the consumer %s\n", c.Consumer)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(map[string]string{"id": id, "key": text, "consumer": c.Consumer})
	}
	fmt.Fprintf(s.err, "key %s of %s; it is shown only now, and kept nowhere:\n", id, c.Consumer)
	fmt.Fprintln(s.out, text)
	return nil
}

type keyListCmd struct {
	storeFlags
	Consumer string `help:"Only the keys of this consumer." placeholder:"ID"`
	JSON     bool   `name:"json" help:"Print as JSON lines."`
}

func (c *keyListCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	keys, err := st.Keys(ctx, c.Consumer)
	if err != nil {
		return err
	}
	if c.JSON {
		for i := range keys {
			if err := json.NewEncoder(s.out).Encode(describe(&keys[i])); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tCONSUMER\tNAME\tROLES\tSTATE\tLAST USED")
	for i := range keys {
		d := describe(&keys[i])
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.ID, d.Consumer, plain(d.Name), strings.Join(d.Roles, ","), d.State, or(d.LastUsed, "never"))
	}
	return w.Flush()
}

// described is what may be shown of a key: everything but its hash.
type described struct {
	ID          string         `json:"id"`
	Consumer    string         `json:"consumer"`
	Name        string         `json:"name,omitempty"`
	Environment string         `json:"environment"`
	Roles       []string       `json:"roles,omitempty"`
	Scopes      []string       `json:"scopes,omitempty"`
	Addresses   []netip.Prefix `json:"addresses,omitempty"`
	State       string         `json:"state"`
	Created     string         `json:"created"`
	Expires     string         `json:"expires,omitempty"`
	Revoked     string         `json:"revoked,omitempty"`
	LastUsed    string         `json:"last_used,omitempty"`
}

func describe(k *durward.Key) described {
	d := described{
		ID: k.ID, Consumer: k.Consumer, Name: k.Name, Environment: k.Environment, Roles: k.Roles, Scopes: k.Scopes,
		Addresses: k.Addresses, State: "valid", Created: moment(k.Created), Expires: moment(k.Expires),
		Revoked: moment(k.Revoked), LastUsed: moment(k.LastUsed),
	}
	now := time.Now()
	switch {
	case !k.Revoked.IsZero() && !k.Revoked.After(now):
		d.State = "revoked"
	case !k.Expires.IsZero() && !k.Expires.After(now):
		d.State = "expired"
	}
	return d
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
	ID string `arg:"" help:"The key's id: the part between the second and third underscore."`
}

func (c *keyShowCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	k, _, err := st.Key(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("key %s: %w", plain(c.ID), err)
	}
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	return enc.Encode(describe(&k))
}

type keyRevokeCmd struct {
	storeFlags
	ID string `arg:"" help:"The key's id."`
}

func (c *keyRevokeCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.RevokeKey(ctx, c.ID, time.Now().UTC()); err != nil {
		return fmt.Errorf("key %s: %w", plain(c.ID), err)
	}
	fmt.Fprintf(s.out, "revoked %s\n", c.ID)
	return nil
}
