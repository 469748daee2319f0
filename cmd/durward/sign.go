// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"durward"
	"durward/authn/httpsig"
	"durward/internal/units"
)

// maxSigned bounds what is read for a signature: keys and content.
const maxSigned = 64 << 20

type signCmd struct {
	URL       string         `arg:"" help:"Where the request goes."`
	KeyID     string         `name:"key-id" required:"" help:"The key's id in the gateway's configuration." placeholder:"ID"`
	Key       string         `help:"File with the private key (PEM or JWK) or the shared secret." placeholder:"FILE" xor:"key" required:""`
	SecretEnv string         `help:"Environment variable with the shared secret, or the key." placeholder:"VAR" xor:"key" required:""`
	Alg       string         `help:"Algorithm that the key must be of: hmac-sha256, ed25519, ecdsa-p256-sha256, rsa-pss-sha512." placeholder:"NAME"`
	Request   string         `short:"X" help:"Method; default GET, or POST with content." placeholder:"METHOD"`
	Header    []string       `short:"H" sep:"none" help:"Field line of the request; may be repeated." placeholder:"NAME: VALUE"`
	Data      string         `short:"d" help:"Content: text, or @FILE, or @- for standard input." placeholder:"TEXT"`
	Cover     []string       `sep:"none" help:"Component to cover, such as @method or content-type; may be repeated. Default what gateways ask for." placeholder:"COMPONENT"`
	Expires   units.Duration `help:"Life of the signature; default as long as the gateway takes it." placeholder:"DURATION"`
	Tag       string         `help:"Tag of the signature." placeholder:"TEXT"`
	Label     string         `default:"sig1" help:"Label of the signature."`
	NoNonce   bool           `help:"Leave out the nonce."`
	Output    string         `enum:"headers,curl,json" default:"headers" help:"headers (for curl -H @-), curl (a whole command) or json."`
	Send      bool           `help:"Send the request and print the answer's content."`
}

func (c *signCmd) Run(ctx context.Context, s streams) error {
	key, err := c.key()
	if err != nil {
		return err
	}
	body, err := c.content(os.Stdin)
	if err != nil {
		return err
	}
	given, err := headerLines(c.Header)
	if err != nil {
		return err
	}
	if c.Request == "" {
		c.Request = http.MethodGet
		if len(body) > 0 {
			c.Request = http.MethodPost
		}
	}
	added, err := httpsig.Sign(c.Request, c.URL, given, body, key, httpsig.SignOptions{
		Components: c.Cover, Lifetime: c.Expires.Std(), Tag: c.Tag, Label: c.Label, NoNonce: c.NoNonce,
	})
	if err != nil {
		return err
	}
	all := append(given, added...)
	switch {
	case c.Send:
		return c.send(ctx, s, all, body)
	case c.Output == "curl":
		return c.printCurl(s.out, all)
	case c.Output == "json":
		return printJSONHeader(s.out, all)
	}
	for _, f := range all {
		fmt.Fprintf(s.out, "%s: %s\n", f.Name, f.Value)
	}
	return nil
}

// key reads the key. It is never taken from the command line, which every
// process of the machine can read.
func (c *signCmd) key() (*httpsig.SigningKey, error) {
	if c.SecretEnv != "" {
		text, ok := os.LookupEnv(c.SecretEnv)
		if !ok {
			return nil, fmt.Errorf("the environment has no %s", c.SecretEnv)
		}
		return httpsig.NewSigningKey(c.KeyID, c.Alg, []byte(text))
	}
	text, err := readBounded(c.Key)
	if err != nil {
		return nil, err
	}
	return httpsig.NewSigningKey(c.KeyID, c.Alg, text)
}

func (c *signCmd) content(stdin io.Reader) ([]byte, error) {
	name, file := strings.CutPrefix(c.Data, "@")
	switch {
	case !file:
		return []byte(c.Data), nil
	case name == "-" && c.Output == "curl" && !c.Send:
		return nil, errors.New("standard input cannot be read a second time by curl; give a file")
	case name == "-":
		return readAll(stdin, "standard input")
	}
	return readBounded(name)
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path)
}

func readAll(r io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSigned+1))
	if err == nil && len(text) > maxSigned {
		err = fmt.Errorf("%s is larger than 64 MiB", name)
	}
	return text, err
}

// headerLines reads -H as curl does.
func headerLines(lines []string) (durward.Header, error) {
	var h durward.Header
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(line, "\r\n\x00") {
			return nil, fmt.Errorf("-H %q is not of the form NAME: VALUE", line)
		}
		h.Add(durward.CanonicalName(name), strings.Trim(value, " \t"))
	}
	return h, nil
}

// printCurl writes a command for a POSIX shell.
func (c *signCmd) printCurl(w io.Writer, all durward.Header) error {
	words := []string{"curl", "-X", shellQuote(c.Request)}
	for _, f := range all {
		line := f.Name + ": " + f.Value
		if f.Value == "" {
			line = f.Name + ";" // with a colon curl would leave the field out
		}
		words = append(words, "-H", shellQuote(line))
	}
	switch {
	case c.Data == "":
	case strings.HasPrefix(c.Data, "@"):
		words = append(words, "--data-binary", shellQuote(c.Data))
	default:
		words = append(words, "--data-raw", shellQuote(c.Data))
	}
	_, err := fmt.Fprintln(w, strings.Join(append(words, shellQuote(c.URL)), " "))
	return err
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// printJSONHeader writes an array of names and values: a name may occur twice.
func printJSONHeader(w io.Writer, all durward.Header) error {
	type line struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	lines := make([]line, 0, len(all))
	for _, f := range all {
		lines = append(lines, line{f.Name, f.Value})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(lines)
}

// send sends the request. A redirect is not followed: the signature is for
// this URL, and the next one may be a stranger's.
func (c *signCmd) send(ctx context.Context, s streams, all durward.Header, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, c.Request, c.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for _, f := range all {
		r.Header.Add(f.Name, f.Value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	fmt.Fprintln(s.err, answer.Proto, answer.Status)
	if _, err := io.Copy(s.out, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 400 {
		return fmt.Errorf("refused: %s", answer.Status)
	}
	return nil
}
