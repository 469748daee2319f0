// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"durward"
	"durward/authn"
	"durward/authn/keyring/foreign"
)

// Denied is what a denial did.
type Denied struct {
	Named int           // texts or ids that were put on the list, each counted once
	Keys  []durward.Key // keys of this store among them, as they are now
	Empty int           // lines of a file in which no key was found
}

// DenyTexts puts the leaked keys of a file on the deny list, all or none. A key
// is found wherever it stands in a line; of the other words in it, those that could
// be foreign keys are taken for such, which harms nobody. They are kept as HMACs: only exactly these texts are denied, so that
// nobody can have another's key denied who does not know it. note says where
// they were found, for people; at most 200 bytes, and no key. The error is
// ErrNoKey when there is none, a *LineError when a line is too long.
func (r *Ring) DenyTexts(ctx context.Context, file io.Reader, note string) (done Denied, err error) {
	defer func() { r.noteDenied(done, note, err) }()
	var leaked []durward.Denial
	seen := map[[32]byte]bool{}
	pepper := r.store.Pepper()
	err = eachLine(file, func(_ int, line []byte) bool {
		texts := findKeys(line)
		if len(texts) == 0 {
			done.Empty++
		}
		for _, text := range texts {
			if hash := authn.HashKey(pepper, text); !seen[hash] {
				seen[hash] = true
				leaked = append(leaked, durward.Denial{Hash: hash, Note: note})
			}
		}
		return true
	})
	if err != nil {
		return Denied{}, err
	}
	return r.deny(ctx, leaked, done)
}

// DenyIDs puts keys on the deny list by their ids, all or none, whether they are
// stored or not. It is ErrNoKey when there is none.
func (r *Ring) DenyIDs(ctx context.Context, ids []string, note string) (done Denied, err error) {
	defer func() { r.noteDenied(done, note, err) }()
	leaked := make([]durward.Denial, len(ids))
	for i, id := range ids {
		if id == "" {
			return Denied{}, durward.Invalid("id", "is needed")
		}
		leaked[i] = durward.Denial{ID: id, Note: note}
	}
	return r.deny(ctx, leaked, done)
}

func (r *Ring) deny(ctx context.Context, leaked []durward.Denial, done Denied) (Denied, error) {
	if len(leaked) == 0 {
		return Denied{}, ErrNoKey
	}
	hit, err := r.store.DenyKeys(ctx, leaked, r.now())
	if err != nil {
		return Denied{}, err
	}
	done.Named, done.Keys = len(leaked), hit
	return done, nil
}

// noteDenied records one event for the list and one for each key that it hit.
func (r *Ring) noteDenied(done Denied, note string, err error) {
	if err != nil && !errors.Is(err, ErrNoKey) {
		// A store's error may speak of ids, never of texts.
		err = fmt.Errorf("nothing is denied: %w", err)
	}
	r.note("key.deny", "", "", fmt.Sprintf("%d named, %s of this store; %s", done.Named, count(done.Keys), note), err)
	for i := range done.Keys {
		r.note("key.deny", done.Keys[i].Consumer, done.Keys[i].ID, note, nil)
	}
}

// findKeys gives the texts in a line that may be keys: ours wherever they stand,
// and those of another gateway as the whole line, a word, a quoted part, or the
// value of an assignment.
func findKeys(line []byte) []string {
	var texts []string
	whole := string(line)
	if foreign.Form(whole) {
		texts = append(texts, whole)
	}
	for _, ends := range []string{" \t\"'`", " \t\"'`=:,;<>(){}[]|&?#"} {
		for _, word := range strings.FieldsFunc(whole, func(c rune) bool { return strings.ContainsRune(ends, c) }) {
			if word != whole && foreign.Check(word) == nil && !strings.Contains(word, "dw_") {
				texts = append(texts, word)
			}
		}
	}
	for rest := line; ; {
		at := bytes.Index(rest, []byte("dw_"))
		if at < 0 {
			return texts
		}
		rest = rest[at:]
		end := bytes.IndexFunc(rest, func(c rune) bool { return !keyRune(c) })
		if end < 0 {
			end = len(rest)
		}
		if text := string(rest[:end]); isKey(text) {
			texts = append(texts, text)
		}
		rest = rest[len("dw_"):]
	}
}

func keyRune(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func isKey(text string) bool {
	_, _, err := authn.ParseKey(text)
	return err == nil
}
