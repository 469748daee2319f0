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

	"durward/authn/keyring"
	"durward/config"
	"durward/internal/units"
	"durward/store"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make a key; it is shown once."`
	List   keyListCmd   `cmd:"" help:"List keys."`
	Show   keyShowCmd   `cmd:"" help:"Show what is known of one key."`
	Rotate keyRotateCmd `cmd:"" help:"Make a key that follows another; it is shown once, and the old one ends after an overlap."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke a key, or all of a consumer or holder; running gateways follow within a second."`
	Import keyImportCmd `cmd:"" help:"Take keys over from another gateway, or from another store with the same pepper."`
	Deny   keyDenyCmd   `cmd:"" help:"Put leaked keys on the deny list, for ever; they are never printed."`
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

// prefixes gives networks as the store has them.
func prefixes(networks []network) []netip.Prefix {
	var all []netip.Prefix
	for _, n := range networks {
		all = append(all, n.Prefix)
	}
	return all
}

// ring opens the store and gives all operations on its keys. The caller closes
// the store.
func (f *storeFlags) ring(ctx context.Context, create bool) (*keyring.Ring, *store.Store, error) {
	st, err := f.open(ctx, create)
	if err != nil {
		return nil, nil, err
	}
	return keyring.New(st, keyring.Options{}), st, nil
}

type keyCreateCmd struct {
	storeFlags
	Consumer    string         `required:"" help:"Who calls with the key; made when there is none yet." placeholder:"ID"`
	Name        string         `help:"What the key is for." placeholder:"TEXT"`
	Holder      []string       `help:"People or teams that get a copy; may be repeated." placeholder:"NAME"`
	Environment string         `default:"live" help:"Second part of the key's text: live, test, ..."`
	Role        []string       `help:"Roles of the key; may be repeated." placeholder:"NAME"`
	Scope       []string       `help:"Scopes of the key; may be repeated." placeholder:"NAME"`
	From        []network      `help:"Addresses or networks from which it may be used; default anywhere." placeholder:"CIDR"`
	DenyFrom    []network      `help:"Addresses or networks from which it may not be used, whatever --from says." placeholder:"CIDR"`
	Plan        string         `help:"Rate plan, as the quota of an API names it; default the consumer's." placeholder:"NAME"`
	Expires     units.Duration `help:"Life of the key, such as 90d; default for ever." placeholder:"DURATION"`
	JSON        bool           `name:"json" help:"Print id and key as JSON."`
}

func (c *keyCreateCmd) Run(ctx context.Context, s streams) error {
	ring, st, err := c.ring(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	made, err := ring.Create(ctx, keyring.Wish{
		Consumer: c.Consumer, Environment: c.Environment, Name: c.Name, Holders: c.Holder, Roles: c.Role, Scopes: c.Scope,
		Addresses: prefixes(c.From), Denied: prefixes(c.DenyFrom), Plan: c.Plan, Life: c.Expires.Std(), MakeConsumer: true,
	})
	if err != nil {
		return err
	}
	if made.MadeConsumer {
		fmt.Fprintf(s.err, "made the consumer %s\n", c.Consumer)
	}
	return showOnce(s, &made, c.JSON)
}

// showOnce prints a key that was just made, the text alone on standard output.
func showOnce(s streams, made *keyring.Made, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(s.out).Encode(map[string]string{
			"id": made.Key.ID, "key": made.Secret.Reveal(), "consumer": made.Key.Consumer,
		})
	}
	fmt.Fprintf(s.err, "key %s of %s; it is shown only now, and kept nowhere:\n", made.Key.ID, made.Key.Consumer)
	fmt.Fprintln(s.out, made.Secret.Reveal())
	return nil
}
