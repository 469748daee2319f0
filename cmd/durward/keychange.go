// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"durward"
	"durward/authn/keyring"
	"durward/internal/units"
)

type keyRotateCmd struct {
	storeFlags
	ID      string         `arg:"" help:"The id of the key that is to end."`
	Overlap units.Duration `default:"24h" help:"How long the old key stays good beside the new one; 0s ends it now." placeholder:"DURATION"`
	Expires units.Duration `help:"Life of the new key, such as 90d; default as long as the old one's was." placeholder:"DURATION" xor:"life"`
	Forever bool           `help:"The new key does not expire." xor:"life"`
	JSON    bool           `name:"json" help:"Print id and key as JSON."`
}

func (c *keyRotateCmd) Run(ctx context.Context, s streams) error {
	ring, st, err := c.ring(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	how := keyring.Rotation{Overlap: c.Overlap.Std()}
	if life := c.Expires.Std(); life > 0 || c.Forever {
		how.Life = &life
	}
	made, old, err := ring.Rotate(ctx, c.ID, how)
	if err != nil {
		return fmt.Errorf("key %s: %w", plain(c.ID), err)
	}
	fmt.Fprintf(s.err, "key %s is good until %s\n", old.ID, moment(old.Expires))
	return showOnce(s, &made, c.JSON)
}

type keyRevokeCmd struct {
	storeFlags
	ID       string `arg:"" optional:"" help:"The key's id."`
	Consumer string `help:"All keys of this consumer instead." placeholder:"ID"`
	Holder   string `help:"All keys of which this person or team has a copy instead." placeholder:"NAME"`
	JSON     bool   `name:"json" help:"Print the revoked keys as JSON lines."`
}

func (c *keyRevokeCmd) Run(ctx context.Context, s streams) error {
	given := 0
	for _, one := range []string{c.ID, c.Consumer, c.Holder} {
		if one != "" {
			given++
		}
	}
	if given != 1 {
		return errors.New("give one of: a key's id, --consumer, --holder")
	}
	ring, st, err := c.ring(ctx, false)
	if err != nil {
		return err
	}
	defer st.Close()
	revoked, err := c.revoke(ctx, ring)
	if err != nil {
		return err
	}
	if c.JSON {
		return printKeys(s, revoked)
	}
	for i := range revoked {
		fmt.Fprintf(s.out, "revoked %s\n", revoked[i].ID)
	}
	if len(revoked) == 0 {
		fmt.Fprintln(s.err, "there is no key that was not revoked already")
	}
	return nil
}

func (c *keyRevokeCmd) revoke(ctx context.Context, ring *keyring.Ring) ([]durward.Key, error) {
	switch {
	case c.Consumer != "":
		revoked, err := ring.RevokeConsumer(ctx, c.Consumer)
		return revoked, about("consumer", c.Consumer, err)
	case c.Holder != "":
		revoked, err := ring.RevokeHolder(ctx, c.Holder)
		return revoked, about("holder", c.Holder, err)
	}
	k, err := ring.Revoke(ctx, c.ID)
	return []durward.Key{k}, about("key", c.ID, err)
}

// about says what an error is about.
func about(what, id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, plain(id), err)
}

type keyImportCmd struct {
	storeFlags
	File          string `arg:"" default:"-" help:"JSON lines, each with consumer and key, or with consumer, id, environment and hash; - is standard input."`
	MakeConsumers bool   `help:"Make the consumers that are not there yet."`
	DryRun        bool   `help:"Check everything, and store nothing."`
	JSON          bool   `name:"json" help:"Print the imported keys as JSON lines."`
}

func (c *keyImportCmd) Run(ctx context.Context, s streams) error {
	file, err := input(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	ring, st, err := c.ring(ctx, !c.DryRun)
	if err != nil {
		return err
	}
	defer st.Close()
	done, err := ring.Import(ctx, file, keyring.ImportOptions{MakeConsumers: c.MakeConsumers, DryRun: c.DryRun})
	if err != nil {
		return fmt.Errorf("nothing is imported:\n%w", err)
	}
	verb := "imported"
	if c.DryRun {
		verb = "would import"
	}
	fmt.Fprintf(s.err, "%s %d keys, made %d consumers; %d keys were there before\n", verb, len(done.Keys), len(done.Consumers), len(done.Present))
	if c.JSON {
		return printKeys(s, done.Keys)
	}
	for i := range done.Keys {
		fmt.Fprintf(s.out, "%s %s\n", done.Keys[i].ID, done.Keys[i].Consumer)
	}
	return nil
}

// input opens a file to read, or standard input for "-".
func input(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(name)
}

type keyDenyCmd struct {
	storeFlags
	File string   `help:"A text in which leaked keys stand; default standard input." placeholder:"FILE" xor:"what"`
	ID   []string `name:"id" help:"Deny by public id instead; may be repeated." placeholder:"ID" xor:"what"`
	Note string   `help:"Where they were found." placeholder:"TEXT"`
	JSON bool     `name:"json" help:"Print what was done as JSON."`
}

func (c *keyDenyCmd) Run(ctx context.Context, s streams) error {
	// A deny list may be made before the first key is: what leaked elsewhere
	// must not be imported.
	ring, st, err := c.ring(ctx, true)
	if err != nil {
		return err
	}
	defer st.Close()
	done, err := c.deny(ctx, ring)
	if err != nil {
		return fmt.Errorf("nothing is denied: %w", err)
	}
	ids := []string{}
	for i := range done.Keys {
		ids = append(ids, done.Keys[i].ID)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(map[string]any{"denied": done.Named, "keys": ids, "lines_without_key": done.Empty})
	}
	fmt.Fprintf(s.err, "%d texts or ids are on the deny list; %d are keys of this store; in %d lines there is none\n", done.Named, len(ids), done.Empty)
	for _, id := range ids {
		fmt.Fprintf(s.out, "denied %s\n", id)
	}
	return nil
}

func (c *keyDenyCmd) deny(ctx context.Context, ring *keyring.Ring) (keyring.Denied, error) {
	if len(c.ID) > 0 {
		return ring.DenyIDs(ctx, c.ID, c.Note)
	}
	name := c.File
	if name == "" {
		name = "-"
	}
	file, err := input(name)
	if err != nil {
		return keyring.Denied{}, err
	}
	defer file.Close()
	return ring.DenyTexts(ctx, file, c.Note)
}
