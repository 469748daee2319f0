// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"durward"
	"durward/authn"
	"durward/examples/issuer"
)

// cmdIssuer: "issuer [-tls CERT]" starts one and sets $ISSUER; "issuer down|up|rotate".
func (w *world) cmdIssuer(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 || args[0] == "-tls" && len(args) == 2 {
		var err error
		if w.issuer, err = issuer.New(issuer.Options{}); err != nil {
			return err
		}
		w.issues = httptest.NewUnstartedServer(w.issuer.Handler())
		if len(args) == 0 {
			w.issues.Start()
		} else {
			base := filepath.Join(w.dir, args[1])
			pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
			if err != nil {
				return err
			}
			w.issues.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
			w.issues.StartTLS()
		}
		w.issuer.SetURL(w.issues.URL)
		ts.Setenv("ISSUER", w.issues.URL)
		return nil
	}
	switch args[0] {
	case "down":
		w.issuer.SetDown(true)
	case "up":
		w.issuer.SetDown(false)
	case "rotate":
		return w.issuer.Rotate()
	default:
		return errors.New("usage: issuer [-tls CERT | down|up|rotate]")
	}
	return nil
}

// cmdToken: "token VARIABLE SUBJECT [-roles a,b] [-alg A] [-ttl D] [-aud A]
// [-typ T] [-kid K] [-claim name=text] [-json name=JSON]" mints a token into an
// environment variable.
func (w *world) cmdToken(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: token VARIABLE SUBJECT [-roles a,b] ...")
	}
	claims := issuer.Claims{"sub": args[1]}
	var options []issuer.MintOption
	for i := 2; i+1 < len(args); i += 2 {
		value := args[i+1]
		switch args[i] {
		case "-roles":
			claims["roles"] = strings.Split(value, ",")
		case "-alg":
			options = append(options, issuer.Alg(value))
		case "-aud":
			options = append(options, issuer.Audience(value))
		case "-typ":
			options = append(options, issuer.Type(value))
		case "-ttl":
			d, err := time.ParseDuration(value)
			if err != nil {
				return err
			}
			options = append(options, issuer.TTL(d))
		case "-claim":
			name, v, _ := strings.Cut(value, "=")
			claims[name] = v
		case "-json":
			name, v, _ := strings.Cut(value, "=")
			claims[name] = json.RawMessage(v)
		case "-kid":
			options = append(options, issuer.KeyID(value))
		default:
			return fmt.Errorf("token: unknown option %s", args[i])
		}
	}
	token, err := w.issuer.Mint(claims, options...)
	if err != nil {
		return err
	}
	ts.Setenv(args[0], token)
	return nil
}

// cmdKey: "key VARIABLE CONSUMER [ROLE...]" makes a key in the running
// gateway's store; VARIABLE_ID gets its id.
func (w *world) cmdKey(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: key VARIABLE CONSUMER [ROLE...]")
	}
	st, ctx := w.gateway.Store(), context.Background()
	if _, err := st.Consumer(ctx, args[1]); errors.Is(err, durward.ErrNotFound) {
		if err := st.CreateConsumer(ctx, durward.Consumer{ID: args[1], Name: args[1]}); err != nil {
			return err
		}
	}
	text, id, hash, err := authn.MintKey(st.Pepper(), "test")
	if err != nil {
		return err
	}
	ts.Setenv(args[0], text)
	ts.Setenv(args[0]+"_ID", id)
	return st.CreateKey(ctx, durward.Key{ID: id, Environment: "test", Consumer: args[1], Hash: hash, Roles: args[2:]})
}
