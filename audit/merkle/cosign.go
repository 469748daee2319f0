// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Kinds of keys of signed notes.
const (
	algEd25519     = 1
	algCosignature = 4
)

// cosignatureSize is a time of 8 bytes and an Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// witnessSigner signs as a witness does: with the time (C2SP tlog-cosignature).
type witnessSigner struct {
	name string
	key  ed25519.PrivateKey
	hash uint32
	now  func() time.Time
}

// NewWitnessSigner makes a witness's signer of a private key of signed notes.
func NewWitnessSigner(private string, now func() time.Time) (note.Signer, string, error) {
	// PRIVATE+KEY+<name>+<hash>+<data>
	parts := strings.SplitN(private, "+", 5)
	if len(parts) != 5 || parts[0] != "PRIVATE" || parts[1] != "KEY" {
		return nil, "", errors.New("not a private key of signed notes")
	}
	data, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(data) != 1+ed25519.SeedSize || data[0] != algEd25519 {
		return nil, "", errors.New("not an Ed25519 private key of signed notes")
	}
	s := &witnessSigner{name: parts[2], key: ed25519.NewKeyFromSeed(data[1:]), now: now}
	public := append([]byte{algCosignature}, s.key.Public().(ed25519.PublicKey)...)
	s.hash = keyHash(s.name, public)
	return s, fmt.Sprintf("%s+%08x+%s", s.name, s.hash, base64.StdEncoding.EncodeToString(public)), nil
}

func keyHash(name string, public []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), public...))
	return binary.BigEndian.Uint32(sum[:])
}

func (s *witnessSigner) Name() string    { return s.name }
func (s *witnessSigner) KeyHash() uint32 { return s.hash }

func (s *witnessSigner) Sign(text []byte) ([]byte, error) {
	at := s.now().Unix()
	out := binary.BigEndian.AppendUint64(make([]byte, 0, cosignatureSize), uint64(at))
	return append(out, ed25519.Sign(s.key, cosigned(at, text))...), nil
}

// cosigned is what a witness signs.
func cosigned(at int64, text []byte) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatInt(at, 10)+"\n"), text...)
}

// witnessVerifier checks cosignatures.
type witnessVerifier struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// NewVerifier reads the public key of a log or of a witness.
func NewVerifier(public string) (note.Verifier, error) {
	public = strings.TrimSpace(public)
	parts := strings.SplitN(public, "+", 3)
	if len(parts) == 3 {
		data, err := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && len(data) == 1+ed25519.PublicKeySize && data[0] == algCosignature {
			hash, err := strconv.ParseUint(parts[1], 16, 32)
			if err != nil || len(parts[1]) != 8 || uint32(hash) != keyHash(parts[0], data) || parts[0] == "" || strings.ContainsAny(parts[0], " +\n") {
				return nil, errors.New("not a public key of signed notes")
			}
			return &witnessVerifier{parts[0], uint32(hash), ed25519.PublicKey(data[1:])}, nil
		}
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, errors.New("not a public key of signed notes")
	}
	return v, nil
}

func (v *witnessVerifier) Name() string    { return v.name }
func (v *witnessVerifier) KeyHash() uint32 { return v.hash }

func (v *witnessVerifier) Verify(text, sig []byte) bool {
	if len(sig) != cosignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	if at > 1<<62 {
		return false
	}
	return ed25519.Verify(v.key, cosigned(int64(at), text), sig[8:])
}

// CosignedAt gives when a witness signed the checkpoint; ok is false when it did
// not, or its signature is not good.
func CosignedAt(signed []byte, witness note.Verifier) (at time.Time, ok bool) {
	n, err := note.Open(signed, note.VerifierList(witness))
	if err != nil || len(n.Sigs) == 0 {
		return time.Time{}, false
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || len(raw) != 4+cosignatureSize {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), true
}
