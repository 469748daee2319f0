// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"durward/authn/capability"
	"durward/internal/units"
)

type capabilityCmd struct {
	Mint      capabilityMintCmd      `cmd:"" help:"Make a capability token; it is shown once."`
	Attenuate capabilityAttenuateCmd `cmd:"" help:"Narrow a token with more caveats; needs no key and asks nobody."`
	Inspect   capabilityInspectCmd   `cmd:"" help:"Show what a token allows; with the key also whether it is whole."`
}

// secretFlags say which key is meant. A secret never stands on the command
// line, where other users and the shell's history could read it.
type secretFlags struct {
	KeyFile   string `help:"File with the key's secret; a line break at its end is not part of it." placeholder:"FILE" xor:"secret"`
	SecretEnv string `help:"Environment variable with the key's secret." placeholder:"NAME" xor:"secret"`
}

func (f *secretFlags) given() bool { return f.KeyFile != "" || f.SecretEnv != "" }

// secret reads the secret as a configuration's ${file:PATH} would.
func (f *secretFlags) secret() (string, error) {
	text := os.Getenv(f.SecretEnv)
	if f.KeyFile != "" {
		b, err := readSmall(f.KeyFile, 64<<10)
		if err != nil {
			return "", err
		}
		text = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	}
	if len(text) < 32 {
		return "", errors.New("the key's secret must have at least 32 bytes")
	}
	return text, nil
}

// tokenFlags say where a token comes from.
type tokenFlags struct {
	TokenFile string `help:"File with the token; else it is read from standard input, so that it stands in no shell history." placeholder:"FILE"`
}

func (f *tokenFlags) read() (capability.Token, error) {
	b, err := readSmall(f.TokenFile, 2*capability.MaxText)
	if err != nil {
		return capability.Token{}, err
	}
	return capability.Parse(strings.TrimSpace(string(b)))
}

// readSmall reads a file, or standard input for no name.
func readSmall(name string, most int64) ([]byte, error) {
	in, title := os.Stdin, "standard input"
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, title = f, name
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s: longer than %d bytes", title, most)
	}
	return b, err
}

type capabilityMintCmd struct {
	secretFlags
	caveatFlags
	KeyID    string `name:"key-id" default:"main" help:"The key's id in the configuration." placeholder:"ID"`
	Consumer string `required:"" help:"Who the token is for: the id of a consumer." placeholder:"ID"`
	Subject  string `help:"For whom that consumer acts; default the consumer itself." placeholder:"TEXT"`
}

// defaultLife is that of a token that does not say how long it lives.
const defaultLife = units.Duration(time.Hour)

func (c *capabilityMintCmd) Run(s streams) error {
	if !c.given() {
		return errors.New("give --key-file or --secret-env")
	}
	secret, err := c.secret()
	if err != nil {
		return err
	}
	if c.Expires == 0 && c.NotAfter.IsZero() {
		c.Expires = defaultLife
	}
	now := time.Now()
	caveats, err := c.caveats(now)
	if err != nil {
		return err
	}
	t, err := capability.Mint(capability.Key{ID: c.KeyID, Secret: secret},
		capability.Root{Consumer: c.Consumer, Subject: c.Subject, Issued: now}, caveats...)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%s of %s; whoever has it can use it:\n", t, c.Consumer)
	fmt.Fprintln(s.out, t.Text())
	return nil
}

type capabilityAttenuateCmd struct {
	tokenFlags
	caveatFlags
}

func (c *capabilityAttenuateCmd) Run(s streams) error {
	caveats, err := c.caveats(time.Now())
	if err != nil {
		return err
	}
	if len(caveats) == 0 {
		return errors.New("give at least one caveat; see durward capability attenuate --help")
	}
	t, err := c.read()
	if err != nil {
		return err
	}
	if t, err = t.Attenuate(caveats...); err != nil {
		return err
	}
	fmt.Fprintln(s.out, t.Text())
	return nil
}

type capabilityInspectCmd struct {
	tokenFlags
	secretFlags
	JSON bool `name:"json" help:"Print as JSON."`
}

// inspected is what is shown of a token: all but its tag.
type inspected struct {
	Version  int                 `json:"version"`
	KeyID    string              `json:"key_id"`
	ID       string              `json:"id"`
	Consumer string              `json:"consumer"`
	Subject  string              `json:"subject"`
	Issued   string              `json:"issued"`
	Caveats  []capability.Caveat `json:"caveats"`
	Chain    string              `json:"chain"` // "not checked", "whole", "broken"
}

// Run shows a token. A chain that does not fit the key that was given is
// shown too, and is an error.
func (c *capabilityInspectCmd) Run(s streams) error {
	t, err := c.read()
	if err != nil {
		return err
	}
	d := inspected{
		Version: 1, KeyID: t.KeyID, ID: t.ID, Consumer: t.Consumer, Subject: t.Subject,
		Issued: moment(t.Issued), Caveats: append([]capability.Caveat{}, t.Caveats...), Chain: "not checked",
	}
	var broken error
	if c.given() {
		secret, err := c.secret()
		if err != nil {
			return err
		}
		if d.Chain = "whole"; t.Verify([]byte(secret)) != nil {
			d.Chain, broken = "broken", t.Verify([]byte(secret))
		}
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return errors.Join(enc.Encode(d), broken)
	}
	return errors.Join(d.print(s.out), broken)
}

func (d *inspected) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "capability\t%s\nkey\t%s\nconsumer\t%s\n", d.ID, d.KeyID, d.Consumer)
	if d.Subject != "" {
		fmt.Fprintf(w, "subject\t%s\n", plain(d.Subject))
	}
	fmt.Fprintf(w, "issued\t%s\nchain\t%s\n", d.Issued, d.Chain)
	for i, c := range d.Caveats {
		fmt.Fprintf(w, "caveat %d\t%s\n", i+1, c)
	}
	return w.Flush()
}
