// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"durward"
	"durward/audit"
	"durward/audit/seal"
	"durward/config"
)

// unseal opens the keys that the configuration names, so that what is sealed can
// be found by its names and is shown. Without a configuration it stays sealed.
func (f *auditFlags) unseal(ctx context.Context) error {
	if f.Config == "" {
		return nil
	}
	cfg, err := config.Load(f.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	if f.Directory == audit.DefaultDirectory {
		f.Directory = cfg.Audit.Directory
	}
	if !cfg.Audit.Seal.On() {
		return nil
	}
	keys, err := seal.OpenKeys(ctx, cfg.Audit.WithKeys())
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever sealed
	}
	if err != nil {
		return err
	}
	// They are open until the process ends: no command uses two logs.
	auditHasher = keys
	auditOpener = func(line []byte) []byte {
		return audit.Opened(line, func(ev *durward.Event) error { return keys.Open(ctx, ev) })
	}
	return nil
}

// sealed loads a configuration for a command that changes its keys.
func sealed(path string) (*config.Config, error) {
	cfg, err := config.Load(path, os.LookupEnv)
	if err == nil && !cfg.Audit.Seal.On() {
		err = fmt.Errorf("%s has no audit.seal: nothing is sealed", path)
	}
	return cfg, err
}

type auditEraseCmd struct {
	configFlag
	Address []string `help:"Forget a client address (of IPv6 its /64) too; may be repeated." placeholder:"ADDRESS"`
	Target  []string `help:"Forget a key or an object too, as records of administration name it; may be repeated." placeholder:"KIND:ID"`
	Subject string   `arg:"" optional:"" help:"Who, as the credential names them."`
}

// Run destroys keys. The names stand in the command line of whoever types them,
// and in nothing that it prints or records.
func (c *auditEraseCmd) Run(ctx context.Context, s streams) error {
	if c.Subject == "" && len(c.Address) == 0 && len(c.Target) == 0 {
		return errors.New("name a subject, an address with --address, or a key or object with --target")
	}
	cfg, err := sealed(c.Config)
	if err != nil {
		return err
	}
	keys, err := seal.OpenKeys(ctx, cfg.Audit.WithKeys())
	if err != nil {
		return err
	}
	defer keys.Close()
	var failed []error
	if c.Subject != "" {
		failed = append(failed, erase(ctx, s, keys, cfg.Audit.Directory, seal.KindSubject, c.Subject))
	}
	for _, a := range c.Address {
		failed = append(failed, erase(ctx, s, keys, cfg.Audit.Directory, seal.KindAddress, a))
	}
	for _, target := range c.Target {
		failed = append(failed, erase(ctx, s, keys, cfg.Audit.Directory, seal.KindTarget, target))
	}
	return errors.Join(failed...)
}

// erase destroys one key and says what can no longer be read.
func erase(ctx context.Context, s streams, keys *seal.Opener, dir, kind, value string) error {
	tag, err := keys.Erase(ctx, kind, value)
	if err != nil {
		return err
	}
	if tag == "" {
		return fmt.Errorf("there is no key of this %s: it never called, or was erased before", kind)
	}
	fmt.Fprintf(s.out, "the key of %s %s is destroyed\n", kind, tag)
	n, first, last, err := audit.Named(dir, tag)
	switch {
	case err != nil:
		fmt.Fprintf(s.err, "the records cannot be counted: %v\n", err)
	case n == 0:
		fmt.Fprintln(s.out, "no record in the log was sealed with it")
	default:
		fmt.Fprintf(s.out, "%d records from %s to %s can no longer be opened: subject, address, user agent and path of them are lost\n", n, moment(first), moment(last))
	}
	fmt.Fprintln(s.out, "copies of the keys file, such as backups, still open them: destroy those too")
	return nil
}

type auditRekeyCmd struct {
	configFlag
	To string `required:"" help:"Configuration with the new audit.seal: its master_key or kms takes over. It may be of the same text otherwise." placeholder:"FILE"`
}

// Run wraps the root key anew. A gateway that runs goes on; it needs the new
// configuration at its next start.
func (c *auditRekeyCmd) Run(ctx context.Context, s streams) error {
	old, err := sealed(c.Config)
	if err != nil {
		return err
	}
	next, err := sealed(c.To)
	if err != nil {
		return err
	}
	if err := seal.Rekey(ctx, old.Audit.WithKeys(), next.Audit.WithKeys()); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "the keys are under the new master key; the old one opens old copies of the keys file only")
	return nil
}
