// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"durward/authn/capability"
	"durward/authn/httpsig"
)

func init() {
	commands["keypair"] = (*world).cmdKeyPair
	commands["signed"] = (*world).cmdSigned
	commands["sign-at"] = (*world).cmdSignAt
	commands["mint-at"] = (*world).cmdMintAt
	commands["forge-capability"] = (*world).cmdForgeCapability
	commands["identity"] = (*world).cmdIdentity
}

// cmdKeyPair: "keypair ed25519|p256|p384|rsa NAME" writes NAME.key (PKCS #8),
// NAME.pub (PKIX) and NAME.jwk (the public key).
func (w *world) cmdKeyPair(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: keypair ed25519|p256|p384|rsa NAME")
	}
	var private crypto.Signer
	var err error
	switch args[0] {
	case "ed25519":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "p256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "rsa":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = errors.New("keypair: unknown kind " + args[0])
	}
	if err != nil {
		return err
	}
	secret, err1 := x509.MarshalPKCS8PrivateKey(private)
	public, err2 := x509.MarshalPKIXPublicKey(private.Public())
	jwk, err3 := (&jose.JSONWebKey{Key: private.Public(), Use: "sig"}).MarshalJSON()
	name := ts.MkAbs(args[1])
	return errors.Join(err1, err2, err3,
		os.WriteFile(name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
		os.WriteFile(name+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600),
		os.WriteFile(name+".jwk", jwk, 0o600))
}

// cmdSigned: "signed FILE STATUS METHOD PATH ..." is request, with the field
// lines that `durward sign` wrote to FILE ("stdout" is the last stdout).
func (w *world) cmdSigned(ts *testscript.TestScript, args []string) error {
	if len(args) < 4 {
		return errors.New("usage: signed FILE STATUS METHOD PATH ...")
	}
	all := args[1:]
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		all = append(all, "-H", strings.TrimSuffix(line, "\n"))
	}
	return w.cmdRequest(ts, all)
}

// cmdSignAt: "sign-at [-life D] FILE OFFSET KEYFILE KEYID METHOD URL" signs a
// request as if it were so much later, or earlier (-1h), and writes the field
// lines to FILE.
func (w *world) cmdSignAt(ts *testscript.TestScript, args []string) error {
	o, args, err := options(args)
	if err != nil || len(args) != 6 {
		return errors.New("usage: sign-at [-life D] FILE OFFSET KEYFILE KEYID METHOD URL")
	}
	offset, err := time.ParseDuration(args[1])
	life, err2 := time.ParseDuration(cmp.Or(o["life"], "0s"))
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	key, err := httpsig.NewSigningKey(args[3], "", []byte(ts.ReadFile(args[2])))
	if err != nil {
		return err
	}
	added, err := httpsig.Sign(args[4], args[5], nil, nil, key, httpsig.SignOptions{Created: time.Now().Add(offset), Lifetime: life})
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, f := range added {
		fmt.Fprintf(&lines, "%s: %s\n", f.Name, f.Value)
	}
	return os.WriteFile(ts.MkAbs(args[0]), []byte(lines.String()), 0o600)
}

// cmdMintAt: "mint-at VARIABLE OFFSET KEYFILE KEYID CONSUMER" makes a capability
// token as if it were so much later, or earlier, that ends in an hour.
func (w *world) cmdMintAt(ts *testscript.TestScript, args []string) error {
	if len(args) != 5 {
		return errors.New("usage: mint-at VARIABLE OFFSET KEYFILE KEYID CONSUMER")
	}
	offset, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	key := capability.Key{ID: args[3], Secret: strings.TrimSuffix(ts.ReadFile(args[2]), "\n")}
	t, err := capability.Mint(key, capability.Root{Consumer: args[4], Issued: time.Now().Add(offset)},
		capability.NotAfter(time.Now().Add(time.Hour)))
	if err != nil {
		return err
	}
	ts.Setenv(args[0], t.Text())
	return nil
}

// cmdForgeCapability: "forge-capability VARIABLE TOKEN ATTACK" makes a token
// that must be refused out of a good one with two caveats or more. The attacks:
// drop (its last caveat), drop-first, swap (its last two caveats), widen (another
// byte in its last caveat), append (one more, without the key's step), unknown
// (its last caveat is of another type), consumer (for another), tag (another
// one), cut (half of it), respell (a byte behind it) and long (more than 4 KiB).
func (w *world) cmdForgeCapability(ts *testscript.TestScript, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: forge-capability VARIABLE TOKEN ATTACK")
	}
	forged, err := forgeCapability(args[1], args[2])
	ts.Setenv(args[0], forged)
	return err
}

func forgeCapability(text, attack string) (string, error) {
	const prefix = "dwc_"
	t, err := capability.Parse(text)
	if err != nil {
		return "", err
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, prefix))
	if err != nil {
		return "", err
	}
	var caveats [][]byte
	size := 0
	for _, c := range t.Caveats {
		caveats = append(caveats, c.Encoding())
		size += len(c.Encoding())
	}
	if len(caveats) < 2 {
		return "", errors.New("forge-capability: the token needs two caveats")
	}
	tag := len(raw) - 32
	head, last := raw[:tag-size], len(caveats)-1
	end := raw[tag:]
	switch attack {
	case "drop":
		caveats = caveats[:last]
	case "drop-first":
		caveats = caveats[1:]
	case "swap":
		caveats[last-1], caveats[last] = caveats[last], caveats[last-1]
	case "widen":
		caveats[last][len(caveats[last])-1] ^= 1
	case "append":
		caveats = append(caveats, capability.Methods("DELETE").Encoding())
	case "unknown":
		caveats[last][0] = 200
	case "consumer":
		head = bytes.Replace(head, []byte(t.Consumer), []byte(strings.Repeat("b", len(t.Consumer))), 1)
	case "tag":
		end[0] ^= 1
	case "cut":
		return text[:len(text)/2], nil
	case "respell":
		return text + "=", nil
	case "long":
		return prefix + strings.Repeat("A", 5000), nil
	default:
		return "", errors.New("forge-capability: unknown attack " + attack)
	}
	forged := bytes.Join(append(append([][]byte{head}, caveats...), end), nil)
	return prefix + base64.RawURLEncoding.EncodeToString(forged), nil
}

// cmdIdentity: "identity [-issuer I] [-aud A] [-keys FILE] TOKEN" checks a token
// as an upstream would: with the key set that the gateway publishes, or with an
// older one in FILE. It gives the header, and then each claim on a line.
func (w *world) cmdIdentity(ts *testscript.TestScript, args []string) error {
	o, args, err := options(args)
	if err != nil || len(args) != 1 {
		return errors.New("usage: identity [-issuer I] [-aud A] [-keys FILE] TOKEN")
	}
	set, err := publishedKeys(ts, o["keys"])
	if err != nil {
		return err
	}
	token, err := jose.ParseSignedCompact(args[0], []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		return err
	}
	header := token.Signatures[0].Header
	keys := set.Key(header.KeyID)
	if len(keys) != 1 || keys[0].Algorithm != header.Algorithm || !keys[0].IsPublic() {
		return fmt.Errorf("the key set has %d keys %q", len(keys), header.KeyID)
	}
	payload, err := token.Verify(keys[0])
	if err != nil {
		return err
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Issued   int64  `json:"iat"`
		Begins   int64  `json:"nbf"`
		Ends     int64  `json:"exp"`
		ID       string `json:"jti"`
	}
	var members map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(payload, &claims), json.Unmarshal(payload, &members)); err != nil {
		return err
	}
	now := time.Now().Unix()
	switch {
	case claims.Issuer != cmp.Or(o["issuer"], claims.Issuer), claims.Audience != cmp.Or(o["aud"], claims.Audience):
		return fmt.Errorf("iss %q, aud %q", claims.Issuer, claims.Audience)
	case claims.Begins > now || claims.Ends <= now || claims.Issued > now || claims.ID == "":
		return fmt.Errorf("iat %d, nbf %d, exp %d, jti %q, and it is %d", claims.Issued, claims.Begins, claims.Ends, claims.ID, now)
	}
	out := w.stdout(ts)
	fmt.Fprintf(out, "alg %s kid %s typ %v\nlifetime %d\n", header.Algorithm, header.KeyID, header.ExtraHeaders["typ"], claims.Ends-claims.Issued)
	for name, value := range members {
		fmt.Fprintf(out, "%s: %s\n", name, value)
	}
	return nil
}

// publishedKeys asks the gateway for its key set, or reads one from a file.
func publishedKeys(ts *testscript.TestScript, file string) (set jose.JSONWebKeySet, err error) {
	if file != "" {
		return set, json.Unmarshal([]byte(ts.ReadFile(file)), &set)
	}
	client := http.Client{Timeout: time.Minute}
	answer, err := client.Get("http://" + ts.Getenv("ADMIN") + "/.well-known/jwks.json")
	if err != nil {
		return set, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		return set, fmt.Errorf("key set: %s %w", answer.Status, err)
	}
	return set, json.Unmarshal(text, &set)
}
