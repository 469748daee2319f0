// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"durward"
	"durward/store"
)

type consumerCmd struct {
	Create  consumerCreateCmd  `cmd:"" help:"Make a consumer: an application or partner that calls."`
	List    consumerListCmd    `cmd:"" help:"List consumers."`
	Show    consumerShowCmd    `cmd:"" help:"Show what is known of one consumer."`
	Set     consumerSetCmd     `cmd:"" help:"Change a consumer; running gateways follow within a second."`
	Disable consumerDisableCmd `cmd:"" help:"Refuse a consumer, with whatever credential it calls."`
	Enable  consumerEnableCmd  `cmd:"" help:"Take a disabled consumer back."`
	Delete  consumerDeleteCmd  `cmd:"" help:"Delete a consumer, and its keys."`
}

// describedConsumer is what is shown of a consumer.
type describedConsumer struct {
	ID        string         `json:"id"`
	Name      string         `json:"name,omitempty"`
	Roles     []string       `json:"roles,omitempty"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Denied    []netip.Prefix `json:"denied,omitempty"`
	Plan      string         `json:"plan,omitempty"`
	State     string         `json:"state"`
	Created   string         `json:"created"`
}

func describeConsumer(c *durward.Consumer) describedConsumer {
	d := describedConsumer{
		ID: c.ID, Name: c.Name, Roles: c.Roles, Addresses: c.Addresses, Denied: c.Denied, Plan: c.Plan,
		State: "enabled", Created: moment(c.Created),
	}
	if c.Disabled {
		d.State = "disabled"
	}
	return d
}

type consumerCreateCmd struct {
	storeFlags
	ID       string    `arg:"" help:"Stable id: a-z, 0-9, _ and -."`
	Name     string    `help:"What people call it; default the id." placeholder:"TEXT"`
	Role     []string  `help:"Roles of all its credentials; may be repeated." placeholder:"NAME"`
	From     []network `help:"Addresses or networks from which it may call; default anywhere." placeholder:"CIDR"`
	DenyFrom []network `help:"Addresses or networks from which it may not call, whatever --from says." placeholder:"CIDR"`
	Plan     string    `help:"Rate plan, as the quota of an API names it." placeholder:"NAME"`
	JSON     bool      `name:"json" help:"Print the consumer as JSON."`
}

func (c *consumerCreateCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	err = st.CreateConsumer(ctx, durward.Consumer{
		ID: c.ID, Name: or(c.Name, c.ID), Roles: c.Role, Addresses: prefixes(c.From), Denied: prefixes(c.DenyFrom), Plan: c.Plan,
	})
	if err != nil {
		return about("consumer", c.ID, err)
	}
	return done(ctx, s, st, c.ID, "made", c.JSON)
}

// done says what was done with a consumer.
func done(ctx context.Context, s streams, st *store.Store, id, verb string, asJSON bool) error {
	if !asJSON {
		fmt.Fprintf(s.out, "%s %s\n", verb, id)
		return nil
	}
	found, err := st.Consumer(ctx, id)
	if err != nil {
		return about("consumer", id, err)
	}
	return printOne(s, describeConsumer(&found), true)
}

type consumerListCmd struct {
	storeFlags
	JSON bool `name:"json" help:"Print as JSON lines."`
}

func (c *consumerListCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	all, err := st.Consumers(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		for i := range all {
			if err := json.NewEncoder(s.out).Encode(describeConsumer(&all[i])); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tROLES\tPLAN\tSTATE")
	for i := range all {
		d := describeConsumer(&all[i])
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.ID, plain(d.Name), strings.Join(d.Roles, ","), or(d.Plan, "-"), d.State)
	}
	return w.Flush()
}

type consumerShowCmd struct {
	storeFlags
	ID   string `arg:"" help:"The consumer's id."`
	JSON bool   `name:"json" help:"Print as one line of JSON."`
}

func (c *consumerShowCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	found, err := st.Consumer(ctx, c.ID)
	if err != nil {
		return about("consumer", c.ID, err)
	}
	return printOne(s, describeConsumer(&found), c.JSON)
}

type consumerSetCmd struct {
	storeFlags
	ID       string    `arg:"" help:"The consumer's id."`
	Name     *string   `help:"What people call it." placeholder:"TEXT"`
	Role     []string  `help:"Roles, instead of those that it has." placeholder:"NAME"`
	From     []network `help:"From where it may call, instead of what was set." placeholder:"CIDR"`
	DenyFrom []network `help:"From where it may not call, instead of what was set." placeholder:"CIDR"`
	Plan     *string   `help:"Rate plan." placeholder:"NAME"`
	Clear    []string  `help:"Take away: role, from, deny-from, plan; may be repeated." enum:"role,from,deny-from,plan" placeholder:"WHAT"`
	JSON     bool      `name:"json" help:"Print the consumer as JSON."`
}

// change gives what the flags ask for.
func (c *consumerSetCmd) change() (store.Change, error) {
	change := store.Change{Name: c.Name, Plan: c.Plan}
	from, denied := prefixes(c.From), prefixes(c.DenyFrom)
	for _, one := range []struct {
		name  string
		given bool
		set   func()
	}{
		{"role", len(c.Role) > 0, func() { change.Roles = &c.Role }},
		{"from", len(from) > 0, func() { change.Addresses = &from }},
		{"deny-from", len(denied) > 0, func() { change.Denied = &denied }},
		{"plan", c.Plan != nil, func() { change.Plan = new(string) }},
	} {
		cleared := slices.Contains(c.Clear, one.name)
		if cleared && one.given {
			return change, fmt.Errorf("--%s and --clear %s contradict each other", one.name, one.name)
		}
		if cleared || one.given && one.name != "plan" {
			one.set()
		}
	}
	if change == (store.Change{}) {
		return change, fmt.Errorf("there is nothing to change: give one of --name, --role, --from, --deny-from, --plan, --clear")
	}
	return change, nil
}

func (c *consumerSetCmd) Run(ctx context.Context, s streams) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	return update(ctx, s, &c.storeFlags, c.ID, change, "changed", c.JSON)
}

func update(ctx context.Context, s streams, f *storeFlags, id string, change store.Change, verb string, asJSON bool) error {
	st, err := f.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	if _, err := st.UpdateConsumer(ctx, id, change); err != nil {
		return about("consumer", id, err)
	}
	return done(ctx, s, st, id, verb, asJSON)
}

type consumerDisableCmd struct {
	storeFlags
	ID   string `arg:"" help:"The consumer's id."`
	JSON bool   `name:"json" help:"Print the consumer as JSON."`
}

func (c *consumerDisableCmd) Run(ctx context.Context, s streams) error {
	off := true
	return update(ctx, s, &c.storeFlags, c.ID, store.Change{Disabled: &off}, "disabled", c.JSON)
}

type consumerEnableCmd struct {
	storeFlags
	ID   string `arg:"" help:"The consumer's id."`
	JSON bool   `name:"json" help:"Print the consumer as JSON."`
}

func (c *consumerEnableCmd) Run(ctx context.Context, s streams) error {
	off := false
	return update(ctx, s, &c.storeFlags, c.ID, store.Change{Disabled: &off}, "enabled", c.JSON)
}

type consumerDeleteCmd struct {
	storeFlags
	ID       string `arg:"" help:"The consumer's id."`
	WithKeys bool   `help:"Delete its keys, too; without it a consumer with keys stays."`
	JSON     bool   `name:"json" help:"Print what was deleted as JSON."`
}

func (c *consumerDeleteCmd) Run(ctx context.Context, s streams) error {
	st, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	if _, err := st.Consumer(ctx, c.ID); err != nil {
		return about("consumer", c.ID, err)
	}
	keys, err := st.Keys(ctx, c.ID)
	if err != nil {
		return err
	}
	if len(keys) > 0 && !c.WithKeys {
		return fmt.Errorf("consumer %s has %d keys: disable it, or delete them along with --with-keys", plain(c.ID), len(keys))
	}
	if err := st.DeleteConsumer(ctx, c.ID); err != nil {
		return about("consumer", c.ID, err)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(map[string]any{"id": c.ID, "keys": len(keys)})
	}
	fmt.Fprintf(s.out, "deleted %s and %d keys\n", c.ID, len(keys))
	return nil
}
