// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"durward"
	"durward/authn"
	"durward/authn/keyring/foreign"
)

// Bounds of files.
const (
	maxLine  = 64 << 10 // bytes of a line
	maxLines = 100_000  // lines that are not empty
)

var (
	errLine     = errors.New("is longer than 64 KiB")
	errLines    = errors.New("the file has more than 100000 lines")
	errJSON     = errors.New("is not one JSON object in UTF-8")
	errName     = errors.New("has a member that is not known, or one twice")
	errText     = errors.New("give either key, or id with hash")
	errHash     = errors.New("hash is not 64 hexadecimal digits")
	errID       = errors.New("id is not that of such a key")
	errEnviron  = errors.New("environment is not that of the key")
	errConsumer = errors.New("names no consumer")
)

// Record is a line of an import file that can be a key.
type Record struct {
	Line int
	Key  durward.Key
}

// ParseImport reads a file of JSON lines. Each is an object with a consumer, and
// with either
//
//   - key, the text of a key: one of ours, or one of another gateway that passes
//     foreign.Check, or
//   - id, environment and hash, as another store with the same pepper has them.
//     The hash is HMAC-SHA-256, in hexadecimal digits.
//
// It may have name, holders, roles, scopes, addresses, denied, plan, created,
// expires and revoked (RFC 3339). Names are exact, each occurs once, and no other
// may occur. Empty lines are skipped. A file has at most 100000 lines of at most
// 64 KiB. The error joins a *LineError for each bad line, at most 100.
func ParseImport(file io.Reader, pepper []byte) ([]Record, error) {
	var records []Record
	var bad faults
	err := eachLine(file, func(n int, line []byte) bool {
		k, err := parseRecord(line, pepper)
		if err != nil {
			bad.add(n, err)
			return !bad.full()
		}
		records = append(records, Record{n, k})
		return true
	})
	if err != nil {
		bad = append(bad, err)
	}
	if err := bad.join(); err != nil {
		return nil, err
	}
	return records, nil
}

// eachLine calls do for each line that is not empty, until it gives false.
func eachLine(file io.Reader, do func(n int, line []byte) bool) error {
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	n, used := 0, 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if used++; used > maxLines {
			return errLines
		}
		if !do(n, line) {
			return nil
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return &LineError{n + 1, errLine}
	} else if err != nil {
		return err
	}
	return nil
}

// line is what a line may hold.
type line struct {
	key, id, environment, consumer, hash, name, plan string
	holders, roles, scopes                           []string
	addresses, denied                                []netip.Prefix
	created, expires, revoked                        time.Time
}

func (l *line) members() map[string]any {
	return map[string]any{
		"key": &l.key, "id": &l.id, "environment": &l.environment, "consumer": &l.consumer, "hash": &l.hash, "name": &l.name,
		"plan": &l.plan, "holders": &l.holders, "roles": &l.roles, "scopes": &l.scopes, "addresses": &l.addresses,
		"denied": &l.denied, "created": &l.created, "expires": &l.expires, "revoked": &l.revoked,
	}
}

// parseRecord reads one line. No error quotes it: it may hold a key anywhere.
func parseRecord(text, pepper []byte) (durward.Key, error) {
	var l line
	if err := decode(text, l.members()); err != nil {
		return durward.Key{}, err
	}
	k := durward.Key{
		Consumer: l.consumer, Name: l.name, Holders: l.holders, Roles: l.roles, Scopes: l.scopes, Addresses: l.addresses,
		Denied: l.denied, Plan: l.plan, Created: l.created, Expires: l.expires, Revoked: l.revoked,
	}
	if l.consumer == "" {
		return k, errConsumer
	}
	if err := errors.Join(checkNetworks("addresses", l.addresses), checkNetworks("denied", l.denied)); err != nil {
		return k, err
	}
	switch {
	case l.key != "" && l.hash == "":
		return k, l.identify(&k, pepper)
	case l.key == "" && l.hash != "" && l.id != "":
		return k, l.take(&k)
	}
	return k, errText
}

// identify fills in what a key's text says of it.
func (l *line) identify(k *durward.Key, pepper []byte) error {
	k.Hash = authn.HashKey(pepper, l.key)
	if strings.HasPrefix(l.key, "dw_") {
		environment, id, err := authn.ParseKey(l.key)
		if err != nil {
			return err
		}
		k.Environment, k.ID = environment, id
		if environment == durward.ForeignEnvironment {
			return errEnviron
		}
	} else {
		if err := foreign.Check(l.key); err != nil {
			return err
		}
		k.Environment, k.ID = durward.ForeignEnvironment, foreign.ID(k.Hash)
	}
	if l.id != "" && l.id != k.ID {
		return errID
	}
	if l.environment != "" && l.environment != k.Environment {
		return errEnviron
	}
	return nil
}

// take fills in what another store knew of a key.
func (l *line) take(k *durward.Key) error {
	sum, err := hex.DecodeString(l.hash)
	if err != nil || len(sum) != len(k.Hash) || k.Hash == [32]byte(sum) {
		return errHash
	}
	k.Hash, k.ID, k.Environment = [32]byte(sum), l.id, l.environment
	if (l.environment == durward.ForeignEnvironment) != strings.HasPrefix(l.id, foreign.IDPrefix) {
		return errEnviron
	}
	// A foreign key under another id would never be found.
	if l.environment == durward.ForeignEnvironment && l.id != foreign.ID(k.Hash) {
		return errID
	}
	return nil
}

// decode reads a JSON object whose members are exactly among those given, each
// at most once. Package json alone takes names in any case, and twice.
func decode(text []byte, members map[string]any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errJSON
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return errJSON
		}
		name, _ := token.(string)
		to, known := members[name]
		if !known {
			return errName
		}
		delete(members, name)
		if err := dec.Decode(to); err != nil {
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
				return errJSON
			}
			return durward.Invalid(name, "is not what it should be")
		}
	}
	if _, err := dec.Token(); err != nil {
		return errJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errJSON
	}
	return nil
}
