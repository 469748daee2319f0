// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"durward/examples/issuer"
	"durward/store"
)

func init() {
	commands["other"] = (*world).cmdOther
	commands["jwks"] = (*world).cmdJWKS
	commands["fetches"] = (*world).cmdFetches
	commands["forge"] = (*world).cmdForge
	commands["forge-key"] = (*world).cmdForgeKey
	commands["consumer"] = (*world).cmdConsumer
	commands["storelock"] = (*world).cmdStoreLock
	commands["capture"] = (*world).cmdCapture
}

// cmdOther: "other VARIABLE SUBJECT [ROLE...]" mints a token of a second
// issuer, which it starts first and whose URL is $OTHER.
func (w *world) cmdOther(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: other VARIABLE SUBJECT [ROLE...]")
	}
	is, err := issuer.New(issuer.Options{})
	if err != nil {
		return err
	}
	server := httptest.NewServer(is.Handler())
	ts.Defer(server.Close)
	is.SetURL(server.URL)
	ts.Setenv("OTHER", server.URL)
	token, err := is.Mint(issuer.Claims{"sub": args[1], "roles": args[2:]})
	ts.Setenv(args[0], token)
	return err
}

// cmdJWKS: "jwks FILE" writes the issuer's key set as it is now.
func (w *world) cmdJWKS(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: jwks FILE")
	}
	// Renamed into place, as an operator should, so that nobody reads half of it.
	path := ts.MkAbs(args[0])
	if err := os.WriteFile(path+".new", w.issuer.JWKS(), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// cmdFetches: "fetches" says how often the issuer's key set was asked for.
func (w *world) cmdFetches(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errors.New("usage: fetches")
	}
	fmt.Fprintf(w.stdout(ts), "%d\n", w.issuer.Fetches())
	return nil
}

// cmdForge: "forge VARIABLE TOKEN ATTACK" makes a token that must be refused out
// of a good one. The attacks: none (alg none, no signature), None, none-signed
// (alg none before the signature that was there), hs256-jwk and
// hs256-pem (signed with the issuer's public key as a secret), payload (another
// subject under the old signature), jwk, jku, x5u, crit and zip (that header
// parameter under the old signature), unsigned (no signature), cut (half a
// signature), two (two parts) and long (more than 8 KiB).
func (w *world) cmdForge(ts *testscript.TestScript, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: forge VARIABLE TOKEN ATTACK")
	}
	parts := strings.Split(args[1], ".")
	if len(parts) != 3 {
		return errors.New("forge: that is no token")
	}
	forged, err := w.forge(parts, args[2])
	if err != nil {
		return err
	}
	ts.Setenv(args[0], forged)
	return nil
}

func (w *world) forge(parts []string, attack string) (string, error) {
	header, payload, signature := parts[0], parts[1], parts[2]
	switch attack {
	case "none", "None":
		return part(`{"alg":"`+attack+`","typ":"at+jwt"}`) + "." + payload + ".", nil
	case "none-signed":
		return part(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + "." + signature, nil
	case "hs256-jwk", "hs256-pem":
		return w.forgeSymmetric(payload, attack == "hs256-pem")
	case "payload":
		claims, err := change(payload, "sub", "ada")
		return header + "." + claims + "." + signature, err
	case "jwk", "jku", "x5u", "crit", "zip":
		var value any = "https://attacker.example/keys"
		switch attack {
		case "jwk":
			value = map[string]string{"kty": "oct", "k": "AAAA"}
		case "crit":
			value = []string{"b64"}
		}
		changed, err := change(header, attack, value)
		return changed + "." + payload + "." + signature, err
	case "unsigned":
		return header + "." + payload + ".", nil
	case "cut":
		return header + "." + payload + "." + signature[:len(signature)/2], nil
	case "two":
		return header + "." + payload, nil
	case "long":
		return header + "." + payload + "." + strings.Repeat("A", 9000), nil
	}
	return "", fmt.Errorf("forge: unknown attack %s", attack)
}

// forgeSymmetric signs with what everybody can read, for a verifier that lets
// the token choose the algorithm.
func (w *world) forgeSymmetric(payload string, asPEM bool) (string, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(w.issuer.JWKS(), &set); err != nil {
		return "", err
	}
	for _, key := range set.Keys {
		if key.Algorithm != "RS256" {
			continue
		}
		secret, err := key.MarshalJSON()
		if asPEM {
			if secret, err = x509.MarshalPKIXPublicKey(key.Key); err == nil {
				secret = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: secret})
			}
		}
		if err != nil {
			return "", err
		}
		signed := part(`{"alg":"HS256","typ":"at+jwt","kid":"`+key.KeyID+`"}`) + "." + payload
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
	}
	return "", errors.New("forge: the issuer has no RS256 key")
}

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// change sets one member of a part of a token.
func change(encoded, name string, value any) (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return "", err
	}
	members[name] = value
	text, err = json.Marshal(members)
	return part(string(text)), err
}

// cmdCapture: "capture VARIABLE REGEXP" puts what the regular expression's
// first group finds in the stdout of the last command into a variable.
func (w *world) cmdCapture(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: capture VARIABLE REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return err
	}
	found := re.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		return fmt.Errorf("capture: %q is not in stdout, or has not one group", args[1])
	}
	ts.Setenv(args[0], found[1])
	return nil
}

// cmdForgeKey: "forge-key VARIABLE KEY" changes a key's secret, and makes its
// checksum anew, so that the key looks right.
func (w *world) cmdForgeKey(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: forge-key VARIABLE KEY")
	}
	at := strings.LastIndexByte(args[1], '_') + 1
	if at == 0 {
		return errors.New("forge-key: that is no key")
	}
	ts.Setenv(args[0], sealKey(args[1][:at]+strings.Repeat("0", len(args[1])-at-6)))
	return nil
}

// sealKey puts the checksum behind the text of a key.
func sealKey(body string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := make([]byte, 6)
	for n, i := crc32.ChecksumIEEE([]byte(body)), 5; i >= 0; i, n = i-1, n/62 {
		sum[i] = digits[n%62]
	}
	return body + string(sum)
}

// cmdConsumer: "consumer disable|enable ID".
func (w *world) cmdConsumer(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[0] != "disable" && args[0] != "enable" {
		return errors.New("usage: consumer disable|enable ID")
	}
	off := args[0] == "disable"
	_, err := w.gateway.Store().UpdateConsumer(context.Background(), args[1], store.Change{Disabled: &off})
	return err
}

// cmdStoreLock: "storelock FILE COMMAND ARG..." does a command, one of those of
// scripts or durward, while it holds the write lock of a SQLite file.
func (w *world) cmdStoreLock(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: storelock FILE COMMAND ARG...")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0])+"?_txlock=immediate&_pragma=busy_timeout(60000)") // waits for its turn
	if err != nil {
		return err
	}
	defer db.Close()
	lock, err := db.Begin()
	if err != nil {
		return err
	}
	defer lock.Rollback()
	if do := commands[args[1]]; do != nil {
		return do(w, ts, args[2:])
	}
	return ts.Exec(args[1], args[2:]...)
}
